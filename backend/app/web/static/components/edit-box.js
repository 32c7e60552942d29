/** Edits a question, kept as a draft. Esc cancels; Enter sends where it does in the message box. */

import { Component, createRef, html } from '../html.js';
import { touched } from './composer.js';

export class EditBox extends Component {
  box = createRef();

  componentDidMount() {
    const { current } = this.box;
    current.value = this.props.app.drafts.text(this.draft) || this.props.message.content;
    current.focus();
    current.setSelectionRange(current.value.length, current.value.length);
  }

  get draft() {
    const { message, thread } = this.props;
    return `${thread.id}.${message.id}`;
  }

  render({ app }) {
    const { text } = app;
    return html`<form class="edit-box" onSubmit=${this.send}>
      <textarea ref=${this.box} rows="2" dir="auto" aria-label=${text.editBox}
        onInput=${this.typed} onKeyDown=${this.key}></textarea>
      <div class="edit-foot">
        <small>${text.editNote}</small>
        <button type="button" class="button quiet" onClick=${this.leave}>${text.cancel}</button>
        <button type="submit" class="button primary">${text.send}</button>
      </div>
    </form>`;
  }

  typed = () => this.props.app.drafts.write(this.draft, this.box.current.value);

  key = (event) => {
    if (event.isComposing) return;
    if (event.key === 'Escape') {
      event.preventDefault();
      this.leave();
    }
    if (event.key === 'Enter' && !event.shiftKey && !touched.matches) this.send(event);
  };

  leave = () => {
    this.props.app.drafts.write(this.draft, '');
    this.props.done(null);
  };

  send = (event) => {
    event.preventDefault();
    const text = this.box.current.value.trim();
    if (text) this.props.done(text);
  };
}
