// The .mtlx file of a material, from a template that the command's own writer made.

/** Of a value, as `material/parameters.py` has it: the command rounds what it found. */
const DECIMALS = 6;

/**
 * A value as MaterialX writes it: of float32, six digits, as C++ streams have them.
 *
 * @param {number} value from 0 to 1
 */
export function numberText(value) {
  const rounded = Number(Math.fround(Number(value.toFixed(DECIMALS))).toPrecision(6));
  if (rounded === 0 || rounded >= 1e-4) return String(rounded);
  const [digits, exponent] = rounded.toExponential().split("e-");
  return `${digits}e-${exponent?.padStart(2, "0")}`;
}

/**
 * @param {string} template with {0} to {9} in the ten values' places
 * @param {ArrayLike<number>} values
 */
export function materialText(template, values) {
  return template.replace(/\{(\d)\}/g, (_, place) => numberText(values[Number(place)] ?? 0));
}
