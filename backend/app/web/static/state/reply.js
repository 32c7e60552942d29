/** Turns the events of a reply's stream into the parts of a message. */

/** The parts of a message to show: the stored ones, then any text that they do not contain. */
export function partsOf(message) {
  const parts = message.parts ?? [];
  const told = parts.reduce((sum, part) => sum + (part.type === 'text' ? lengthOf(part.text) : 0), 0);
  if (parts.length > 0 && told >= lengthOf(message.content)) return parts;
  return [...parts, { type: 'text', text: [...message.content].slice(told).join('') }];
}

/** All text of a message, for copying and for screen readers. */
export function textOf(message) {
  return partsOf(message)
    .filter((part) => part.type === 'text')
    .map((part) => part.text.trim())
    .join('\n\n');
}

/** In code points, as the service counts. */
function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

/** Collects the events of one stream, which always starts at the reply's beginning. */
export class Reply {
  parts = [];
  /** `status` and `finish_reason` of the message, once they have arrived. */
  ending = null;

  apply(event) {
    switch (event.type) {
      case 'text-start':
        return this.#add({ type: 'text', text: '' });
      case 'text-delta':
        return this.#last({ text: this.parts.at(-1).text + event.delta });
      case 'tool-input-available':
        return this.#add({
          type: `tool-${event.toolName}`,
          toolCallId: event.toolCallId,
          state: 'input-available',
          input: event.input,
        });
      case 'tool-output-available':
        return this.#tool(event, { state: 'output-available', output: event.output });
      case 'tool-output-error':
        return this.#tool(event, { state: 'output-error', errorText: event.errorText });
      case 'message-metadata':
      case 'finish':
        this.ending = { status: event.messageMetadata.status, finish_reason: event.finishReason ?? null };
        return false;
      case 'error':
        this.ending = { status: 'failed', finish_reason: event.errorText };
        return false;
      default:
        return false;
    }
  }

  get text() {
    return this.parts.map((part) => part.text ?? '').join('');
  }

  #add(part) {
    this.parts = [...this.parts, part];
    return true;
  }

  #last(changes) {
    this.parts = [...this.parts.slice(0, -1), { ...this.parts.at(-1), ...changes }];
    return true;
  }

  #tool({ toolCallId }, changes) {
    this.parts = this.parts.map((part) => (part.toolCallId === toolCallId ? { ...part, ...changes } : part));
    return true;
  }
}
