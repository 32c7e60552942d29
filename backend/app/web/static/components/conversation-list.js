/** The list of conversations under headings, or the archive. More are loaded near the end. */

import { Component, createRef, html } from '../html.js';
import { groupOf } from '../text/time.js';
import { ConversationRow } from './conversation-row.js';
import { NotLoaded } from './failure.js';
import { IconButton } from './icon.js';
import { Skeleton } from './skeleton.js';

export class ConversationList extends Component {
  scroller = createRef();
  end = createRef();

  get list() {
    const { app } = this.props;
    return app.layout.archive ? app.archive : app.conversations;
  }

  componentDidMount() {
    if (this.list.state === 'new') this.list.load();
    const near = { root: this.scroller.current, rootMargin: '300px' };
    this.observer = new IntersectionObserver(([entry]) => {
      this.atEnd = entry.isIntersecting;
      if (this.atEnd) this.list.more();
    }, near);
    this.observer.observe(this.end.current);
  }

  /** Observes the end again: a page that did not fill the view triggers no new event. */
  componentDidUpdate() {
    const { cursor, paging, stuck } = this.list;
    if (!this.atEnd || cursor === null || paging || stuck) return;
    this.observer.unobserve(this.end.current);
    this.observer.observe(this.end.current);
  }

  componentWillUnmount() {
    this.observer.disconnect();
  }

  render({ app }) {
    const { layout, text } = app;
    const { items, state, paging } = this.list;
    return html`<nav class="list" aria-label=${layout.archive ? text.archiveTitle : text.conversations}
      ref=${this.scroller}>
      ${layout.archive &&
      html`<div class="list-head">
        <${IconButton} icon="arrow-left" label=${text.backToList} onClick=${() => layout.set({ archive: false })} />
        <h2>${text.archiveTitle}</h2>
      </div>`}
      ${grouped(items, text).map(
        ([heading, members]) => html`<section key=${heading}>
          <h2>${heading}</h2>
          <ul>
            ${members.map(
              (conversation) => html`<${ConversationRow} key=${conversation.id} app=${app}
                conversation=${conversation} current=${String(conversation.id) === app.thread.id}
                live=${app.live.has(String(conversation.id))} />`,
            )}
          </ul>
        </section>`,
      )}
      ${state === 'ready' && items.length === 0 &&
      html`<p class="list-empty">${layout.archive ? text.archiveEmpty : text.listEmpty}</p>`}
      ${state === 'failed' &&
      html`<${NotLoaded} text=${text} sentence=${text.listFailed} again=${() => this.list.load()} />`}
      ${(state === 'loading' || paging) && html`<${Skeleton} rows=${paging ? 2 : 7} label=${text.loading} />`}
      <div class="list-end" ref=${this.end}></div>
    </nav>`;
  }
}

/** `[heading, conversations]` in list order, each heading once. */
function grouped(items, text) {
  const groups = new Map();
  for (const conversation of items) {
    const heading = conversation.pinned ? text.groups.pinned : groupOf(conversation.updated_at, text);
    if (!groups.has(heading)) groups.set(heading, []);
    groups.get(heading).push(conversation);
  }
  return [...groups];
}
