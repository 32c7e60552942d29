// Found by NODE_PATH: the packages are not installed beside this file.
const js = require('@eslint/js');
const globals = require('globals');

module.exports = [
  { ignores: ['vendor/'] },
  js.configs.recommended,
  {
    languageOptions: { globals: globals.browser },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: { 'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_$' }] },
  },
];
