/** The loaded messages of one conversation, and the turn that runs in it. */

import { newId } from './identity.js';
import { Turn } from './turn.js';

export const PAGE = 30;

export class Thread {
  /** `id` is the conversation's id as text; null for a new chat. */
  constructor(app, id) {
    this.app = app;
    this.id = id;
    /** Stays the same when the chat gets its id. */
    this.key = newId('t');
    this.messages = [];
    /** `loading`, `ready`, `missing` (deleted, or not ours) or `failed`. */
    this.state = id === null ? 'ready' : 'loading';
    this.problem = null;
    /** The cursors of the pages before and after the loaded messages; null if there are none. */
    this.older = null;
    this.newer = null;
    /** The message that a link leads to, as `{id}`: a new object for each visit. */
    this.target = null;
    this.turn = new Turn(this);
    /** The versions of a reply, by the id of the one that is shown. */
    this.versions = new Map();
    /** The side on which a page is being loaded, and why the last one failed. */
    this.paging = null;
    this.pageProblem = null;
  }

  /** Counts the sections of the conversation that were shown: pages for earlier ones are dropped. */
  #section = 0;

  /** Whether the newest messages are not loaded. */
  get hasNewer() {
    return this.newer !== null;
  }

  get last() {
    return this.messages.at(-1) ?? null;
  }

  /** Replaces the messages; `newer` is the cursor of the page after them. */
  show(messages, newer = null) {
    this.#section += 1;
    this.messages = messages;
    this.newer = newer;
  }

  /** Loads the newest page, or that around the message `target`, once a question being sent is stored or back. */
  async load(target = null) {
    await this.turn.decided;
    this.turn.withdraw();
    return this.loadNow(target);
  }

  async loadNow(target = null) {
    const section = (this.#section += 1);
    if (this.state !== 'ready') this.state = 'loading';
    this.app.changed();
    try {
      const page = await this.app.api.history(this.id, { limit: PAGE, around: target });
      if (section !== this.#section) return undefined;
      this.show(page.items.map(keyed), page.newer_cursor);
      this.older = page.next_cursor;
      this.target = target && { id: target };
      this.state = 'ready';
    } catch (problem) {
      if (section !== this.#section) return undefined;
      if (problem.code !== 'message_not_found') return this.#failed(problem);
      this.app.complain(problem);
      return this.load();
    } finally {
      this.app.changed();
    }
    return this.#follow();
  }

  #follow() {
    if (this.last?.status === 'streaming') this.turn.resume();
  }

  /** Reloads the newest page and keeps the older ones. */
  async refresh() {
    if (this.id === null || this.hasNewer || this.state === 'loading' || this.#isUnsent) return undefined;
    const { messages } = this;
    try {
      const page = await this.app.api.history(this.id, { limit: PAGE });
      if (this.turn.running || this.#isUnsent) return undefined;
      // Messages or ratings have changed meanwhile: this page is older.
      if (messages !== this.messages) return this.refresh();
      this.#merge(page);
    } catch (problem) {
      if (problem.status === 404) this.gone();
      return undefined;
    }
    this.app.changed();
    return this.#follow();
  }

  /** Whether a question is not stored by the service. */
  get #isUnsent() {
    return Boolean(this.turn.failure?.unsent);
  }

  loadOlder = () => this.#page('before', this.older);
  loadNewer = () => this.#page('after', this.newer);

  async #page(side, cursor) {
    if (cursor === null || this.paging) return;
    this.paging = side;
    this.pageProblem = null;
    this.app.changed();
    const section = this.#section;
    try {
      const page = await this.app.api.history(this.id, { limit: PAGE, [side]: cursor });
      if (section !== this.#section) return;
      const found = page.items.map(keyed);
      if (side === 'before') {
        this.messages = [...found, ...this.messages];
        this.older = page.next_cursor;
      } else {
        this.messages = [...this.messages, ...found];
        this.newer = page.newer_cursor;
        this.#follow();
      }
    } catch (problem) {
      if (section === this.#section) this.pageProblem = problem;
    } finally {
      this.paging = null;
      this.app.changed();
    }
  }

  /** Replaces the message with the same key, or the same id if it was loaded meanwhile. */
  put(message) {
    const same = (one) => one.key === message.key || (one.id !== null && one.id === message.id);
    this.messages = this.messages.map((one) => (same(one) ? message : one));
    this.app.changed();
  }

  async rate(message, value) {
    const before = message.feedback ?? null;
    this.put({ ...message, feedback: value });
    try {
      await this.app.api.feedback(this.id, message.id, value);
    } catch (problem) {
      this.put({ ...this.messages.find((one) => one.key === message.key), feedback: before });
      this.app.complain(problem);
    }
  }

  /**
   * Loads the other versions of a reply. Its `seq` shows that there are some: a regenerated reply
   * does not directly follow its question.
   */
  async loadVersions(reply) {
    try {
      const { items } = await this.app.api.versions(this.id, reply.id);
      this.versions = new Map(this.versions).set(reply.id, items.map(keyed));
      this.app.changed();
    } catch {
      // The reply is shown without a switcher.
    }
  }

  /** It was deleted, here or elsewhere. */
  gone() {
    this.turn.leave();
    this.state = 'missing';
    this.app.changed();
  }

  #merge(page) {
    const known = new Map(this.messages.map((message) => [message.id, message]));
    const items = page.items.map((item) => ({ ...item, key: known.get(item.id)?.key ?? keyed(item).key }));
    const ids = new Set(items.map((item) => item.id));
    const place = page.next_cursor === null ? 0 : this.messages.findIndex((message) => ids.has(message.id));
    const before = this.messages.slice(0, Math.max(place, 0));
    if (place < 0) this.show(items);
    else this.messages = [...before, ...items];
    if (before.length === 0) this.older = page.next_cursor;
  }

  #failed(problem) {
    this.problem = problem;
    this.state = problem.status === 404 || problem.status === 422 ? 'missing' : 'failed';
  }
}

function keyed(message) {
  return { ...message, key: message.client_id ?? `stored-${message.id}` };
}
