/** Copies text and says so. */

/** Plain http has no `navigator.clipboard`: there, a selection is copied. */
export async function copy(app, text) {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copySelected(text);
    app.toasts.say(app.text.copied);
  } catch {
    app.toasts.say(app.text.notCopied);
  }
}

function copySelected(text) {
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (!copied) throw new Error('not copied');
}
