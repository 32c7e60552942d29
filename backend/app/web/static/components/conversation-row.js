/** One conversation of the list: a link, a menu, and a field while it is renamed. */

import { Pure, createRef, html } from '../html.js';
import { linkTo } from '../state/route.js';
import { Menu } from './menu.js';

export class ConversationRow extends Pure {
  state = { renaming: false };
  link = createRef();

  render({ app, conversation, current, live }, { renaming }) {
    const { text } = app;
    const title = conversation.title ?? text.untitled;
    if (renaming) {
      return html`<li class="row">
        <${Rename} title=${conversation.title ?? ''} label=${text.newName} done=${this.renamed} />
      </li>`;
    }
    return html`<li class="row" data-current=${current}>
      <a href=${linkTo(conversation.id)} aria-current=${current ? 'page' : null} ref=${this.link} dir="auto"
        title=${title} onDblClick=${this.rename}>
        ${title}
      </a>
      ${live &&
      html`<span class="live-dot" role="img" aria-label=${text.replyRunning} title=${text.replyRunning}></span>`}
      <${Menu} label=${text.options(title)} icon="ellipsis" items=${this.choices()} />
    </li>`;
  }

  choices() {
    const { app, conversation } = this.props;
    const { desk, text } = app;
    return [
      conversation.pinned
        ? { icon: 'pin-off', text: text.unpin, run: () => desk.pin(conversation) }
        : { icon: 'pin', text: text.pin, run: () => desk.pin(conversation) },
      { icon: 'pencil', text: text.rename, run: this.rename },
      conversation.archived
        ? { icon: 'archive-restore', text: text.unarchive, run: () => desk.archive(conversation) }
        : { icon: 'archive', text: text.archive, run: () => desk.archive(conversation) },
      { icon: 'trash-2', text: text.delete, run: () => desk.remove(conversation), danger: true },
    ];
  }

  rename = () => this.setState({ renaming: true });

  /** `left`: the field lost the focus to something else, which keeps it. */
  renamed = (title, left) => {
    const { app, conversation } = this.props;
    this.setState({ renaming: false }, () => {
      if (!left) this.link.current?.focus();
    });
    if (title && title !== conversation.title) app.desk.rename(conversation, title);
  };
}

/** Calls `done` with the new title, or null, and whether the field lost the focus to something else. */
class Rename extends Pure {
  field = createRef();

  componentDidMount() {
    this.field.current.focus();
    this.field.current.select();
  }

  render({ title, label }) {
    return html`<input class="rename" ref=${this.field} value=${title} aria-label=${label} maxlength="200" dir="auto"
      onKeyDown=${this.key} onBlur=${(event) => this.finish(event.target.value, true)} />`;
  }

  key = (event) => {
    if (event.isComposing) return;
    if (event.key === 'Enter') this.finish(event.target.value);
    if (event.key === 'Escape') {
      event.stopPropagation();
      this.finish('');
    }
  };

  finish(value, left = false) {
    if (this.finished) return;
    this.finished = true;
    this.props.done(value.trim() || null, left);
  }
}
