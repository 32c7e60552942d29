/** The box for a message. Its text is kept as a draft of the conversation. */

import { Component, createRef, html } from '../html.js';
import { Icon } from './icon.js';

export const touched = matchMedia('(pointer: coarse)');

export class Composer extends Component {
  box = createRef();
  state = { empty: true };

  componentDidMount() {
    this.fill();
    addEventListener('storage', this.stored);
  }

  componentWillUnmount() {
    removeEventListener('storage', this.stored);
  }

  /** Another tab has recorded that the service stored this text. */
  stored = (event) => {
    const { app } = this.props;
    if (this.box.current.value.trim() === app.drafts.arrived(app.thread.id, event)) this.fill();
  };

  componentDidUpdate() {
    const { app } = this.props;
    if (this.draft !== app.thread || this.fills !== app.fills) this.fill();
  }

  /** Shows the draft of the conversation. */
  fill() {
    const { app } = this.props;
    this.draft = app.thread;
    this.fills = app.fills;
    this.box.current.value = app.drafts.text(app.thread.id);
    this.grown();
    if (app.focusWanted) this.focus();
    app.focusWanted = false;
  }

  /** Focuses the box, unless that opens an on-screen keyboard. */
  focus() {
    if (!touched.matches) this.box.current.focus({ preventScroll: true });
  }

  render({ app }, { empty }) {
    const { text, thread } = app;
    const { turn } = thread;
    return html`<form class="composer" onSubmit=${this.send}>
      <div class="box">
        <textarea ref=${this.box} rows="1" dir="auto" aria-label=${text.messageBox} placeholder=${text.messageHint}
          enterkeyhint=${touched.matches ? 'enter' : 'send'} onInput=${this.typed} onKeyDown=${this.key}></textarea>
        ${turn.running
          ? html`<button type="button" key="stop" class="round stop" title=${text.stop}
              aria-label=${turn.stopping ? text.stopping : text.stop}
              disabled=${turn.stopping} onClick=${this.stop}></button>`
          : html`<button type="submit" key="send" class="round" aria-label=${text.send} title=${text.send}
              disabled=${empty || thread.state !== 'ready'}><${Icon} name="arrow-up" /></button>`}
      </div>
      <p class="disclaimer">${text.disclaimer}</p>
    </form>`;
  }

  typed = () => {
    const { app } = this.props;
    app.drafts.write(app.thread.id, this.box.current.value);
    this.grown();
  };

  /** Fits the height to the text; the style sets the limit. */
  grown() {
    const { current } = this.box;
    this.setState({ empty: !current.value.trim() });
    if (CSS.supports('field-sizing', 'content')) return;
    current.style.height = 'auto';
    current.style.height = `${current.scrollHeight}px`;
  }

  /** Enter sends; with Shift, or on a phone, it is a new line. An input method keeps its Enter. */
  key = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || touched.matches) return;
    event.preventDefault();
    this.send(event);
  };

  stop = () => {
    this.focus();
    this.props.app.thread.turn.stop();
  };

  send = (event) => {
    event.preventDefault();
    const { thread } = this.props.app;
    const text = this.box.current.value.trim();
    if (!text || thread.turn.running || thread.state !== 'ready') return;
    this.focus(); // the button is about to be replaced
    if (thread.turn.failure?.unsettled) {
      thread.turn.again(); // an earlier question goes first
      return;
    }
    this.box.current.value = '';
    this.grown();
    this.props.app.focusWanted = true; // the box of a new chat is replaced by that of a conversation
    thread.turn.ask(text);
  };
}
