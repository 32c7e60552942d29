/** Which language the page speaks. */

import de from './strings.de.js';
import en from './strings.en.js';

const LANGUAGES = { en, de };

/** The strings for the first of `wanted`, tags as in `lang`, that there are strings for; else the English ones. */
export function stringsFor(wanted) {
  for (const tag of wanted) {
    const found = LANGUAGES[tag?.toLowerCase().split('-')[0]];
    if (found) return found;
  }
  return en;
}
