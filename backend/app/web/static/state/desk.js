/** A user's changes to conversations: each shows at once, and is undone if the service refuses it. */

import { Line } from './line.js';

const UNDO_MILLISECONDS = 8000;

export class Desk {
  constructor(app) {
    this.app = app;
    /** Ids of conversations that are deleted here, but not yet confirmed by the service. */
    this.deleting = new Set();
  }

  /**
   * By id: the service's last state, the unanswered changes, the line of requests, and
   * whether the conversation is gone.
   */
  #known = new Map();

  close() {
    for (const { line } of this.#known.values()) line.close();
  }

  /** It was deleted, here or elsewhere: answers to earlier requests change nothing. */
  forget(id) {
    const known = this.#known.get(id);
    if (known) known.gone = true;
  }

  rename(conversation, title) {
    return this.#change(conversation, { title });
  }

  pin(conversation) {
    return this.#change(conversation, { pinned: !conversation.pinned });
  }

  async archive(conversation) {
    const { app } = this;
    const archived = !conversation.archived;
    if (!(await this.#change(conversation, { archived }))) return;
    const said = archived ? app.text.archived : app.text.unarchived;
    app.toasts.say(said(this.#title(conversation)), {
      action: app.text.undo,
      run: () => this.#change({ ...conversation, archived }, { archived: !archived }),
      milliseconds: UNDO_MILLISECONDS,
    });
  }

  /** Deletes it, and offers an undo. If it is open, the start page replaces it. */
  async remove(conversation) {
    const { app } = this;
    const id = String(conversation.id);
    const known = this.#knownOf(conversation);
    this.deleting.add(conversation.id);
    app.dropped(id);
    if (app.thread.id === id) app.go(null);
    try {
      await known.line.ask(() => app.api.remove(id));
    } catch (problem) {
      if (problem.status !== 404) {
        this.deleting.delete(conversation.id);
        known.gone = false;
        app.taken(known.stored);
        app.complain(problem);
        return;
      }
    }
    this.deleting.delete(conversation.id);
    app.dropped(id);
    app.threads.delete(id);
    app.outside.tell({ what: 'dropped', id });
    app.toasts.say(app.text.deleted(this.#title(conversation)), {
      action: app.text.undo,
      run: () => this.#restore(conversation),
      milliseconds: UNDO_MILLISECONDS,
    });
  }

  #title({ title }) {
    return title ?? this.app.text.untitled;
  }

  async #restore(conversation) {
    const { app } = this;
    try {
      const restored = await this.#knownOf(conversation).line.ask(() => app.api.restore(conversation.id));
      app.taken(restored);
      app.outside.tell({ what: 'taken', conversation: restored });
    } catch (problem) {
      app.complain(problem);
    }
  }

  /** Returns whether the service accepted it. */
  async #change(conversation, changes) {
    const { app } = this;
    const known = this.#knownOf(conversation);
    known.changes.push(changes);
    this.#show(known);
    try {
      known.stored = await known.line.ask(() => app.api.change(conversation.id, changes));
      if (!known.gone) app.outside.tell({ what: 'taken', conversation: known.stored });
      return true;
    } catch (problem) {
      if (problem.status === 404) app.dropped(String(conversation.id));
      app.complain(problem);
      return false;
    } finally {
      known.changes.shift();
      this.#show(known);
    }
  }

  #knownOf(conversation) {
    const id = String(conversation.id);
    const known = this.#known.get(id) ?? { changes: [], line: new Line() };
    this.#known.set(id, known);
    if (known.changes.length === 0) Object.assign(known, { stored: conversation, gone: false });
    return known;
  }

  #show({ stored, changes, gone }) {
    if (!gone) this.app.taken(Object.assign({}, stored, ...changes));
  }
}
