/**
 * Unsent text, one draft per conversation, kept over a reload for the user who typed it.
 *
 * Sent text stays here too, with its ids, until the service has acknowledged it: if the tab is closed before,
 * the text is back in the box, and sending it again is a retry and not a second message.
 */

import { newId } from './identity.js';

const PREFIX = 'chat-history.draft.';

/** A draft is `{owner, text, sent, flying}`: its user, the box, what was sent last, and whether that is pending. */
export class Drafts {
  /** Their user. Until it is known, text is kept in memory only, and no stored draft is shown. */
  owner = null;
  #early = new Map();

  /** Removes other users' drafts; appends what was typed until now to the stored drafts. */
  belongTo(owner) {
    this.owner = owner;
    for (const id of this.#ids()) {
      const { owner: whose, sent, flying } = this.#read(id);
      if (whose !== owner) localStorage.removeItem(PREFIX + id);
      else if (flying) this.takeBack(id, sent);
    }
    for (const [id, draft] of this.#early) {
      const before = this.#read(id);
      this.#save(id, { ...before, ...draft, text: joined(before.text, draft.text) });
    }
  }

  /** The text in a conversation's box; `id` is null for a new chat. */
  text(id) {
    return this.#read(id).text ?? '';
  }

  write(id, text) {
    this.#save(id, { ...this.#read(id), text });
  }

  /**
   * Empties the box. Returns its text with the ids to send it under: the same ids if the
   * same text was sent before and never acknowledged.
   */
  send(id, text) {
    const before = this.#read(id).sent;
    const sent = before?.text === text ? before : { text, message: newId('m'), conversation: newId('c') };
    this.#save(id, { text: '', sent, flying: true });
    return sent;
  }

  /** The service has stored what was sent. */
  acknowledge(id) {
    const { text, sent } = this.#read(id);
    this.#save(id, { text: text === sent?.text ? '' : text });
  }

  /** Puts `sent` back into the box, before newer text. */
  takeBack(id, sent) {
    const { text, sent: last = sent, flying } = this.#read(id);
    const own = last.message === sent.message; // or another tab has sent something since
    if (own && last !== sent && !flying) return; // another tab has put it back
    this.#save(id, { text: joined(sent.text, text), sent: last, flying: !own && flying });
  }

  /** The text whose arrival another tab has recorded, if that is this storage event; else null. */
  arrived(id, { key, oldValue, newValue }) {
    const { sent } = parsed(oldValue);
    return key === PREFIX + (id ?? 'new') && sent && !parsed(newValue).sent ? sent.text : null;
  }

  clear() {
    for (const id of this.#ids()) localStorage.removeItem(PREFIX + id);
  }

  #ids() {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => key.slice(PREFIX.length));
  }

  #read(id) {
    const name = id ?? 'new';
    if (this.owner === null) return this.#early.get(name) ?? {};
    const draft = parsed(localStorage.getItem(PREFIX + name));
    return draft.owner === this.owner ? draft : {};
  }

  #save(id, draft) {
    const name = id ?? 'new';
    if (this.owner === null) this.#early.set(name, draft);
    else if (draft.text || draft.sent) {
      localStorage.setItem(PREFIX + name, JSON.stringify({ ...draft, owner: this.owner }));
    } else localStorage.removeItem(PREFIX + name);
  }
}

function parsed(draft) {
  try {
    return JSON.parse(draft) ?? {};
  } catch {
    return {};
  }
}

function joined(...texts) {
  return texts.filter(Boolean).join('\n\n');
}
