/** Sizes for people. */

/** In megabytes. */
export function sizeOf(bytes, text) {
  const unit = { style: 'unit', unit: 'megabyte', minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(text.language, unit).format(bytes / 1_000_000);
}
