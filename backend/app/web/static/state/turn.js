/** One question and its reply in a thread: sent, followed, taken up again, stopped. */

import { Problem } from './problem.js';
import { newId } from './identity.js';
import { Reply } from './reply.js';

const MOST_RETRIES = 4;
const GONE = new Set(['conversation_not_found', 'conversation_deleted']);

export class Turn {
  /** `sending` until the service has stored the question, then `writing`; `joining` after a break. */
  state = null;
  stopping = false;
  /**
   * What went wrong: `{problem, again, unsent, at}`. `unsent` says that a question is still here, `at` when it is
   * tried again by itself, if it is.
   */
  failure = null;

  #reply = null;
  #question = null;
  /** How the thread was before: `{messages}`, and the `draft`'s key if there is a question. */
  #before = null;
  #follower = 0;
  #timer = null;

  constructor(thread) {
    this.thread = thread;
    this.app = thread.app;
  }

  get running() {
    return this.state !== null;
  }

  /** Asks; with `edited`, an earlier question, in its place. */
  async ask(text, edited = null) {
    const { thread, app } = this;
    if (this.running) return;
    if (this.failure) this.takeBack();
    if (thread.hasNewer) await thread.load();
    const draft = edited ? `${thread.id}.${edited.id}` : thread.id;
    const sent = app.drafts.send(draft, text);
    const place = edited ? thread.messages.indexOf(edited) : thread.messages.length;
    this.#question = question(sent);
    this.#begin(thread.messages.slice(0, place), { draft });
    const body = {
      id: thread.id ?? sent.conversation,
      trigger: 'submit-message',
      message: { id: sent.message, role: 'user', parts: [{ type: 'text', text }] },
      ...(edited && { messageId: String(edited.id) }),
    };
    this.#follow(() => app.api.ask(body));
  }

  /** Asks for another reply to the last question. */
  regenerate = () => {
    const { thread, app } = this;
    if (this.running) return;
    const key = newId('k');
    this.#question = null;
    this.#replace();
    this.#follow(() => app.api.regenerate(thread.id, key));
  };

  /** Takes up the reply that is being written, if one is. */
  resume() {
    if (this.running) return;
    this.#before = null;
    this.#question = null;
    this.#reply = this.thread.last;
    this.#follow(this.#stream);
  }

  /** Ends the reply; what was shown is kept. Before the question is stored, it ends as soon as it is. */
  async stop() {
    if (!this.running || this.stopping) return;
    this.stopping = true;
    this.app.changed();
    if (this.#reply.id !== null) await this.#stopNow();
  }

  /** Sends, or takes up, once more what failed. */
  again = () => {
    clearTimeout(this.#timer);
    this.failure?.again();
  };

  /** Puts the thread back as it was, and the question that was not sent into its box. */
  takeBack = () => {
    clearTimeout(this.#timer);
    this.failure = null;
    if (!this.#before) return;
    this.thread.messages = this.#before.messages;
    if (this.#question) this.app.drafts.takeBack(this.#before.draft);
    this.app.filled();
  };

  /** Follows it no more; the service goes on. */
  leave() {
    this.#follower += 1;
    clearTimeout(this.#timer);
    this.state = null;
    this.stopping = false;
  }

  #stream = () => this.app.api.resume(this.thread.id);

  #begin(kept, before) {
    this.#before = { messages: this.thread.messages, ...before };
    this.#reply = emptyReply();
    this.thread.messages = [...kept, ...(this.#question ? [this.#question] : []), this.#reply];
  }

  /** Shows an empty reply in the place of the last one. */
  #replace() {
    const { last, messages } = this.thread;
    this.#begin(last?.role === 'assistant' ? messages.slice(0, -1) : messages);
  }

  async #follow(open, tries = 0) {
    const follower = ++this.#follower;
    const heard = new Reply();
    this.failure = null;
    this.state = this.#reply.id === null ? 'sending' : 'writing';
    this.app.changed();
    try {
      for await (const event of open()) {
        if (follower !== this.#follower) return;
        tries = 0;
        this.#hear(event, heard);
      }
      if (follower === this.#follower) this.#ended(heard);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (follower === this.#follower) this.#failed(error, open, tries);
    }
  }

  #hear(event, heard) {
    if (event.type === 'start') this.#begun(event);
    else if (event.type === 'data-message') this.#stored(event.data);
    else if (event.type === 'data-title') this.app.titled(this.thread.id, event.data.title);
    // What is shown already stays until there is something in its place.
    else if (heard.apply(event)) this.#show({ parts: heard.parts, content: heard.text });
    if (event.type.startsWith('tool-output')) this.app.todos.follow();
  }

  #begun({ messageId, messageMetadata }) {
    const { thread, app } = this;
    const first = this.#reply.id === null;
    this.state = 'writing';
    if (first && this.#question) app.drafts.acknowledge(this.#before.draft);
    if (thread.id === null) app.began(thread, messageMetadata.session_id);
    this.#show({ id: Number(messageId), status: 'streaming' });
    if (first) app.turned(thread, 'begun');
    if (first && this.stopping) this.#stopNow();
  }

  #stored(message) {
    if (!this.#question) return;
    this.#question = { ...this.#question, ...message };
    this.thread.put(this.#question);
  }

  #show(changes) {
    this.#reply = { ...this.#reply, ...changes };
    this.thread.put(this.#reply);
  }

  #ended(heard) {
    const { thread, app } = this;
    this.leave();
    app.search.again();
    // Without an ending there was nothing to take up: the reply has ended between two looks.
    if (heard.ending === null) return void thread.refresh();
    this.#show({ ...heard.ending, parts: heard.parts, content: heard.text });
    if (this.#before && !this.#question) thread.loadVersions(this.#reply);
    app.turned(thread, 'ended', this.#reply);
  }

  async #stopNow() {
    try {
      await this.app.api.stop(this.thread.id);
    } catch (problem) {
      this.stopping = false;
      this.app.complain(problem);
    }
  }

  #failed(problem, open, tries) {
    this.leave();
    if (problem.code === 'turn_in_progress') return void this.#join();
    if (GONE.has(problem.code)) return this.#lost();
    const unsent = this.#reply.id === null;
    const another = unsent && !this.#question;
    if (another) this.thread.messages = this.#before.messages;
    const wait = !unsent || problem.passing ? 1000 * (problem.retryAfter ?? 2 ** tries) : null;
    const waits = wait !== null && tries < MOST_RETRIES;
    const next = unsent ? open : this.#stream;
    const again = () => {
      if (another) this.#replace();
      this.#follow(next, tries + 1);
    };
    this.failure = { problem, again, unsent: unsent && !another, at: waits ? Date.now() + wait : null };
    if (waits) this.#timer = setTimeout(this.again, wait);
    if (waits && !unsent) this.state = 'joining';
    this.app.changed();
  }

  /** Somebody asked first: their reply is shown, and our text waits in the box. */
  #join() {
    this.takeBack();
    if (this.#question) this.app.toasts.say(this.app.text.problems.turn_in_progress);
    return this.thread.refresh();
  }

  /** The conversation was deleted meanwhile: our text waits in the box of a new one. */
  #lost() {
    const { thread, app } = this;
    if (this.#question) {
      app.drafts.acknowledge(this.#before.draft);
      app.drafts.write(null, this.#question.content);
      thread.messages = this.#before.messages;
      app.filled();
    }
    if (thread.id !== null) thread.gone();
  }
}

function question(sent) {
  return {
    key: sent.message,
    id: null,
    client_id: sent.message,
    role: 'user',
    content: sent.text,
    created_at: new Date().toISOString(),
  };
}

function emptyReply() {
  return {
    key: newId('r'),
    id: null,
    role: 'assistant',
    content: '',
    parts: [],
    status: 'streaming',
    feedback: null,
    created_at: new Date().toISOString(),
  };
}
