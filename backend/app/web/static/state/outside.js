/**
 * Events outside of this tab: the network comes and goes, the user comes back, other tabs change something.
 *
 * The tabs of one user in one browser tell each other what they do, so that they agree without any request.
 * Changes from other devices are loaded when the user comes back to the tab.
 */

export class Outside {
  constructor(app) {
    this.app = app;
    addEventListener('online', this.#connected);
    addEventListener('offline', this.#connected);
    document.addEventListener('visibilitychange', this.#looked);
  }

  /** Joins the user's other tabs, once the user is known. */
  join() {
    const { api, session } = this.app;
    this.channel = new BroadcastChannel(`chat-history ${api.base} ${session.owner}`);
    this.channel.onmessage = ({ data }) => this.#heard(data);
  }

  close() {
    this.channel?.close();
    removeEventListener('online', this.#connected);
    removeEventListener('offline', this.#connected);
    document.removeEventListener('visibilitychange', this.#looked);
  }

  get online() {
    return navigator.onLine;
  }

  /** Tells the other tabs. */
  tell(news) {
    this.channel?.postMessage(news);
  }

  #heard(news) {
    const { app } = this;
    if (news.what === 'taken') app.taken(news.conversation);
    else if (news.what === 'todos') app.todos.follow();
    else if (news.what === 'dropped') {
      app.dropped(news.id);
      app.threads.get(news.id)?.gone();
    } else this.#turned(news);
  }

  /** A reply has begun, or ended, in another tab. */
  #turned({ what, id }) {
    const { app } = this;
    if (what === 'begun') app.live.add(id);
    else app.live.drop(id);
    app.learn(id);
    const thread = app.threads.get(id);
    if (!thread || thread.turn.running) return;
    if (thread === app.thread) thread.refresh();
    else if (!thread.turn.failure) app.threads.delete(id); // an unsent question is kept only there
  }

  #connected = () => {
    const { app } = this;
    if (this.online) {
      app.tryAgain((problem) => problem.code === 'unreachable' || problem.code === 'cut');
      this.#look();
    }
    app.changed();
  };

  #looked = () => {
    if (!document.hidden) this.#look();
  };

  #look() {
    const { app } = this;
    if (app.session.expired) return;
    app.conversations.load();
    app.live.load();
    const { thread } = app;
    if (thread.state === 'failed') thread.load();
    else if (!thread.turn.running && !thread.turn.failure) thread.refresh();
    app.todos.follow();
  }
}
