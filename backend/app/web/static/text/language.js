/** Which language the page speaks. */

import en from './strings.en.js';

const LANGUAGES = { en: () => en, de: () => import('./strings.de.js').then((module) => module.default) };

/** The strings for the first supported tag of `wanted`, tags as in `lang`; else the English ones. */
export async function stringsFor(wanted) {
  const languages = wanted.map((tag) => tag?.toLowerCase().split('-')[0]);
  const found = languages.find((language) => Object.hasOwn(LANGUAGES, language));
  return LANGUAGES[found ?? 'en']();
}
