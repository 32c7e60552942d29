/** A button with a menu above everything else: arrow keys, Home, End, first letters, Esc. */

import { Component, createRef, html } from '../html.js';
import { Icon, IconButton } from './icon.js';

/**
 * `items` are `{icon, text, run, danger, checked}`, where `checked`, if present, makes it one of a choice;
 * or `{heading}`; or `{line: true}`. The button shows its children, else an icon named `label`.
 */
export class Menu extends Component {
  state = { open: false };
  button = createRef();
  list = createRef();

  render({ items, label, icon, children, ...rest }, { open }) {
    const control = {
      ...rest,
      ref: this.button,
      'aria-haspopup': 'menu',
      'aria-expanded': String(open),
      onClick: this.toggle,
    };
    return html`<span class="menu-holder">
      ${children
        ? html`<button type="button" ...${control}>${children}</button>`
        : html`<span ref=${this.button}>
            <${IconButton} icon=${icon} label=${label} ...${{ ...control, ref: null }} />
          </span>`}
      ${open &&
      html`<div class="menu" role="menu" aria-label=${label} popover="auto" ref=${this.list}
        onToggle=${this.toggled} onKeyDown=${this.key}>
        ${items.map((item) => html`<${MenuItem} item=${item} choose=${this.choose} />`)}
      </div>`}
    </span>`;
  }

  componentDidUpdate(_, before) {
    if (this.state.open && !before.open) this.show();
  }

  show() {
    this.list.current.showPopover();
    this.place();
    this.entries()[0]?.focus();
  }

  get opener() {
    const { current } = this.button;
    return current.matches('button') ? current : current.querySelector('button');
  }

  toggle = () => {
    const { current } = this.list;
    // The browser closes it first and reports that later: a click in between means open.
    if (current && !current.matches(':popover-open')) this.show();
    else this.setState({ open: !this.state.open });
  };

  /** The browser closes it on Esc and on a click elsewhere. */
  toggled = (event) => {
    if (event.newState !== 'closed' || !this.button.current) return;
    const inside = this.list.current?.contains(document.activeElement) || document.activeElement === document.body;
    this.setState({ open: false });
    if (inside) this.opener.focus();
  };

  choose = (item) => {
    this.opener.focus();
    this.setState({ open: false });
    item.run();
  };

  entries() {
    return [...this.list.current.querySelectorAll('[role^=menuitem]')];
  }

  key = (event) => {
    const entries = this.entries();
    const at = entries.indexOf(document.activeElement);
    const step = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    const letter = event.key.length === 1 && event.key.toLowerCase();
    let next = step === undefined ? null : entries.at(step % entries.length);
    if (letter) {
      const behind = [...entries.slice(at + 1), ...entries.slice(0, at + 1)];
      next = behind.find((entry) => entry.textContent.trim().toLowerCase().startsWith(letter));
    }
    if (event.key === 'Tab') this.list.current.hidePopover();
    if (!next) return;
    event.preventDefault();
    next.focus();
  };

  /** Below the button, or above it if there is no room; never outside the window. */
  place() {
    const menu = this.list.current;
    const around = this.opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const below = around.bottom + 4 + height <= innerHeight;
    menu.style.top = `${Math.max(8, below ? around.bottom + 4 : around.top - height - 4)}px`;
    menu.style.left = `${Math.min(Math.max(8, around.left), innerWidth - width - 8)}px`;
  }
}

function MenuItem({ item, choose }) {
  if (item.line) return html`<div class="menu-line" role="separator"></div>`;
  if (item.heading) return html`<div class="menu-heading" role="presentation">${item.heading}</div>`;
  const choice = item.checked !== undefined;
  return html`<button type="button" tabindex="-1" class=${`menu-item ${item.danger ? 'danger' : ''}`}
    role=${choice ? 'menuitemradio' : 'menuitem'} aria-checked=${choice ? String(item.checked) : null}
    onClick=${() => choose(item)}>
    <${Icon} name=${item.icon} /><span>${item.text}</span>
    ${item.checked && html`<${Icon} name="check" />`}
  </button>`;
}
