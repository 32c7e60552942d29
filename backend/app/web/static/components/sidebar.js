/** The conversations: new chat, search, list, and the settings below. */

import { Component, createRef, html } from '../html.js';
import { linkTo } from '../state/route.js';
import { AccountMenu } from './account-menu.js';
import { ConversationList } from './conversation-list.js';
import { Icon, IconButton } from './icon.js';
import { SearchField, SearchResults } from './search.js';

export class Sidebar extends Component {
  root = createRef();

  /** An opening drawer takes the focus; the conversation behind it is inert. */
  componentDidUpdate() {
    const { drawer } = this.props.app.layout;
    if (drawer && !this.drawer) this.root.current.querySelector('a, button').focus();
    this.drawer = drawer;
  }

  render({ app }) {
    const { layout, search, text } = app;
    const searching = search.state !== 'off';
    return html`<aside class="sidebar" aria-label=${text.sidebar} inert=${!layout.listShown}
      ref=${this.root} onKeyDown=${this.key}>
      <div class="sidebar-head">
        <a class="new-chat" href=${linkTo(null)} onClick=${this.begin}>
          <${Icon} name="square-pen" /><span>${text.newChat}</span>
        </a>
        <${IconButton} icon="panel-left" label=${text.hideList} onClick=${() => layout.showList(false)} />
      </div>
      <${SearchField} app=${app} />
      ${searching
        ? html`<${SearchResults} app=${app} />`
        : html`<${ConversationList} app=${app} key=${layout.archive} />`}
      <${AccountMenu} app=${app} />
    </aside>`;
  }

  begin = () => {
    const { app } = this.props;
    if (app.thread.id === null) app.routed();
  };

  /** Up and down move through the links, starting at the search field. */
  key = (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const stops = [...this.root.current.querySelectorAll('input[type=search], nav a')];
    const at = stops.indexOf(event.target);
    const next = stops[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
}
