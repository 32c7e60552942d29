/** A list of conversations: the pinned ones first, then those with the latest message. */

const PAGE = 30;

export class Conversations {
  /** `archived`: whether this is the archive. */
  constructor(app, archived) {
    this.app = app;
    this.archived = archived;
    this.items = [];
    this.cursor = null;
    /** `new`, `loading`, `ready` or `failed`. */
    this.state = 'new';
    this.paging = false;
    /** Whether the next page failed: it is retried when the end comes into view again. */
    this.stuck = false;
    /** Counts changes: a page requested before one may be out of date. */
    this.changes = 0;
  }

  get(id) {
    return this.items.find((conversation) => String(conversation.id) === id) ?? null;
  }

  async load() {
    if (this.state !== 'ready') this.state = 'loading';
    this.app.changed();
    const { changes } = this;
    try {
      const page = await this.#page(null);
      if (changes !== this.changes) return this.load();
      this.changes += 1;
      const last = page.items.at(-1);
      const beyond = page.next_cursor === null ? [] : this.items.filter((item) => order(last, item) < 0);
      if (beyond.length === 0 || this.state !== 'ready') this.cursor = page.next_cursor;
      this.items = this.#kept([...beyond, ...page.items]); // of duplicates, the page's is newer
      this.state = 'ready';
    } catch (problem) {
      if (this.state !== 'ready') this.state = 'failed';
      this.problem = problem;
    }
    this.app.changed();
    return undefined;
  }

  more = async () => {
    if (this.cursor === null || this.paging) return;
    this.paging = true;
    this.app.changed();
    const { changes } = this;
    try {
      const page = await this.#page(this.cursor);
      if (changes === this.changes) {
        this.items = this.#kept([...this.items, ...page.items]);
        this.cursor = page.next_cursor;
      }
      this.stuck = false;
    } catch (problem) {
      this.stuck = true;
      this.app.complain(problem);
    }
    this.paging = false;
    this.app.changed();
  };

  #page(cursor) {
    return this.app.api.conversations({ limit: PAGE, archived: this.archived, cursor });
  }

  /** The items that are not being deleted, in order. */
  #kept(items) {
    return sorted(items.filter((item) => !this.app.desk.deleting.has(item.id)));
  }

  /** Inserts or updates a conversation, or removes it if it belongs to the other list. */
  take(conversation) {
    this.changes += 1;
    const others = this.items.filter((item) => item.id !== conversation.id);
    const ours = Boolean(conversation.archived) === this.archived;
    this.items = ours ? sorted([...others, conversation]) : others;
    this.app.changed();
  }

  drop(id) {
    this.changes += 1;
    this.items = this.items.filter((item) => String(item.id) !== String(id));
    this.app.changed();
  }
}

/** Negative if `one` comes before `other`. */
function order(one, other) {
  return (
    Number(Boolean(other.pinned)) - Number(Boolean(one.pinned)) ||
    Date.parse(other.updated_at) - Date.parse(one.updated_at) ||
    other.id - one.id
  );
}

/** Sorted, without duplicates: two pages overlap when a conversation moved between them. */
function sorted(items) {
  return [...new Map(items.map((item) => [item.id, item])).values()].sort(order);
}
