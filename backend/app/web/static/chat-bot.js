/**
 * `<chat-bot>`: conversations with the assistant of a chat-history service.
 *
 *     <script type="module" src="SERVICE/assets/chat-bot.js"></script>
 *     <chat-bot api="SERVICE/"></chat-bot>
 *
 * Attributes: `api`, the address of the service (by default the one that this module comes from);
 * `accounts`, `local` or `external`; `lang`, a language instead of the browser's; `page`, if the element fills the
 * page and may set its title and language. Property: `token`, an async function that returns a token of
 * the service's issuer; it is called when one is needed, and once more when one was refused.
 */

import { html, render } from './html.js';
import { Application } from './state/application.js';
import { loadIcons } from './components/icon.js';
import { addStyles } from './components/later.js';
import { Page } from './components/page.js';
import { pressed } from './components/shortcuts.js';
import { stringsFor } from './text/language.js';
import { Markdown } from './text/markdown.js';

/** Those of the first view; later components load their own. */
const STYLES = ['base', 'sidebar', 'thread', 'message', 'text', 'overlays'];
const SERVICE = new URL('..', import.meta.url).href;
/** In pixels: below these, the list or the todos lie over the conversation. */
const NARROW = 760;
const TIGHT = 1080;

export class ChatBot extends HTMLElement {
  #token = null;
  #app = null;
  #root = null;
  /** Nothing is drawn before the styles are loaded. */
  #styled = false;

  get token() {
    return this.#token;
  }

  set token(provider) {
    this.#token = provider;
    if (provider) this.#app?.session.provide(provider);
  }

  async connectedCallback() {
    this.#adoptToken();
    const styled = addStyles(STYLES).catch(() => {}); // without styles it can still be read
    const text = await stringsFor([this.getAttribute('lang'), ...navigator.languages]);
    if (!this.isConnected || this.#app) return;
    this.#begin(text);
    await styled;
    this.#styled = true;
    this.#app?.drawNow();
  }

  #begin(text) {
    const base = new URL(this.getAttribute('api') ?? SERVICE, document.baseURI).href.replace(/\/?$/, '/');
    this.#root = document.createElement('div');
    this.append(this.#root);
    this.#app = new Application({ base, text, whole: this.whole, draw: () => this.#draw() });
    this.#app.markdown = new Markdown(text);
    Object.assign(this, { lang: text.language, dir: text.direction });
    if (this.whole) Object.assign(document.documentElement, { lang: text.language, dir: text.direction });
    loadIcons(this);
    this.#measure();
    this.#sizes.observe(this);
    document.addEventListener('keydown', this.#key);
    if (this.#token) this.#app.session.provide(this.#token);
    this.#app.start();
  }

  disconnectedCallback() {
    if (!this.#app) return;
    this.#sizes.disconnect();
    document.removeEventListener('keydown', this.#key);
    this.#app.close();
    this.#app.session.close();
    render(null, this.#root);
    this.replaceChildren();
    this.#app = null;
  }

  get whole() {
    return this.hasAttribute('page');
  }

  #sizes = new ResizeObserver(() => this.#measure());

  #measure() {
    const { layout } = this.#app;
    const narrow = this.clientWidth < NARROW;
    const tight = this.clientWidth < TIGHT;
    if (narrow !== layout.narrow) layout.set({ narrow, drawer: false });
    if (tight !== layout.tight) layout.set({ tight });
  }

  #key = (event) => {
    const ours = event.target === document.body || this.contains(event.target);
    if (ours && this.#app.session.signedIn) pressed(event, this.#app, this);
  };

  /** A `token` set before this module was loaded hides the property. */
  #adoptToken() {
    if (!Object.hasOwn(this, 'token')) return;
    const { token } = this;
    delete this.token;
    this.#token = token;
  }

  #draw() {
    if (!this.#app || !this.#styled) return;
    const app = this.#app;
    this.dataset.theme = app.layout.theme;
    if (this.whole) {
      document.documentElement.dataset.theme = app.layout.theme;
      document.title = app.heading ? `${app.heading} · ${app.text.product}` : app.text.product;
    }
    render(html`<${Page} key=${app.users} app=${app} accounts=${this.getAttribute('accounts')} />`, this.#root);
  }
}

customElements.define('chat-bot', ChatBot);
