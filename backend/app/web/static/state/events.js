/** The events of a streamed reply. */

import { EventSourceParserStream } from '../vendor/eventsource-parser/dist/stream.js';
import { Problem } from './problem.js';

const END = '[DONE]';
const TOKEN_ENDED = 'not_authenticated';

/**
 * Yields the events of the stream until it says that it is done, and calls `heard` for each piece of data. Throws
 * Problem `cut` if it ends before: a broken connection is never taken for the end of a reply. A token that ends is
 * such a break, too: the reply goes on, and can be resumed with another token.
 */
export async function* events(response, heard) {
  const listened = new TransformStream({
    transform(piece, out) {
      heard();
      out.enqueue(piece);
    },
  });
  const reader = response.body
    .pipeThrough(listened)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      if (done) throw new Problem('cut');
      if (value.data === END) return;
      const event = JSON.parse(value.data);
      if (event.type === 'error' && event.errorText === TOKEN_ENDED) throw new Problem('cut');
      yield event;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
