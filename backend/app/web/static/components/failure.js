/** What went wrong, and how to go on. */

import { Component, html } from '../html.js';
import { Icon } from './icon.js';

/** For an unsent question, or a reply that cannot be followed. */
export class Failure extends Component {
  componentDidMount() {
    if (this.props.turn.failure.at !== null) this.clock = setInterval(() => this.setState({}), 500);
  }

  componentWillUnmount() {
    clearInterval(this.clock);
  }

  render({ app, turn }) {
    const { text } = app;
    const { failure } = turn;
    if (!failure) return null;
    const seconds = failure.at === null ? null : Math.max(1, Math.ceil((failure.at - Date.now()) / 1000));
    const sentence = turn.state === 'joining' ? text.reconnecting : app.sentence(failure.problem);
    return html`<div class="failure" role="alert">
      <${Icon} name="circle-alert" />
      <p>${sentence} ${seconds !== null && html`<span aria-hidden="true">${text.retryIn(seconds)}</span>`}</p>
      <button type="button" class="button" onClick=${turn.again}>
        ${seconds === null ? text.tryAgain : text.tryNow}
      </button>
      ${failure.unsent &&
      html`<button type="button" class="button quiet" onClick=${turn.takeBack}>${text.editAgain}</button>`}
    </div>`;
  }
}

/** For a reply that ended before it was complete. */
export function Broken({ app, thread, message }) {
  const { text } = app;
  const sentence =
    message.status === 'interrupted' ? text.interrupted : app.sentence({ code: message.finish_reason, status: 500 });
  return html`<div class="failure" role="alert">
    <${Icon} name="circle-alert" />
    <p>${sentence}</p>
    <button type="button" class="button" onClick=${thread.turn.regenerate}>${text.tryAgain}</button>
  </div>`;
}

/** In place of a list. */
export function NotLoaded({ text, sentence, again }) {
  return html`<div class="list-empty" role="alert">
    <p>${sentence}</p>
    <button type="button" class="button" onClick=${again}><${Icon} name="refresh-cw" />${text.tryAgain}</button>
  </div>`;
}
