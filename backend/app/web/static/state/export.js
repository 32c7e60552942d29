/** Everything about the user as a file, which is offered only when complete. */

import { Problem } from './problem.js';

const TYPE = 'application/jsonl';
const NEW_LINE = 10;
/** More than the last line can have. */
const LAST_BYTES = 1000;

/**
 * Reads an export: `{file, counted}`, a Blob and the counts of its last line. `told` gets the number of bytes so
 * far. Throws Problem `export_cut` unless that line has arrived and its counts match: when something fails, the
 * service ends the connection without it.
 */
export async function readExport(response, told) {
  let bytes = 0;
  let lines = 0;
  const counting = new TransformStream({
    transform(piece, rest) {
      bytes += piece.length;
      for (const byte of piece) if (byte === NEW_LINE) lines += 1;
      told(bytes);
      rest.enqueue(piece);
    },
  });
  try {
    const whole = new Response(response.body.pipeThrough(counting), { headers: { 'Content-Type': TYPE } });
    const file = await whole.blob();
    const counted = await lastLine(file);
    if (lines === linesOf(counted)) return { file, counted };
  } catch {
    // The export broke off, or its last line is incomplete.
  }
  throw new Problem('export_cut');
}

async function lastLine(file) {
  return JSON.parse((await file.slice(-LAST_BYTES).text()).split('\n').at(-2));
}

/** How many lines a complete export has: those counted, its header, its user, and `end` itself. */
function linesOf({ todo, conversation, message }) {
  return 3 + todo + conversation + message;
}

/** Lets the browser download a file. */
export function save(file, name) {
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(file), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
