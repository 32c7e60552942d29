/** The events of a streamed reply. */

import { EventSourceParserStream } from '../vendor/eventsource-parser/dist/stream.js';
import { Problem } from './problem.js';

const END = '[DONE]';

/**
 * Yields each event of the stream until it says that it is done. Throws Problem `cut` if it ends before:
 * a connection that breaks is never taken for the end of a reply.
 */
export async function* events(response) {
  const reader = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      if (done) throw new Problem('cut');
      if (value.data === END) return;
      yield JSON.parse(value.data);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
