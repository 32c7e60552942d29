/** Signing in and making an account; and signing in again, above a page that stays as it is. */

import { Component, createRef, html } from '../html.js';
import { Icon, IconButton } from './icon.js';

/** Accounts kept elsewhere have nothing to fill in here: the page around gives the token. */
export function SignIn({ app, accounts }) {
  const { text } = app;
  return html`<main class="welcome">
    <div class="card">
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
  state = { registering: false, problem: null, busy: false, shown: false };
  form = createRef();

  render({ app, again }, { registering, problem, busy, shown }) {
    const { text } = app;
    const known = again ? app.session.email : null;
    const title = again ? text.expiredTitle : registering ? text.registerTitle : text.signInTitle;
    const lead = again ? text.expiredLead : registering ? text.registerLead : text.signInLead;
    return html`<form ref=${this.form} onSubmit=${this.submit}>
      ${again ? html`<h2>${title}</h2>` : html`<h1>${title}</h1>`}
      <p class="lead">${lead}</p>
      <div class="field">
        <label for="chat-email">${text.email}</label>
        <input id="chat-email" name="email" type="email" required autocomplete="username" autofocus=${known === null}
          value=${known} readonly=${known !== null} />
      </div>
      <div class="field">
        <label for="chat-password">${text.password}</label>
        <span class="with-button">
          <input id="chat-password" name="password" type=${shown ? 'text' : 'password'} required
            minlength=${registering ? 8 : null} autofocus=${known !== null}
            autocomplete=${registering ? 'new-password' : 'current-password'}
            aria-describedby=${registering ? 'chat-password-hint' : null} />
          <${IconButton} icon=${shown ? 'eye-off' : 'eye'} label=${text.showPassword} aria-pressed=${String(shown)}
            onClick=${() => this.setState({ shown: !shown })} />
        </span>
        ${registering && html`<small id="chat-password-hint">${text.passwordHint}</small>`}
      </div>
      ${problem &&
      html`<p class="refusal" role="alert"><${Icon} name="circle-alert" />${app.sentence(problem)}</p>`}
      <button type="submit" class="button primary" disabled=${busy}>
        ${registering ? text.register : text.signIn}
      </button>
      ${again
        ? html`<button type="button" class="button quiet" onClick=${() => app.signOut()}>${text.signOut}</button>`
        : html`<p class="other-way">${registering ? text.haveAccount : text.noAccount}${' '}
            <button type="button" class="text-button" onClick=${this.turn}>
              ${registering ? text.signIn : text.register}
            </button>
          </p>`}
    </form>`;
  }

  turn = () => this.setState({ registering: !this.state.registering, problem: null });

  submit = async (event) => {
    event.preventDefault();
    const { app } = this.props;
    const { email, password } = Object.fromEntries(new FormData(this.form.current));
    const { registering } = this.state;
    this.setState({ busy: true, problem: null });
    try {
      const { access_token: token } = await (registering
        ? app.api.register(email, password)
        : app.api.signIn(email, password));
      app.session.keep(email, token);
    } catch (problem) {
      this.setState({ problem, busy: false });
    }
  };
}
