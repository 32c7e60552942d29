/** Ids for what the page sends, so that a retry is never taken for something new. */

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * Sixteen random letters after one for the kind: never a number, which would be an id of the
 * service. (`crypto.randomUUID` does not exist on plain http.)
 */
export function newId(kind) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `${kind}-${Array.from(bytes, (byte) => LETTERS[byte % 32]).join('')}`;
}
