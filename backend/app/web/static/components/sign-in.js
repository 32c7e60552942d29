/** Signing in and registering; and signing in again, above a page that stays as it is. */

import { Component, createRef, html } from '../html.js';
import { Form, PasswordField } from './form.js';

/** External accounts have no form here: the embedding page supplies the token. */
export function SignIn({ app, accounts }) {
  const { text } = app;
  return html`<main class="welcome">
    <div class="card">
      ${app.farewell && html`<p class="farewell" id="chat-farewell" role="status">${app.farewell}</p>`}
      ${accounts === 'external'
        ? html`<h1>${text.elsewhereTitle}</h1>
            <p class="lead">${text.elsewhereLead}</p>`
        : html`<${AccountForm} app=${app} />`}
    </div>
  </main>`;
}

export class SignInAgain extends Component {
  dialog = createRef();

  componentDidMount() {
    this.dialog.current.showModal();
  }

  render({ app }) {
    const { text } = app;
    return html`<dialog class="card" ref=${this.dialog} aria-label=${text.expiredTitle}
      onCancel=${(event) => event.preventDefault()}>
      ${app.session.external
        ? html`<h2>${text.expiredTitle}</h2>
            <p class="lead">${text.expiredLead}</p>
            <button type="button" class="button primary" onClick=${() => app.session.renew()}>${text.tryAgain}</button>`
        : html`<${AccountForm} app=${app} again />`}
    </dialog>`;
  }
}

class AccountForm extends Component {
  state = { registering: false };
  email = createRef();

  /** After signing out, focuses the form, so that the farewell is read. */
  componentDidMount() {
    if (this.props.app.farewell) this.email.current.focus();
  }

  render({ app, again }, { registering }) {
    const { text } = app;
    const known = again ? app.session.email : null;
    const title = again ? text.expiredTitle : registering ? text.registerTitle : text.signInTitle;
    const lead = again ? text.expiredLead : registering ? text.registerLead : text.signInLead;
    const foot = again
      ? html`<button type="button" class="button quiet" onClick=${() => app.signOut()}>${text.signOut}</button>`
      : html`<p class="other-way">${registering ? text.haveAccount : text.noAccount}${' '}
          <button type="button" class="text-button" onClick=${() => this.setState({ registering: !registering })}>
            ${registering ? text.signIn : text.register}
          </button>
        </p>`;
    return html`<${Form} app=${app} send=${this.send} foot=${foot}
      button=${registering ? text.register : text.signIn}>
      ${again ? html`<h2>${title}</h2>` : html`<h1>${title}</h1>`}
      <p class="lead">${lead}</p>
      <div class="field">
        <label for="chat-email">${text.email}</label>
        <input id="chat-email" name="email" type="email" required autocomplete="username" ref=${this.email}
          autofocus=${known === null} value=${known} readonly=${known !== null}
          aria-describedby=${app.farewell && 'chat-farewell'} />
      </div>
      <${PasswordField} app=${app} name="password" label=${text.password} fresh=${registering}
        autofocus=${known !== null} />
    <//>`;
  }

  send = async ({ email, password }) => {
    const { app } = this.props;
    const { access_token: token } = await (this.state.registering
      ? app.api.register(email, password)
      : app.api.signIn(email, password));
    app.session.keep(email, token);
  };
}
