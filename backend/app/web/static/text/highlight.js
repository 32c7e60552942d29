/** Colours for code: the highlighter is loaded with the first code block, and not before. */

const LONGEST = 20_000;

let library = null;
let loading = null;
const waiting = new Set();

/** The code as HTML with colours; null if the language is not known, or the highlighter not there yet. */
export function highlighted(source, language) {
  if (!library) {
    load();
    return null;
  }
  if (!library.getLanguage(language) || source.length > LONGEST) return null;
  return library.highlight(source, { language, ignoreIllegals: true }).value;
}

/** Calls `told` when the highlighter has arrived, if code was waiting for it. */
export function onHighlighter(told) {
  waiting.add(told);
  return () => waiting.delete(told);
}

function load() {
  loading ??= import('../vendor/@highlightjs/cdn-assets/es/highlight.min.js').then(
    (module) => {
      library = module.default;
      for (const told of waiting) told();
    },
    () => {}, // code without colours is still code
  );
}
