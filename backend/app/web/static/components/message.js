/** One message: the user's in a bubble, the assistant's without one. */

import { Pure, html } from '../html.js';
import { partsOf } from '../state/reply.js';
import { Icon } from './icon.js';
import { later } from './later.js';
import { MessageActions } from './message-actions.js';
import { MessageText } from './message-text.js';
import { ToolCard } from './tool-card.js';

const EditBox = later(() => import('./edit-box.js'), 'EditBox');

export class Message extends Pure {
  /** `shown` is the index of the earlier version that is shown. */
  state = { editing: false, shown: null };

  componentDidMount() {
    const { manifold, message, thread } = this.props;
    if (manifold && message.id !== null) thread.loadVersions(message);
  }

  render(properties, { editing, shown }) {
    const { app, thread, message, last, versions, target } = properties;
    const { text } = app;
    const mine = message.role === 'user';
    const earlier = shown !== null && versions ? versions[shown] : null;
    return html`<li class="message" data-role=${message.role} data-target=${target}>
      <h2 class="hidden">${mine ? text.youSaid : text.assistantSaid}</h2>
      ${mine
        ? html`<${Question} app=${app} thread=${thread} message=${message} editing=${editing} done=${this.edited} />`
        : html`<${Answer} app=${app} message=${earlier ?? message} last=${last} />`}
      ${earlier && html`<p class="note">${text.earlierVersion}</p>`}
      ${!editing &&
      html`<${MessageActions} ...${properties} shownMessage=${earlier ?? message} shown=${shown}
        show=${this.show} startEditing=${this.startEditing} />`}
    </li>`;
  }

  show = (place) => {
    const { versions } = this.props;
    this.setState({ shown: place === versions.length - 1 ? null : place });
  };

  startEditing = () => this.setState({ editing: true });

  edited = (text) => {
    const { app, message, thread } = this.props;
    const changed = text !== null && text !== message.content;
    if (changed && thread.turn.running) {
      app.toasts.say(app.text.problems.turn_in_progress);
      return;
    }
    this.setState({ editing: false });
    if (changed) thread.turn.ask(text, message);
  };
}

function Question({ app, thread, message, editing, done }) {
  if (editing) return html`<${EditBox} app=${app} thread=${thread} message=${message} done=${done} />`;
  return html`<div class="bubble" dir="auto">${message.content}</div>`;
}

function Answer({ app, message, last }) {
  const { text } = app;
  const parts = partsOf(message);
  const writing = message.status === 'streaming';
  const silent = parts.every((part) => part.type === 'text' && !part.text);
  return html`<div class="answer" aria-busy=${writing}>
      ${parts.map((part, place) =>
        part.type === 'text'
          ? part.text &&
            html`<${MessageText} key=${place} app=${app} source=${part.text}
              writing=${writing && place === parts.length - 1} />`
          : html`<${ToolCard} key=${part.toolCallId} app=${app} part=${part} writing=${writing} />`,
      )}
      ${writing && silent &&
      html`<p class="thinking"><span class="hidden">${text.thinking}</span><i></i><i></i><i></i></p>`}
    </div>
    ${message.status === 'stopped' && html`<p class="note"><${Icon} name="square" />${text.stopped}</p>`}
    ${!last && (message.status === 'failed' || message.status === 'interrupted') &&
    html`<p class="note"><${Icon} name="circle-alert" />${text.interrupted}</p>`}`;
}
