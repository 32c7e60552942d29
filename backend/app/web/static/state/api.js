/** The service's public API: one method per operation, and one kind of error. */

import { Problem } from './problem.js';

/** The timeout of a JSON request. Streams and exports may take longer. */
const PATIENCE_MILLISECONDS = 60_000;

/** A stream sends something every 15 seconds, if only a sign of life: a silent one is broken. */
const SILENCE_MILLISECONDS = 45_000;

export class Api {
  /** `base` ends with a slash; `session` supplies tokens, and a new one after a refusal. */
  constructor(base, session) {
    this.base = base;
    this.session = session;
  }

  register = (email, password) => this.#json('POST', 'auth/register', { body: { email, password }, open: true });
  signIn = (email, password) =>
    this.#json('POST', 'auth/token', { form: { username: email, password }, open: true });
  account = () => this.#json('GET', 'auth/me');
  changePassword = (body) => this.#json('POST', 'auth/password', { body });
  signOutEverywhere = () => this.#json('POST', 'auth/sign-out');
  erase = (confirmation) => this.#json('DELETE', 'auth/me', { body: { confirmation } });
  /** Everything about the user, as a Response with a body of lines. */
  export = (signal) => this.#request('GET', 'auth/me/export', { signal, accept: 'application/jsonl' });

  conversations = (query) => this.#json('GET', 'conversations', { query });
  conversation = (id) => this.#json('GET', `conversations/${id}`);
  change = (id, body) => this.#json('PATCH', `conversations/${id}`, { body });
  remove = (id) => this.#json('DELETE', `conversations/${id}`);
  restore = (id) => this.#json('POST', `conversations/${id}/restore`);
  search = (query, signal) => this.#json('GET', 'search', { query, signal });
  feedback = (id, message, value) =>
    this.#json('PUT', `conversations/${id}/messages/${message}/feedback`, { body: { value } });

  history = (id, query) => this.#json('GET', `chat/${id}/history`, { query });
  versions = (id, reply) => this.#json('GET', `chat/${id}/replies/${reply}/versions`);
  live = () => this.#json('GET', 'chat/live');
  stop = (id) => this.#json('POST', `chat/${id}/stop`);

  /** Sends the AI SDK's request: a new question, or one that replaces `messageId`. Yields events. */
  ask = (body) => this.#stream('POST', 'chat', { body });
  /** `key` makes a retry the same request. */
  regenerate = (id, key) => this.#stream('POST', `chat/${id}/regenerate`, { key });
  /** The events of the running reply, from its beginning; none if there is none. */
  resume = (id) => this.#stream('GET', `chat/${id}/stream`);

  todos = () => this.#json('GET', 'todos');
  addTodo = (title) => this.#json('POST', 'todos', { body: { title } });
  changeTodo = (id, body) => this.#json('PATCH', `todos/${id}`, { body });
  removeTodo = (id) => this.#json('DELETE', `todos/${id}`);

  async #json(method, path, { signal, ...options } = {}) {
    const patience = AbortSignal.timeout(PATIENCE_MILLISECONDS);
    const either = signal ? AbortSignal.any([signal, patience]) : patience;
    const response = await this.#request(method, path, { ...options, signal: either });
    return response.status === 204 ? null : response.json();
  }

  async *#stream(method, path, options) {
    const line = new AbortController();
    let silence;
    const alive = () => {
      clearTimeout(silence);
      silence = setTimeout(() => line.abort(new Problem('cut')), SILENCE_MILLISECONDS);
    };
    alive();
    try {
      const [response, { events }] = await Promise.all([
        this.#request(method, path, { ...options, signal: line.signal, accept: 'text/event-stream' }),
        reader(),
      ]);
      if (response.status !== 204) yield* events(response, alive);
    } finally {
      clearTimeout(silence);
    }
  }

  /** `open`: needs no token, so a 401 is about the request itself. */
  async #request(method, path, options = {}) {
    const { era } = this.session;
    const used = options.open ? null : await this.session.token();
    let response = await this.#send(method, path, options, used);
    if (response.status === 401 && !options.open) {
      const other = await this.session.refused(used);
      if (other) response = await this.#send(method, path, options, other);
      if (response.status === 401) this.session.expire(era);
    }
    if (!response.ok) throw await problem(response);
    return response;
  }

  async #send(method, path, { body, form, key, query, signal, accept = 'application/json' }, token) {
    const url = new URL(`api/${path}`, this.base);
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== null && value !== undefined) url.searchParams.set(name, value);
    }
    const headers = { Accept: accept };
    if (token) headers.Authorization = `Bearer ${token}`;
    if (key) headers['Idempotency-Key'] = key;
    if (body) headers['Content-Type'] = 'application/json';
    const content = body ? JSON.stringify(body) : form && new URLSearchParams(form);
    try {
      return await fetch(url, { method, headers, body: content, signal, cache: 'no-store' });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new Problem('unreachable');
    }
  }
}

/** Loads the module that reads streams with the first reply. */
function reader() {
  return import('./events.js').catch(() => {
    throw new Problem('unreachable');
  });
}

async function problem(response) {
  const told = await response.json().catch(() => ({}));
  const wait = Number(response.headers.get('Retry-After'));
  const code = told.code ?? 'unknown';
  const fault = told.errors?.[0]?.code;
  return new Problem(code, { status: response.status, fault, retryAfter: wait > 0 ? wait : null });
}
