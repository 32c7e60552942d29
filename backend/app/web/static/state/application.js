/** The state of the page. It is changed here and in its parts, and drawn once a frame. */

import { textOf } from './reply.js';
import { Api } from './api.js';
import { Conversations } from './conversations.js';
import { Desk } from './desk.js';
import { Drafts } from './drafts.js';
import { Layout } from './layout.js';
import { Live } from './live.js';
import { Outside } from './outside.js';
import { linkTo, readRoute } from './route.js';
import { Search } from './search.js';
import { Session } from './session.js';
import { Thread } from './thread.js';
import { Toasts } from './toasts.js';
import { Todos } from './todos.js';

export class Application {
  /**
   * `base` is the address of the service, `text` the strings, `whole` whether the element fills the page;
   * `draw` is called once a frame after changes.
   */
  constructor({ base, text, whole, draw }) {
    this.text = text;
    this.whole = whole;
    this.draw = draw;
    this.session = new Session(() => this.#sessionChanged());
    this.api = new Api(base, this.session);
    this.layout = new Layout(this.changed);
    this.toasts = new Toasts(this.changed);
    this.search = new Search(this);
    this.#forget();
    /** The message to show at sign-in after signing out. */
    this.farewell = null;
    /** What a screen reader announces. */
    this.spoken = '';
    /** Counts the times that something other than typing filled the box. */
    this.fills = 0;
    /** Counts the users of this page: component state must not pass from one to the next. */
    this.users = 0;
    this.focusWanted = true;
    this.#started = false;
  }
  #started;
  #frame = null;

  /** Creates new state for each user: late answers for the previous one reach only the old state. */
  #forget() {
    this.drafts = new Drafts();
    this.desk = new Desk(this);
    this.live = new Live(this);
    this.todos = new Todos(this);
    this.conversations = new Conversations(this, false);
    this.archive = new Conversations(this, true);
    this.threads = new Map();
    this.thread = new Thread(this, null);
  }

  changed = () => {
    // A tab in the background has no frames.
    if (this.#frame !== null) return;
    this.#frame = document.hidden ? setTimeout(this.#draw, 50) : requestAnimationFrame(this.#draw);
  };

  #draw = () => {
    this.#frame = null;
    this.draw();
  };

  /** Draws now, for a caller that needs the result, such as a field to focus. */
  drawNow() {
    this.draw();
  }

  /** Opens what the address names, once a user is signed in. */
  start() {
    if (this.#started || !this.session.signedIn) return;
    this.#started = true;
    this.outside = new Outside(this);
    this.#belong();
    addEventListener('hashchange', this.routed);
    const listed = this.conversations.load();
    const opened = this.routed();
    Promise.all([listed, opened]).then(() => requestAnimationFrame(() => setTimeout(() => this.#settled())));
  }

  /** Once the user is known: shows their drafts, joins their other tabs. */
  #belong() {
    const { owner } = this.session;
    if (owner === this.drafts.owner) return;
    const typed = this.drafts.text(this.thread.id);
    this.drafts.belongTo(owner);
    this.outside.join();
    if (this.drafts.text(this.thread.id) !== typed) this.fills += 1;
  }

  /** Stops following replies and drops what was loaded. */
  close() {
    if (!this.#started) return;
    this.#started = false;
    this.outside.close();
    removeEventListener('hashchange', this.routed);
    this.layout.dialog = null;
    for (const thread of [this.thread, ...this.threads.values()]) thread.turn.leave();
    for (const one of [this.desk, this.todos, this.live]) one.close();
    this.search.clear();
    this.toasts.clear();
    this.#forget();
    this.users += 1;
    this.changed();
  }

  signOut(farewell = null) {
    this.close();
    this.farewell = farewell;
    this.drafts.clear();
    this.session.forget();
    history.replaceState(null, '', linkTo(null));
  }

  #sessionChanged() {
    const { owner } = this.drafts;
    const other = owner !== null && owner !== this.session.owner;
    if (other || !this.session.signedIn) this.close();
    if (this.session.signedIn) this.farewell = null;
    if (this.session.signedIn && !this.session.expired) {
      if (this.#started) {
        this.#belong();
        this.tryAgain((problem) => problem.status === 401);
      } else this.start();
    }
    if (other) this.drawNow(); // keys pressed before the next frame must not go into the previous user's text
    else this.changed();
  }

  /** Whether the account is managed here. A site that supplies the token offers that itself. */
  get keepsAccount() {
    return this.whole || !this.session.external;
  }

  // Navigation.

  go(id) {
    if (location.hash === linkTo(id)) this.routed();
    else location.hash = linkTo(id);
  }

  /** Opens what the address names. Addresses that are not ours are left alone. */
  routed = () => {
    const route = readRoute(location.hash);
    if (route === null) return undefined;
    this.layout.drawer = false;
    this.focusWanted = true;
    const thread = this.#threadOf(route.id);
    const again = thread === this.thread && route.message === null;
    this.thread = thread;
    this.changed();
    if (route.id === null || (again && thread.state === 'ready')) return undefined;
    return this.#open(thread, route.message).then(() => this.#named());
  };

  async #open(thread, message) {
    if (message !== null) await thread.load(Number(message));
    else if (thread.state !== 'ready' || thread.hasNewer) await thread.load();
    else if (!thread.turn.running) await thread.refresh();
  }

  /** Loads the title of a conversation that is in no loaded list. */
  async #named() {
    const { id, state } = this.thread;
    if (id !== null && state === 'ready' && this.conversations.state === 'ready' && !this.conversation) {
      await this.learn(id);
    }
  }

  #threadOf(id) {
    if (id === null) {
      const fresh = this.threads.get(null) ?? new Thread(this, null);
      this.threads.set(null, fresh);
      return fresh;
    }
    const thread = this.threads.get(id) ?? new Thread(this, id);
    this.threads.set(id, thread);
    return thread;
  }

  /** Runs what can wait until the first page is shown. */
  #settled() {
    if (!this.#started) return;
    this.live.load();
    this.#named();
  }

  /** The open conversation, if a list has it. */
  get conversation() {
    const { id } = this.thread;
    return id === null ? null : this.known(id);
  }

  /** The conversation from a list; null if none has it. */
  known(id) {
    return this.conversations.get(id) ?? this.archive.get(id);
  }

  /** The title of the open conversation; null while unknown and for a new chat. */
  get heading() {
    return this.conversation && (this.conversation.title ?? this.text.untitled);
  }

  /** Loads a conversation that is unknown or out of date. */
  async learn(id) {
    const { conversations } = this;
    const { changes } = conversations;
    try {
      const found = await this.api.conversation(id);
      if (conversations !== this.conversations) return;
      if (changes === conversations.changes) this.taken(found);
      else await this.learn(id);
    } catch {
      // Its title stays unknown.
    }
  }

  // Changes to conversations.

  taken(conversation) {
    if (this.desk.deleting.has(conversation.id)) return;
    this.conversations.take(conversation);
    if (conversation.archived || this.archive.get(String(conversation.id))) this.archive.take(conversation);
    const thread = this.threads.get(String(conversation.id));
    if (thread?.state === 'missing') thread.load();
  }

  dropped(id) {
    this.desk.forget(id);
    this.conversations.drop(id);
    this.archive.drop(id);
    this.search.items = this.search.items.filter((item) => String(item.conversation.id) !== id);
  }

  /** The first question of a new chat is stored: it gets its id and address. */
  began(thread, id) {
    thread.id = id;
    thread.state = 'ready';
    this.threads.delete(null);
    this.threads.set(id, thread);
    if (this.thread === thread) history.replaceState(null, '', linkTo(id));
  }

  titled(id, title) {
    const known = this.conversations.get(id);
    if (known) this.taken({ ...known, title });
  }

  /** A reply followed here has begun, or ended. */
  turned(thread, what, reply = null) {
    this.outside.tell({ what, id: thread.id });
    if (what === 'begun') {
      const known = this.known(thread.id);
      if (known) this.taken({ ...known, updated_at: new Date().toISOString() });
      else this.learn(thread.id);
      if (thread === this.thread) this.say(this.text.replying);
      return;
    }
    this.live.drop(thread.id);
    if (thread === this.thread) this.say(`${this.text.replied} ${this.markdown.words(textOf(reply))}`);
    if (reply.parts.some((part) => part.type !== 'text')) this.outside.tell({ what: 'todos' });
  }

  /** Repeats what failed for a reason that is over. */
  tryAgain(about) {
    for (const { turn } of this.threads.values()) {
      if (turn.failure && about(turn.failure.problem)) turn.again();
    }
    if (this.conversations.state === 'failed') this.conversations.load();
    if (this.thread.state === 'failed') this.thread.load();
    if (this.search.state === 'failed') this.search.again();
  }

  // Announcements.

  say(sentence) {
    this.spoken = sentence;
    this.changed();
  }

  /** The box was filled by something other than typing. */
  filled() {
    this.fills += 1;
    this.focusWanted = true;
    this.changed();
  }

  sentence(problem) {
    const { problems } = this.text;
    return problems[problem.fault] ?? problems[problem.code] ?? (problem.status >= 500 ? problems.server : problems.unknown);
  }

  complain(problem) {
    if (problem.status !== 401) this.toasts.say(this.sentence(problem));
  }
}
