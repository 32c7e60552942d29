/**
 * The token to send, and its user.
 *
 * A local account's token is kept in the browser until it expires or the user signs out. A `provider`,
 * an async function of the embedding page, is called when a token is needed, and again when one is refused.
 */

import { Problem } from './problem.js';

const KEY = 'chat-history.session';

export class Session {
  #provider = null;
  #given = null;
  #asking = null;
  /** The user of the provider's tokens, if one could be read. */
  #owner = null;

  constructor(changed) {
    this.changed = changed;
    /** Whether the service refused the token: the user has to sign in, and the page stays as it is. */
    this.expired = false;
    /** Counts sign-ins. */
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

  /** The user, as the token names them; null until there is one. */
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

  /** Throws if the token is now another user's: a request is not sent in the next user's name. */
  async token() {
    if (!this.external) return this.stored?.token ?? null;
    const { owner } = this;
    const token = this.#given ?? (await this.#ask());
    if (owner !== null && owner !== this.owner) throw new Problem('not_authenticated', { status: 401 });
    return token;
  }

  /** Another token of the same user after a refusal; null if there is none. */
  async refused(token) {
    const owner = ownerOf(token) ?? this.#owner;
    const other = await this.#another(token);
    return owner === null || owner === ownerOf(other) ? other : null;
  }

  /** Asks the provider again. */
  renew() {
    this.provide(this.#provider);
  }

  /** The token of an `era` was refused; ignored if there was a sign-in since. */
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

  /** Concurrent callers share one call of the provider. */
  #ask() {
    const provider = this.#provider;
    this.#asking ??= Promise.resolve()
      .then(provider)
      .catch(() => null)
      .then((token) => {
        this.#asking = null;
        // An earlier provider's token is ignored.
        return provider === this.#provider ? this.#take(token ?? null) : (this.#given ?? this.#ask());
      });
    return this.#asking;
  }

  /** An unreadable token leaves the user as it was. */
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

/** The user that a token names, unverified; null if it cannot be read. */
function ownerOf(token) {
  try {
    const { iss, sub } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')));
    return sub ? JSON.stringify([iss, sub]) : null;
  } catch {
    return null;
  }
}
