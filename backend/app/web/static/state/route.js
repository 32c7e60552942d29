/** The part of the address behind `#`: `/` a new chat, `/c/7` a conversation, `/c/7/m/9` a message in it. */

/** `{id, message}` of an address, both null for a new chat; null if the address is not one of ours. */
export function readRoute(hash) {
  if (hash === '' || hash === '#' || hash === '#/') return { id: null, message: null };
  const found = /^#\/c\/([^/]+)(?:\/m\/(\d+))?$/.exec(hash);
  return found && { id: decodeURIComponent(found[1]), message: found[2] ?? null };
}

export function linkTo(id, message = null) {
  if (id === null) return '#/';
  return message === null ? `#/c/${id}` : `#/c/${id}/m/${message}`;
}
