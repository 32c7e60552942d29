/**
 * Why a request failed. `code` is the service's stable one, or `unreachable` when there was no answer and
 * `cut` when a stream broke off; `fault` is that of the first field that was refused, if one was. `retryAfter` is in
 * seconds, if the service named a time.
 */
export class Problem extends Error {
  constructor(code, { status = 0, fault = null, retryAfter = null } = {}) {
    super(code);
    Object.assign(this, { code, status, fault, retryAfter });
  }

  /** Whether the same request may well succeed a little later. */
  get passing() {
    return this.status === 429 || this.status === 503;
  }
}
