/** A form: sends its fields, waits for the answer, and shows what was refused. */

import { Component, createRef, html } from '../html.js';
import { Icon, IconButton } from './icon.js';

/**
 * `send` is called with the fields by name, and throws the Problem to show. `button` is the text of the
 * submit button, `danger` its style; `foot` comes after it.
 */
export class Form extends Component {
  state = { busy: false, problem: null, era: null };
  form = createRef();

  /** A refusal does not apply to another button. */
  componentDidUpdate({ button }) {
    if (button !== this.props.button) this.setState({ problem: null });
  }

  render({ app, button, danger, foot, children }, { busy, problem, era }) {
    return html`<form ref=${this.form} onSubmit=${this.submit}>
      ${children}
      ${problem && era === app.session.era && html`<${Refusal} app=${app} problem=${problem} />`}
      <button type="submit" class=${`button primary ${danger ? 'danger' : ''}`} disabled=${busy}>${button}</button>
      ${foot}
    </form>`;
  }

  submit = async (event) => {
    event.preventDefault();
    const { form } = this;
    const fields = Object.fromEntries(new FormData(form.current));
    this.setState({ busy: true, problem: null });
    try {
      await this.props.send(fields);
      this.setState({ busy: false });
    } catch (problem) {
      // After another sign-in, the refusal may no longer apply.
      const { era } = this.props.app.session;
      // A disabled button loses the focus.
      this.setState({ busy: false, problem, era }, () => {
        if (!form.current?.contains(document.activeElement)) form.current?.querySelector('[type=submit]').focus();
      });
    }
  };
}

/** What the service refused, and when to try again, if known. */
export function Refusal({ app, problem }) {
  const { retryAfter } = problem;
  return html`<p class="refusal" role="alert">
    <${Icon} name="circle-alert" />
    <span>${app.sentence(problem)} ${retryAfter && app.text.tryAgainIn(retryAfter)}</span>
  </p>`;
}

export class PasswordField extends Component {
  state = { shown: false };

  /** `fresh`: a new password, which has a minimum length. Other properties are the input's. */
  render({ app, name, label, fresh = false, ...rest }, { shown }) {
    const { text } = app;
    const id = `chat-${name}`;
    return html`<div class="field">
      <label for=${id}>${label}</label>
      <span class="with-button">
        <input id=${id} name=${name} type=${shown ? 'text' : 'password'} required minlength=${fresh ? 8 : null}
          maxlength="256" autocomplete=${fresh ? 'new-password' : 'current-password'}
          aria-describedby=${fresh ? `${id}-hint` : null} ...${rest} />
        <${IconButton} icon=${shown ? 'eye-off' : 'eye'} label=${text.showPassword} aria-pressed=${String(shown)}
          onClick=${() => this.setState({ shown: !shown })} />
      </span>
      ${fresh && html`<small id=${`${id}-hint`}>${text.passwordHint}</small>`}
    </div>`;
  }
}
