/**
 * Why a request failed. `code` is the service's stable code, `unreachable` if there was no answer, or `cut`
 * if a stream broke off; `fault` is the code of the first refused field, if any; `retryAfter` is in seconds,
 * if the service named a time.
 */
export class Problem extends Error {
  constructor(code, { status = 0, fault = null, retryAfter = null } = {}) {
    super(code);
    Object.assign(this, { code, status, fault, retryAfter });
  }

  /** Whether the same request may succeed a little later. */
  get passing() {
    return this.status === 429 || this.status === 503;
  }
}
