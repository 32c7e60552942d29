/** The search field, and its results. */

import { html } from '../html.js';
import { linkTo } from '../state/route.js';
import { shortTime } from '../text/time.js';
import { NotLoaded } from './failure.js';
import { Icon, IconButton } from './icon.js';
import { Skeleton } from './skeleton.js';

export function SearchField({ app }) {
  const { search, text } = app;
  const key = (event) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    if (search.query) search.clear();
    else event.target.closest('.page').querySelector('.composer textarea')?.focus();
  };
  return html`<div class="search" role="search">
    <${Icon} name="search" />
    <input type="search" aria-label=${text.search} placeholder=${text.searchShort} value=${search.query}
      autocomplete="off" maxlength="200" onInput=${(event) => search.type(event.target.value)} onKeyDown=${key} />
    ${search.query && html`<${IconButton} icon="x" label=${text.searchClear} onClick=${search.clear} />`}
  </div>`;
}

export function SearchResults({ app }) {
  const { search, text } = app;
  const { items, state } = search;
  const near = (event) => {
    const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
    if (scrollHeight - scrollTop - clientHeight < 300) search.more();
  };
  // A link to the open address changes nothing in it.
  const again = (event) => {
    if (event.currentTarget.hash === location.hash) app.routed();
  };
  return html`<nav class="list" aria-label=${text.searchResults} onScroll=${near}>
    <p class="hidden" role="status">${state === 'ready' && search.cursor === null && text.searchFound(items.length)}</p>
    <ul>
      ${items.map(
        (item) => html`<li class="result" key=${`${item.conversation.id}/${item.message?.id ?? ''}`}>
          <a href=${linkTo(item.conversation.id, item.message?.id ?? null)} onClick=${again}>
            <strong dir="auto">${item.conversation.title ?? text.untitled}</strong>
            <span class="snippet" dir="auto">${snippet(item.snippet)}</span>
            <span class="when">
              ${shortTime(item.message?.created_at ?? item.conversation.updated_at, text)}
              ${item.conversation.archived && html` · ${text.archiveTitle}`}
            </span>
          </a>
        </li>`,
      )}
    </ul>
    ${state === 'waiting' && (items.length === 0 || !search.stale) &&
    html`<${Skeleton} rows="4" label=${text.loading} />`}
    ${state === 'ready' && items.length === 0 && search.cursor === null &&
    html`<p class="list-empty">${text.searchNone(search.query.trim())}</p>`}
    ${state === 'ready' && search.cursor !== null &&
    html`<button type="button" class="button more" onClick=${search.more}>${text.searchOlder}</button>`}
    ${state === 'failed' && html`<${NotLoaded} text=${text} sentence=${text.searchFailed} again=${search.again} />`}
  </nav>`;
}

function snippet(pieces) {
  return pieces.map((piece) => (piece.match ? html`<mark>${piece.text}</mark>` : piece.text));
}
