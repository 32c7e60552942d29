/** Colours for code: the highlighter is loaded with the first code block. */

const LONGEST = 20_000;

let library = null;
let loading = null;
const waiting = new Set();

/** The code as coloured HTML; null if it is too long, of an unknown language, or the library not loaded. */
export function highlighted(source, language) {
  if (!library) {
    load();
    return null;
  }
  if (!library.getLanguage(language) || source.length > LONGEST) return null;
  return library.highlight(source, { language, ignoreIllegals: true }).value;
}

/** Calls `told` when the highlighter is loaded. Returns a function that cancels this. */
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
