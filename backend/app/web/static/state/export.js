/** Everything about the user as a file, which is there only once it is whole. */

import { Problem } from './problem.js';

const TYPE = 'application/jsonl';
const NEW_LINE = 10;
/** More than the last line ever has. */
const LAST_BYTES = 1000;

/**
 * Reads an export: `{file, counted}`, a Blob and what its last line counts. `told` gets the number of bytes so far.
 * Throws Problem `export_cut` unless that line has come, and as many lines as it counts: the service ends a
 * connection without it when something fails on the way.
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
    // It has broken off, or its last line is half a line.
  }
  throw new Problem('export_cut');
}

async function lastLine(file) {
  return JSON.parse((await file.slice(-LAST_BYTES).text()).split('\n').at(-2));
}

/** How many there are if `end` is the last one. Besides what it counts: what it is, whose it is, and itself. */
function linesOf({ todo, conversation, message }) {
  return 3 + todo + conversation + message;
}

/** Hands a file to the browser, which keeps it where it keeps what is downloaded. */
export function save(file, name) {
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(file), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
