/** A question being edited. Esc leaves it as it was, Enter sends it. */

import { Component, createRef, html } from '../html.js';

export class EditBox extends Component {
  box = createRef();

  componentDidMount() {
    const { current } = this.box;
    const { app, message, thread } = this.props;
    current.value = app.drafts.text(`${thread.id}.${message.id}`) || message.content;
    current.focus();
    current.setSelectionRange(current.value.length, current.value.length);
  }

  render({ app }) {
    const { text } = app;
    return html`<form class="edit-box" onSubmit=${this.send}>
      <textarea ref=${this.box} rows="2" dir="auto" aria-label=${text.editBox} onKeyDown=${this.key}></textarea>
      <div class="edit-foot">
        <small>${text.editNote}</small>
        <button type="button" class="button quiet" onClick=${this.leave}>${text.cancel}</button>
        <button type="submit" class="button primary">${text.send}</button>
      </div>
    </form>`;
  }

  key = (event) => {
    if (event.isComposing) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      this.leave();
    }
    if (event.key === 'Enter' && !event.shiftKey) this.send(event);
  };

  leave = () => this.props.done(null);

  send = (event) => {
    event.preventDefault();
    const text = this.box.current.value.trim();
    if (text) this.props.done(text);
  };
}
