/** Everything that the page knows. It is changed here and in what it is made of, and drawn once a frame. */

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
   * `base` is the address of the service, `text` the strings, `whole` says that there is nothing else on the page;
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
    /** What whoever has left reads where one signs in. */
    this.farewell = null;
    /** What a screen reader is told. */
    this.spoken = '';
    /** Counts the times that something other than typing filled the box. */
    this.fills = 0;
    /** Counts the users that the page was made for: what components know of one is not for the next. */
    this.users = 0;
    this.focusWanted = true;
    this.#started = false;
  }
  #started;
  #frame = null;

  /** What is known of a user is made anew for each: answers for the one before end in what they were for. */
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

  /** Draws at once what a caller is about to use, such as a field that gets the focus. */
  drawNow() {
    this.draw();
  }

  /** Begins with what the address names, as soon as there is somebody to begin with. */
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

  /** Once it is known whose page it is: shows their drafts, joins their tabs. */
  #belong() {
    const { owner } = this.session;
    if (owner === this.drafts.owner) return;
    const typed = this.drafts.text(this.thread.id);
    this.drafts.belongTo(owner);
    this.outside.join();
    if (this.drafts.text(this.thread.id) !== typed) this.fills += 1;
  }

  /** Stops following, forgets what was loaded. */
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
    if (other) this.drawNow(); // a key that is hit until the next frame is not for the text of the one before
    else this.changed();
  }

  /** Whether the account is looked after here. Where another site gives the token, it is that site's to offer. */
  get keepsAccount() {
    return this.whole || !this.session.external;
  }

  // Where one is.

  go(id) {
    if (location.hash === linkTo(id)) this.routed();
    else location.hash = linkTo(id);
  }

  /** Opens what the address names. An address of somebody else's page is left alone. */
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

  /** Learns the title of a conversation that is in no list that is loaded. */
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

  /** After the first page is on the screen: what can wait. */
  #settled() {
    if (!this.#started) return;
    this.live.load();
    this.#named();
  }

  /** The conversation that is open, as far as it is known. */
  get conversation() {
    const { id } = this.thread;
    return id === null ? null : this.known(id);
  }

  /** The conversation as a list has it; null if none has. */
  known(id) {
    return this.conversations.get(id) ?? this.archive.get(id);
  }

  /** Its title; null while it is not known, and before there is a conversation. */
  get heading() {
    return this.conversation && (this.conversation.title ?? this.text.untitled);
  }

  /** Asks for a conversation that we know nothing, or something old, of. */
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

  // What happens to conversations.

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

  /** The first question of a new chat is stored: it has an id, and an address. */
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

  /** A reply of ours has begun, or ended. */
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

  /** Sends, or loads, again what failed for a reason that is over. */
  tryAgain(about) {
    for (const { turn } of this.threads.values()) {
      if (turn.failure && about(turn.failure.problem)) turn.again();
    }
    if (this.conversations.state === 'failed') this.conversations.load();
    if (this.thread.state === 'failed') this.thread.load();
    if (this.search.state === 'failed') this.search.again();
  }

  // What people are told.

  say(sentence) {
    this.spoken = sentence;
    this.changed();
  }

  /** The box has another text than what was typed. */
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
