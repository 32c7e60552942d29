/**
 * Whose token is sent.
 *
 * With local accounts it is kept in the browser until it expires or the user signs out. With a `provider`,
 * an async function of the page around, it is asked for when one is needed, and once more when one is refused.
 */

const KEY = 'chat-history.session';

export class Session {
  #provider = null;
  #given = null;
  #asking = null;

  constructor(changed) {
    this.changed = changed;
    /** Whether the service refused what we have: the user has to sign in, and what is on the page stays. */
    this.expired = false;
    /** Counts the times that somebody signed in. */
    this.era = 0;
    this.#read();
    addEventListener('storage', this.#followed);
  }

  get external() {
    return this.#provider !== null;
  }

  get email() {
    return this.stored?.email ?? null;
  }

  get signedIn() {
    return this.external || this.stored !== null;
  }

  /** Tokens come from `provider` from now on. */
  provide(provider) {
    this.era += 1;
    this.#provider = provider;
    this.#given = null;
    this.expired = false;
    this.changed();
  }

  async token() {
    if (!this.external) return this.stored?.token ?? null;
    return this.#given ?? this.#ask();
  }

  /** Another token in place of the one that was refused; null if there is none. */
  async refused(token) {
    if (!this.external) {
      this.#read();
      return this.stored?.token !== token ? this.stored?.token : null;
    }
    if (this.#given !== null && this.#given !== token) return this.#given;
    return this.#ask();
  }

  /** Asks the provider again. */
  renew() {
    this.provide(this.#provider);
  }

  /** What we had in an `era` was refused; somebody may have signed in since. */
  expire(era) {
    if (this.expired || era !== this.era) return;
    this.expired = true;
    this.#given = null;
    this.changed();
  }

  /** Keeps the token of a local account. */
  keep(email, token) {
    this.era += 1;
    this.stored = { email, token };
    localStorage.setItem(KEY, JSON.stringify(this.stored));
    this.expired = false;
    this.changed();
  }

  forget() {
    localStorage.removeItem(KEY);
    this.stored = null;
    this.#provider = null;
    this.expired = false;
    this.changed();
  }

  close() {
    removeEventListener('storage', this.#followed);
  }

  /** All that need one at the same time get the same one. */
  #ask() {
    this.#asking ??= Promise.resolve()
      .then(() => this.#provider())
      .then((token) => (this.#given = token ?? null))
      .catch(() => null)
      .finally(() => (this.#asking = null));
    return this.#asking;
  }

  #read() {
    try {
      this.stored = JSON.parse(localStorage.getItem(KEY));
    } catch {
      this.stored = null;
    }
  }

  /** Another tab signed in or out. */
  #followed = (event) => {
    if (event.key !== KEY || this.external) return;
    const before = this.email;
    this.#read();
    this.expired = false;
    this.changed(this.email !== before);
  };
}
