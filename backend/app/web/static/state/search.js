/** The search in titles and messages: one query at a time, the last one wins. */

const PAUSE_MILLISECONDS = 150;
const PAGE = 20;
const ENOUGH = 8;
const MOST_PAGES = 5;
const LONGEST_PAGE = 200;

export class Search {
  constructor(app) {
    this.app = app;
    this.#reset('');
  }

  #reset(query) {
    this.query = query;
    this.items = [];
    this.cursor = null;
    /** Whether `items` are from an earlier query and will be replaced. */
    this.stale = true;
    /** `off`, `waiting`, `ready` or `failed`. */
    this.state = query.trim() ? 'waiting' : 'off';
  }

  /** Searches for the typed text after a pause in typing. */
  type(query) {
    clearTimeout(this.timer);
    this.asked?.abort();
    const { items } = this;
    this.#reset(query);
    if (this.state === 'waiting') {
      this.items = items; // keeps the last results rather than clear the list at each letter
      this.timer = setTimeout(() => this.#ask(), PAUSE_MILLISECONDS);
    }
    this.app.changed();
  }

  clear = () => this.type('');

  more = () => {
    if (this.state !== 'ready' || this.stale || this.cursor === null) return;
    this.state = 'waiting';
    this.#ask();
  };

  /** Repeats the query for as many results as are shown; they stay until the answer arrives. */
  again = () => {
    if (this.state === 'off') return;
    clearTimeout(this.timer);
    this.stale = true;
    if (this.state === 'failed') this.state = 'waiting';
    this.#ask(Math.min(Math.max(PAGE, this.items.length), LONGEST_PAGE));
  };

  /** A page scans some thousand messages and may find nothing: then the next one is requested. */
  async #ask(limit = PAGE) {
    this.asked?.abort();
    const asked = (this.asked = new AbortController());
    const wanted = this.stale ? ENOUGH : this.items.length + 1;
    this.app.changed();
    try {
      for (let pages = 0; pages < MOST_PAGES && (pages === 0 || this.#wants(wanted)); pages += 1) {
        const query = { q: this.query.trim(), limit, cursor: this.stale ? null : this.cursor };
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
