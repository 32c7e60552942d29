/** The conversations: begin one, search, choose, and the settings below. */

import { Component, createRef, html } from '../html.js';
import { linkTo } from '../state/route.js';
import { AccountMenu } from './account-menu.js';
import { ConversationList } from './conversation-list.js';
import { Icon, IconButton } from './icon.js';
import { SearchField, SearchResults } from './search.js';

export class Sidebar extends Component {
  root = createRef();

  componentDidUpdate(before) {
    const opened = this.props.app.layout.drawer;
    if (opened && !this.drawn) this.root.current.querySelector('a, button').focus();
    this.drawn = opened;
    void before;
  }

  render({ app }) {
    const { layout, search, text } = app;
    const searching = search.state !== 'off';
    return html`<div class="sidebar" ref=${this.root} inert=${!layout.listShown} onKeyDown=${this.key}>
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
    </div>`;
  }

  begin = () => {
    const { app } = this.props;
    if (app.thread.id === null) app.routed();
  };

  /** Up and down move through what can be opened, from the search field on. */
  key = (event) => {
    if (event.key === 'Escape' && this.props.app.layout.narrow) this.props.app.layout.showList(false);
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const stops = [...this.root.current.querySelectorAll('input[type=search], nav a')];
    const at = stops.indexOf(event.target);
    const next = stops[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
}
