/** What a user does to a conversation: each shows at once, and is taken back if the service refuses. */

const UNDO_MILLISECONDS = 8000;

export class Desk {
  constructor(app) {
    this.app = app;
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

  /** Deletes it, with a way back. The start page takes the place of the one that is open. */
  async remove(conversation) {
    const { app } = this;
    const id = String(conversation.id);
    app.dropped(id);
    if (app.thread.id === id) app.go(null);
    try {
      await app.api.remove(id);
    } catch (problem) {
      if (problem.status !== 404) {
        app.taken(conversation);
        app.complain(problem);
        return;
      }
    }
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
      const restored = await app.api.restore(conversation.id);
      app.taken(restored);
      app.outside.tell({ what: 'taken', conversation: restored });
    } catch (problem) {
      app.complain(problem);
    }
  }

  /** Whether the service took it. */
  async #change(conversation, changes) {
    const { app } = this;
    app.taken({ ...conversation, ...changes });
    try {
      const changed = await app.api.change(conversation.id, changes);
      app.taken(changed);
      app.outside.tell({ what: 'taken', conversation: changed });
      return true;
    } catch (problem) {
      if (problem.status === 404) app.dropped(String(conversation.id));
      else app.taken(conversation);
      app.complain(problem);
      return false;
    }
  }
}
