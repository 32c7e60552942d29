/** The keyboard shortcuts, and what they do. */

import { textOf } from '../state/reply.js';
import { copy } from './copy.js';

/** `key` as in `event.key`; `control` is also Command on a Mac. */
export const SHORTCUTS = [
  { name: 'new', key: 'o', control: true, shift: true, run: (app) => app.go(null) },
  { name: 'search', key: 'k', control: true, run: (_, element) => focusOn(element, 'input[type=search]') },
  { name: 'list', key: 's', control: true, shift: true, run: (app) => app.layout.toggleList() },
  { name: 'focus', key: '/', run: (_, element) => focusOn(element, '.composer textarea') },
  { name: 'copy', key: 'c', control: true, shift: true, run: copyLast },
  { name: 'stop', key: 'Escape', run: (app) => app.thread.turn.stop() },
  { name: 'help', key: '/', control: true, run: (app) => app.layout.set({ dialog: 'shortcuts' }) },
];

/** Runs the shortcut of a key event. Plain keys are left to text fields. */
export function pressed(event, app, element) {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  if (document.querySelector(':popover-open, dialog[open]')) return;
  if (event.key === 'Escape' && app.layout.narrow && app.layout.drawer) return app.layout.showList(false);
  const control = event.ctrlKey || event.metaKey;
  const found = SHORTCUTS.find(
    (shortcut) =>
      shortcut.key.toLowerCase() === event.key.toLowerCase() &&
      Boolean(shortcut.control) === control &&
      (Boolean(shortcut.shift) === event.shiftKey || shortcut.key === '/'),
  );
  if (!found) return;
  const typing = event.target.closest?.('input, textarea, [contenteditable]');
  if (!control && typing && found.key !== 'Escape') return;
  if (found.name === 'stop' && !app.thread.turn.running) return;
  event.preventDefault();
  // Focus moves at once: the next letters belong there.
  if (found.name === 'search' && !app.layout.listShown) app.layout.showList(true);
  app.drawNow();
  found.run(app, element);
}

function focusOn(element, selector) {
  element.querySelector(selector)?.focus();
}

function copyLast(app) {
  const reply = app.thread.messages.findLast((message) => message.role === 'assistant');
  if (reply) copy(app, textOf(reply));
}
