/** The conversations with a running reply, here, in another tab or on another device. */

const PAUSE_MILLISECONDS = 3000;

export class Live {
  constructor(app) {
    this.app = app;
    this.ids = new Set();
  }

  has(id) {
    return this.ids.has(id) || Boolean(this.app.threads.get(id)?.turn.running);
  }

  add(id) {
    this.ids = new Set(this.ids).add(id);
    this.#wait();
    this.app.changed();
  }

  drop(id) {
    this.ids = new Set([...this.ids].filter((one) => one !== id));
    this.app.changed();
  }

  close() {
    clearTimeout(this.timer);
    this.closed = true;
  }

  /** Repeats itself only while something runs: an idle page makes no requests. */
  async load() {
    try {
      const { items } = await this.app.api.live();
      this.ids = new Set(items.map((reply) => String(reply.conversation_id)));
    } catch {
      this.ids = new Set();
    }
    this.#wait();
    this.app.changed();
  }

  #wait() {
    clearTimeout(this.timer);
    const foreign = [...this.ids].some((id) => !this.app.threads.get(id)?.turn.running);
    if (foreign && !document.hidden && !this.closed) this.timer = setTimeout(() => this.load(), PAUSE_MILLISECONDS);
  }
}
