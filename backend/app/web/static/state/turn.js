/** One question and its reply in a thread: sending, following, resuming, stopping. */

import { Problem } from './problem.js';
import { newId } from './identity.js';
import { Reply } from './reply.js';

const MOST_RETRIES = 4;
const GONE = new Set(['conversation_not_found', 'conversation_deleted']);

export class Turn {
  /** `sending` until the service has stored the question, then `writing`; `joining` after a break; or null. */
  state = null;
  stopping = false;
  /**
   * What went wrong: `{problem, again, unsent, unsettled, at}`. `unsent`: a question is not stored yet;
   * `unsettled`: it must be sent, or followed, before another one; `at`: the time of the automatic retry, if any.
   */
  failure = null;

  #reply = null;
  #question = null;
  /** What the question replaced: `{messages, newer}`; the key of its `draft`, and what was `sent` of it. */
  #before = null;
  #decide = null;
  /** Resolves when a question being sent is stored or back. */
  decided = null;
  #follower = 0;
  #timer = null;

  constructor(thread) {
    this.thread = thread;
    this.app = thread.app;
  }

  get running() {
    return this.state !== null;
  }

  /** Asks; with `edited`, replaces that earlier question. */
  async ask(text, edited = null) {
    const { thread, app } = this;
    if (this.running) return;
    if (this.failure) this.takeBack();
    const draft = edited ? `${thread.id}.${edited.id}` : thread.id;
    const sent = app.drafts.send(draft, text);
    this.#question = question(sent);
    if (thread.hasNewer && !edited && !(await this.#atTheEnd())) {
      this.leave();
      app.drafts.takeBack(draft, sent);
      return app.filled();
    }
    if (thread.messages.some((one) => one.key === sent.message)) {
      this.leave();
      app.drafts.acknowledge(draft); // it was stored and shown before its draft was updated
      return app.filled();
    }
    const place = edited ? thread.messages.findIndex((one) => one.id === edited.id) : -1;
    this.#begin(place < 0 ? thread.messages.length : place, draft, sent);
    const body = {
      id: thread.id ?? sent.conversation,
      trigger: 'submit-message',
      message: { id: sent.message, role: 'user', parts: [{ type: 'text', text }] },
      ...(edited && { messageId: String(edited.id) }),
    };
    this.#follow(() => app.api.ask(body));
    return undefined;
  }

  /** Loads the newest messages and blocks other questions meanwhile. Returns whether it succeeded. */
  async #atTheEnd() {
    this.#reply = emptyReply();
    this.#sending();
    await this.thread.loadNow();
    return this.thread.state === 'ready' && !this.thread.hasNewer;
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

  /** Resumes the reply that is being written, if there is one. */
  resume() {
    if (this.running) return void this.#show({});
    this.#before = null;
    this.#question = null;
    this.#reply = this.thread.last;
    this.#follow(this.#stream);
  }

  /** Stops the reply and keeps its text; waits until the question is stored, if it is not yet. */
  async stop() {
    if (!this.running || this.stopping) return;
    this.stopping = true;
    this.app.changed();
    if (this.#reply.id !== null) await this.#stopNow();
  }

  /** Sends or resumes what failed. */
  again = () => {
    clearTimeout(this.#timer);
    this.failure?.again();
  };

  /** Restores the thread, and puts the unsent question back into its box. */
  takeBack = () => {
    clearTimeout(this.#timer);
    this.failure = null;
    if (!this.#before || this.#reply.id !== null) return; // what is stored stays
    if (this.#question) this.app.drafts.takeBack(this.#before.draft, this.#before.sent);
    this.#putBack();
    this.app.filled();
  };

  /** Before another part of the thread is shown: puts an unsent question back into its box. */
  withdraw() {
    if (this.failure && this.#reply.id === null) this.takeBack();
  }

  /** Stops following; the service goes on. */
  leave() {
    this.#follower += 1;
    clearTimeout(this.#timer);
    this.state = null;
    this.stopping = false;
    this.#decided();
  }

  #sending() {
    this.state = 'sending';
    this.decided ??= new Promise((resolve) => (this.#decide = resolve));
    this.app.changed();
  }

  #decided() {
    this.#decide?.();
    this.decided = null;
  }

  #stream = () => this.app.api.resume(this.thread.id);

  /** Shows the question and an empty reply in place of all messages from `place` on. */
  #begin(place, draft = null, sent = null) {
    const { thread } = this;
    this.#before = { messages: thread.messages.slice(place), newer: thread.newer, draft, sent };
    this.#reply = emptyReply();
    const own = this.#question ? [this.#question, this.#reply] : [this.#reply];
    thread.show([...thread.messages.slice(0, place), ...own]);
  }

  /** Removes the question and shows again what it replaced. */
  #putBack() {
    const own = [this.#question?.key, this.#reply.key];
    const others = this.thread.messages.filter((one) => !own.includes(one.key));
    this.thread.show([...others, ...this.#before.messages], this.#before.newer);
    this.#before = null;
  }

  /** Shows an empty reply in the place of the last one. */
  #replace() {
    const { last, messages } = this.thread;
    this.#begin(messages.length - (last?.role === 'assistant' ? 1 : 0));
  }

  async #follow(open, tries = 0) {
    const follower = ++this.#follower;
    const heard = new Reply();
    this.failure = null;
    if (this.#reply.id === null) this.#sending();
    else this.state = 'writing';
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
    // The shown text stays until there is something to replace it.
    else if (heard.apply(event)) this.#show({ parts: heard.parts, content: heard.text });
    if (event.type.startsWith('tool-output')) this.app.todos.follow();
  }

  #begun({ messageId, messageMetadata }) {
    const { thread, app } = this;
    const first = this.#reply.id === null;
    if (!first && this.#reply.id !== Number(messageId)) {
      this.leave();
      return void thread.refresh(); // ours has ended, and there is a newer question
    }
    this.state = 'writing';
    if (first && this.#question) app.drafts.acknowledge(this.#before.draft);
    if (thread.id === null) app.began(thread, messageMetadata.session_id);
    this.#show({ id: Number(messageId), status: 'streaming' });
    this.#decided();
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
    // No ending: the reply had ended before it could be resumed.
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
    if (another) this.#putBack();
    const wait = !unsent || problem.passing ? 1000 * (problem.retryAfter ?? 2 ** tries) : null;
    const waits = wait !== null && tries < MOST_RETRIES;
    const next = unsent ? open : this.#stream;
    const again = () => {
      if (another) this.#replace();
      this.#follow(next, tries + 1);
    };
    const at = waits ? Date.now() + wait : null;
    this.failure = { problem, again, unsent: unsent && !another, unsettled: !another, at };
    if (waits) this.#timer = setTimeout(this.again, wait);
    if (waits && !unsent) this.state = 'joining';
    this.app.changed();
  }

  /** Another question came first: shows its reply, and puts our text back into the box. */
  #join() {
    this.takeBack();
    if (this.#question) this.app.toasts.say(this.app.text.problems.turn_in_progress);
    return this.thread.refresh();
  }

  /** The conversation was deleted: puts our text into the box of a new one. */
  #lost() {
    const { thread, app } = this;
    if (this.#question) {
      app.drafts.acknowledge(this.#before.draft);
      app.drafts.write(null, this.#question.content);
      this.#putBack();
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
