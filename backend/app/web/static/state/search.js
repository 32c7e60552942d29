/** The search over titles and messages: one query at a time, the last one wins. */

const PAUSE_MILLISECONDS = 150;
const PAGE = 20;
const ENOUGH = 8;
const MOST_PAGES = 5;

export class Search {
  constructor(app) {
    this.app = app;
    this.#reset('');
  }

  #reset(query) {
    this.query = query;
    this.items = [];
    this.cursor = null;
    /** Whether `items` are of the query before. */
    this.stale = true;
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
    if (this.state === 'ready' && this.cursor !== null) this.#ask();
  };

  /** One page looks through some thousand messages and may find nothing there: then the next one is asked for. */
  async #ask() {
    const asked = (this.asked = new AbortController());
    const wanted = this.stale ? ENOUGH : this.items.length + 1;
    this.state = 'waiting';
    this.app.changed();
    try {
      for (let pages = 0; pages < MOST_PAGES && (pages === 0 || this.#wants(wanted)); pages += 1) {
        const query = { q: this.query.trim(), limit: PAGE, cursor: this.cursor };
        const page = await this.app.api.search(query, asked.signal);
        this.items = this.stale ? page.items : [...this.items, ...page.items];
        this.stale = false;
        this.cursor = page.next_cursor;
        this.app.changed();
      }
      this.state = 'ready';
    } catch {
      if (asked.signal.aborted) return;
      this.state = 'failed';
    }
    this.app.changed();
  }

  #wants(wanted) {
    return this.cursor !== null && this.items.length < wanted;
  }
}
