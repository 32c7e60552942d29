/** The actions on a message, and its time. */

import { html } from '../html.js';
import { textOf } from '../state/reply.js';
import { fullTime, shortTime } from '../text/time.js';
import { copy } from './copy.js';
import { Icon, IconButton } from './icon.js';

export function MessageActions(properties) {
  const { app, thread, message, shownMessage, last, busy, versions, shown, show, startEditing } = properties;
  const { text } = app;
  if (message.id === null || (message.status === 'streaming' && message.role === 'assistant')) return null;
  const mine = message.role === 'user';
  return html`<div class="actions" data-last=${last && !mine}>
    ${versions?.length > 1 && html`<${Versions} text=${text} versions=${versions} shown=${shown} show=${show} />`}
    <${IconButton} icon="copy" label=${text.copyMessage} onClick=${() => copy(app, textOf(shownMessage))} />
    ${mine && !busy && html`<${IconButton} icon="pencil" label=${text.edit} onClick=${startEditing} />`}
    ${!mine && shown === null && html`<${Feedback} text=${text} thread=${thread} message=${message} />`}
    ${!mine && last && !busy && shown === null &&
    html`<${IconButton} icon="refresh-cw" label=${text.regenerate} onClick=${thread.turn.regenerate} />`}
    <time datetime=${shownMessage.created_at} title=${fullTime(shownMessage.created_at, text)}>
      ${shortTime(shownMessage.created_at, text)}
    </time>
  </div>`;
}

function Feedback({ text, thread, message }) {
  const button = (value, icon, label) => {
    const pressed = message.feedback === value;
    return html`<${IconButton} icon=${icon} label=${label} aria-pressed=${String(pressed)}
      onClick=${() => thread.rate(message, pressed ? null : value)} />`;
  };
  return [button('up', 'thumbs-up', text.goodReply), button('down', 'thumbs-down', text.badReply)];
}

function Versions({ text, versions, shown, show }) {
  const place = shown ?? versions.length - 1;
  const step = (by, icon, label) =>
    html`<button type="button" class="icon-button" aria-label=${label} title=${label}
      disabled=${!versions[place + by]} onClick=${() => show(place + by)}><${Icon} name=${icon} /></button>`;
  return html`<span class="versions">
    ${step(-1, 'chevron-left', text.previousVersion)}
    <span role="status" aria-label=${text.versionSpoken(place + 1, versions.length)}>
      ${text.version(place + 1, versions.length)}
    </span>
    ${step(1, 'chevron-right', text.nextVersion)}
  </span>`;
}
