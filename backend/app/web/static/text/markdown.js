/**
 * Markdown as safe HTML, block by block.
 *
 * HTML in the source is shown as text, images become links (a page must not tell other hosts that it is read),
 * and the result passes an allow-list and is a TrustedHTML. While a reply grows, only its last block is
 * parsed again.
 */

import '../vendor/dompurify/dist/purify.min.js';
import { Marked } from '../vendor/marked/lib/marked.esm.js';
import { highlighted } from './highlight.js';

/** The build for scripts, which sets a global, is half the size of the module. */
const { DOMPurify } = globalThis;

const ALLOWED = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'strong', 'em', 'del', 'a', 'code', 'pre', 'blockquote', 'ul', 'ol', 'li', 'span', 'div'],
    ...['h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'button'],
  ],
  ALLOWED_ATTR: ['href', 'class', 'start', 'tabindex', 'target', 'rel', 'type', 'align', 'dir', 'role', 'aria-label'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ADD_URI_SAFE_ATTR: ['tabindex', 'type', 'start', 'target', 'rel', 'align', 'dir', 'role', 'class'],
  RETURN_TRUSTED_TYPE: true,
};

/** Tokens that are part of a line of words. */
const INLINE = new Set(['text', 'strong', 'em', 'del', 'link', 'codespan', 'escape', 'html']);

/** A renderer with the strings of a language. */
export class Markdown {
  #marked;

  constructor(text) {
    this.#marked = new Marked({ gfm: true, breaks: true, renderer: renderer(text) });
  }

  /**
   * The top-level blocks of `source`, as `{raw, html}`; html is null for space between blocks. `before` is the
   * result for the same text when it was shorter. While it grows, only its end is parsed; once it is `whole`, all
   * of it is, since a link may be defined at the end.
   */
  blocks(source, before = [], whole = true) {
    const kept = whole ? [] : unchanged(source, before);
    const read = kept.reduce((length, block) => length + block.raw.length, 0);
    const tokens = this.#marked.lexer(source.slice(read));
    const rest = tokens.map((token, place) => {
      const known = before[kept.length + place];
      const same = known?.raw === token.raw && !refers(token.raw, tokens.links);
      return same ? known : { raw: token.raw, html: this.#html(token, tokens.links) };
    });
    return [...kept, ...rest];
  }

  /** The words of `source` without markup, for reading aloud. */
  words(source) {
    return words(this.#marked.lexer(source)).replace(/\s+/g, ' ').trim();
  }

  #html(token, links) {
    if (token.type === 'space') return null;
    return DOMPurify.sanitize(this.#marked.parser(Object.assign([token], { links })), ALLOWED);
  }
}

/** Whether a text may contain a link that is defined elsewhere, in `links` by label. */
function refers(raw, links) {
  const plain = (text) => text.toLowerCase().replace(/\s+/g, ' ').replaceAll('\\', '');
  return Object.keys(links).some((label) => plain(raw).includes(`[${plain(label)}]`));
}

/** The words of tokens, with spaces around all that is not inline. */
function words(tokens) {
  return tokens.map((token) => (INLINE.has(token.type) ? said(token) : ` ${said(token)} `)).join('');
}

/** A table has rows of cells instead of tokens, and a list has items. */
function said(token) {
  if (token.type === 'checkbox') return box(token);
  if (token.type === 'table') return words([token.header, ...token.rows].flat());
  const inner = token.tokens ?? token.items;
  return inner ? words(inner) : (token.text ?? '');
}

function box({ checked }) {
  return checked ? '☑ ' : '☐ ';
}

/** The blocks that more text cannot change: all before the last one that is not space. */
function unchanged(source, before) {
  let length = 0;
  const same = [];
  for (const block of before) {
    if (!source.startsWith(block.raw, length)) break;
    length += block.raw.length;
    same.push(block);
  }
  while (same.length > 0 && same.at(-1).html === null) same.pop();
  same.pop();
  return same;
}

function renderer(text) {
  return {
    html: ({ text: source, block }) =>
      block ? `<p>${escaped(source.trim()).replaceAll('\n', '<br>')}</p>` : escaped(source),
    image: ({ href, text: name }) => link(href, escaped(name || href)),
    link({ href, tokens }) {
      return link(href, this.parser.parseInline(tokens));
    },
    // The page has an h1, and each message an h2.
    heading({ tokens, depth }) {
      const level = Math.min(depth + 2, 6);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    checkbox: box,
    // A box replaces the bullet.
    listitem({ tokens }) {
      const content = this.parser.parse(tokens);
      return `<li${/^(<p>)?[☐☑]/.test(content) ? ' class="boxed"' : ''}>${content}</li>`;
    },
    code: ({ text: source, lang }) => code(source, (lang ?? '').trim().split(/\s/)[0], text),
    table(token) {
      const row = (cells) => `<tr>${cells.map((cell) => this.tablecell(cell)).join('')}</tr>`;
      return (
        `<div class="table" tabindex="0" role="group" aria-label="${escaped(text.table)}"><table>` +
        `<thead>${row(token.header)}</thead><tbody>${token.rows.map(row).join('')}</tbody></table></div>`
      );
    },
  };
}

function link(href, content) {
  return `<a href="${escaped(href)}" target="_blank" rel="noopener noreferrer">${content}</a>`;
}

function code(source, language, text) {
  const label = escaped(language || text.code);
  return (
    `<div class="code" dir="ltr"><div class="code-head"><span>${label}</span>` +
    `<button type="button" class="copy-code">${escaped(text.copy)}</button></div>` +
    `<pre tabindex="0"><code>${highlighted(source, language) ?? escaped(source)}</code></pre></div>`
  );
}

function escaped(source) {
  return source.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
