/** The account: its user, changing the password, signing out everywhere, the export, and deletion. */

import { Component, html } from '../html.js';
import { dateOf } from '../text/time.js';
import { Dialog } from './dialog.js';
import { Download } from './download.js';
import { Form, PasswordField, Refusal } from './form.js';
import { Icon } from './icon.js';
import { Part } from './part.js';

export class Account extends Component {
  /** `open` is the unfolded part: `password`, `leave`, `erase`, or null. */
  state = { account: null, problem: null, open: null, said: null };
  /** Whether a deletion got no answer, so that the account may be gone. */
  #unanswered = false;

  async componentDidMount() {
    try {
      this.setState({ account: await this.props.app.api.account() });
    } catch (problem) {
      this.setState({ problem });
    }
  }

  /** A refusal after that: the account may be gone, or only the session has ended. */
  componentDidUpdate() {
    const { app } = this.props;
    if (this.#unanswered && app.session.expired) app.signOut(app.text.perhapsErased);
  }

  render({ app, onClose }, { account, problem }) {
    const { session, text } = app;
    return html`<${Dialog} name="account-dialog" title=${text.accountTitle} label=${text.close} onClose=${onClose}>
      <div class="who">
        <${Icon} name="user" />
        <p>
          <strong>${session.email ?? account?.subject}</strong>
          <span>${account && text.accountSince(dateOf(account.created_at, text))}</span>
        </p>
      </div>
      ${problem && html`<${Refusal} app=${app} problem=${problem} />`}
      ${!session.external && [this.password(), this.leaving()]}
      <${Download} app=${app} />
      ${account && this.erasure(account)}
    <//>`;
  }

  password() {
    const { app } = this.props;
    const { text } = app;
    return html`<${Part} ...${this.part('password')} title=${text.password} lead=${text.passwordLead}
      button=${text.changePassword} said=${this.state.said}>
      <${Form} app=${app} button=${text.setPassword} send=${this.changePassword} foot=${this.cancel()}>
        <input type="email" autocomplete="username" value=${app.session.email} readonly hidden />
        <${PasswordField} app=${app} name="current_password" label=${text.currentPassword} />
        <${PasswordField} app=${app} name="new_password" label=${text.newPassword} fresh />
      <//>
    <//>`;
  }

  leaving() {
    const { app } = this.props;
    const { text } = app;
    return html`<${Part} ...${this.part('leave')} title=${text.devices} lead=${text.devicesLead}
      button=${text.leaveAll}>
      <${Form} app=${app} button=${text.leaveNow} send=${this.leaveAll} foot=${this.cancel()}>
        <p>${text.leaveNote}</p>
      <//>
    <//>`;
  }

  /** An external issuer's user has no password here, and confirms with their `subject`. */
  erasure({ subject }) {
    const { app } = this.props;
    const { text } = app;
    return html`<${Part} ...${this.part('erase')} title=${text.erase} lead=${text.eraseLead} button=${text.erase}
      danger>
      <${Form} app=${app} button=${text.eraseNow} send=${this.erase} foot=${this.cancel()} danger>
        <p id="chat-erase-note">${text.eraseNote}</p>
        ${subject === null
          ? html`<${PasswordField} app=${app} name="confirmation" label=${text.password}
              aria-describedby="chat-erase-note" />`
          : html`<div class="field">
              <label for="chat-confirmation">${text.eraseConfirm(subject)}</label>
              <input id="chat-confirmation" name="confirmation" required autocomplete="off" spellcheck="false"
                aria-describedby="chat-erase-note" />
            </div>`}
      <//>
    <//>`;
  }

  part(name) {
    return { open: this.state.open === name, toggle: () => this.setState({ open: name, said: null }) };
  }

  cancel() {
    return html`<button type="button" class="button quiet" onClick=${() => this.setState({ open: null })}>
      ${this.props.app.text.cancel}
    </button>`;
  }

  changePassword = async (fields) => {
    const { app } = this.props;
    const { access_token: token } = await app.api.changePassword(fields);
    app.session.keep(app.session.email, token);
    this.setState({ open: null, said: app.text.passwordChanged });
  };

  leaveAll = async () => {
    const { app } = this.props;
    await app.api.signOutEverywhere();
    app.signOut(app.text.leftAll);
  };

  erase = async ({ confirmation }) => {
    const { app } = this.props;
    try {
      await app.api.erase(confirmation);
    } catch (problem) {
      await this.#doubt(problem);
      throw problem;
    }
    app.signOut(app.text.erased);
  };

  /** Without an answer, checks whether the account still exists; a wrong confirmation proves it. */
  async #doubt({ status, code }) {
    if (code === 'confirmation_wrong') this.#unanswered = false;
    if (status) return;
    this.#unanswered = true;
    await this.props.app.api.account().catch(() => null);
  }
}
