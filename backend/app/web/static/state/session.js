/**
 * Whose token is sent, and who that is.
 *
 * With local accounts it is kept in the browser until it expires or the user signs out. With a `provider`,
 * an async function of the page around, it is asked for when one is needed, and once more when one is refused.
 */

import { Problem } from './problem.js';

const KEY = 'chat-history.session';

export class Session {
  #provider = null;
  #given = null;
  #asking = null;
  /** Whom the provider's tokens are about, as far as one could be read. */
  #owner = null;

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

  /** Who the user is, as far as the browser can tell; null until there is a token that says so. */
  get owner() {
    return this.external ? this.#owner : this.email;
  }

  get signedIn() {
    return this.external || this.stored !== null;
  }

  /** Tokens come from `provider` from now on. */
  provide(provider) {
    this.#provider = provider;
    this.#given = null;
    this.#entered();
    this.changed();
  }

  /** Fails if it turns out to be another user's: what one asks for is not sent for the next one. */
  async token() {
    if (!this.external) return this.stored?.token ?? null;
    const { owner } = this;
    const token = this.#given ?? (await this.#ask());
    if (owner !== null && owner !== this.owner) throw new Problem('not_authenticated', { status: 401 });
    return token;
  }

  /** Another token of the same user in place of the one that was refused; null if there is none. */
  async refused(token) {
    const owner = ownerOf(token) ?? this.#owner;
    const other = await this.#another(token);
    return owner === null || owner === ownerOf(other) ? other : null;
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
    this.stored = { email, token };
    localStorage.setItem(KEY, JSON.stringify(this.stored));
    this.#entered();
    this.changed();
  }

  forget() {
    localStorage.removeItem(KEY);
    this.stored = null;
    this.#provider = null;
    this.#owner = null;
    this.expired = false;
    this.changed();
  }

  close() {
    removeEventListener('storage', this.#followed);
  }

  #entered() {
    this.era += 1;
    this.expired = false;
  }

  #another(token) {
    if (!this.external) {
      this.#read();
      return this.stored?.token !== token ? this.stored?.token : null;
    }
    return this.#given !== null && this.#given !== token ? this.#given : this.#ask();
  }

  /** All that need one at the same time get the same one. */
  #ask() {
    const provider = this.#provider;
    this.#asking ??= Promise.resolve()
      .then(provider)
      .catch(() => null)
      .then((token) => {
        this.#asking = null;
        // What a provider of before says is over.
        return provider === this.#provider ? this.#take(token ?? null) : (this.#given ?? this.#ask());
      });
    return this.#asking;
  }

  /** A token that cannot be read says nothing of who the user is. */
  #take(token) {
    const before = this.#owner;
    this.#given = token;
    this.#owner = ownerOf(token) ?? before;
    if (this.#owner !== before) {
      if (before !== null) this.#entered();
      this.changed();
    }
    return token;
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
    this.#read();
    this.#entered();
    this.changed();
  };
}

/** Whom a token is about; null if it cannot be read. Whether that is true the service finds out. */
function ownerOf(token) {
  try {
    const { iss, sub } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    return sub ? JSON.stringify([iss, sub]) : null;
  } catch {
    return null;
  }
}
