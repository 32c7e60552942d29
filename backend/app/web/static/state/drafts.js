/**
 * What is typed and not sent yet, one text a conversation, kept over a reload, for whoever typed it.
 *
 * What was sent stays here too, with its ids, until the service has acknowledged it: if the tab is closed in
 * between, the text is back in the box, and sending it again is a retry and not a second message.
 */

import { newId } from './identity.js';

const PREFIX = 'chat-history.draft.';

/** A draft is `{owner, text, sent, flying}`: whose it is, the box, what was sent last, and whether it is on its way. */
export class Drafts {
  /** Whose they are. Until that is known, what is typed is only here, and nothing of before is shown. */
  owner = null;
  #early = new Map();

  /** What others left is removed; what was typed until now comes after what was there. */
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

  /** The text in a conversation's box; `id` null is the chat that has not begun. */
  text(id) {
    return this.#read(id).text ?? '';
  }

  write(id, text) {
    this.#save(id, { ...this.#read(id), text });
  }

  /**
   * Empties the box. Returns what was in it with the ids to send it under: the same ones as before, if the
   * same text was sent before and never acknowledged.
   */
  send(id, text) {
    const before = this.#read(id).sent;
    const sent = before?.text === text ? before : { text, message: newId('m'), conversation: newId('c') };
    this.#save(id, { text: '', sent, flying: true });
    return sent;
  }

  /** The service has what was sent. */
  acknowledge(id) {
    const { text, sent } = this.#read(id);
    this.#save(id, { text: text === sent?.text ? '' : text });
  }

  /** Puts what was `sent` back into the box, before what was typed since. */
  takeBack(id, sent) {
    const { text, sent: last = sent, flying } = this.#read(id);
    const own = last.message === sent.message; // or another tab has sent something since
    if (own && last !== sent && !flying) return; // another tab has put it back
    this.#save(id, { text: joined(sent.text, text), sent: last, flying: !own && flying });
  }

  /** The text of which another tab learned that the service has it, if a change of the storage says so. */
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
