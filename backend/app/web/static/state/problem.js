/**
 * Why a request failed. `code` is the service's stable one, or `unreachable` when there was no answer and
 * `cut` when a stream broke off. `retryAfter` is in seconds, if the service named a time.
 */
export class Problem extends Error {
  constructor(code, { status = 0, retryAfter = null } = {}) {
    super(code);
    Object.assign(this, { code, status, retryAfter });
  }

  /** Whether the same request may well succeed a little later. */
  get passing() {
    return this.status === 429 || this.status === 503;
  }
}
