/** What went wrong with a question or its reply, in a sentence, and how to go on. */

import { Component, html } from '../html.js';
import { Icon } from './icon.js';

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
