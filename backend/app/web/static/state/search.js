/** The search over titles and messages: one query at a time, the last one wins. */

const PAUSE_MILLISECONDS = 150;
const PAGE = 20;

export class Search {
  constructor(app) {
    this.app = app;
    this.#reset('');
  }

  #reset(query) {
    this.query = query;
    this.items = [];
    this.cursor = null;
    /** `off`, `waiting`, `ready` or `failed`. */
    this.state = query.trim() ? 'waiting' : 'off';
  }

  /** Looks for what is typed, after a pause in which nothing more was. */
  type(query) {
    clearTimeout(this.timer);
    this.asked?.abort();
    const { items } = this;
    this.#reset(query);
    if (this.state === 'waiting') {
      this.items = items; // better the results so far than an empty list at each letter
      this.timer = setTimeout(() => this.#ask(), PAUSE_MILLISECONDS);
    }
    this.app.changed();
  }

  clear = () => this.type('');

  more = () => {
    if (this.state === 'ready' && this.cursor !== null) this.#ask(this.cursor);
  };

  async #ask(cursor = null) {
    const asked = (this.asked = new AbortController());
    this.state = 'waiting';
    try {
      const query = { q: this.query.trim(), limit: PAGE, cursor };
      const page = await this.app.api.search(query, asked.signal);
      this.items = cursor === null ? page.items : [...this.items, ...page.items];
      this.cursor = page.next_cursor;
      this.state = 'ready';
    } catch (problem) {
      if (asked.signal.aborted) return;
      this.state = 'failed';
      this.problem = problem;
    }
    this.app.changed();
  }
}
