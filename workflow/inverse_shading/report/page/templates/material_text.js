// The .mtlx file of a material, from a template that the command's own writer made.

/**
 * A value as MaterialX writes it: of float32, six digits, as C++ streams have them.
 *
 * @param {number} value from 0 to 1
 * @param {number} decimals that the command rounds it to
 */
function numberText(value, decimals) {
  const rounded = Number(Math.fround(Number(value.toFixed(decimals))).toPrecision(6));
  if (rounded === 0 || rounded >= 1e-4) return String(rounded);
  const [digits, exponent] = rounded.toExponential().split("e-");
  return `${digits}e-${exponent?.padStart(2, "0")}`;
}

/**
 * @param {string} template with {0:.6f} to {9:.6f} in the ten values' places
 * @param {ArrayLike<number>} values
 */
export function materialText(template, values) {
  return template.replace(/\{(\d):\.(\d)f\}/g, (_, place, decimals) =>
    numberText(values[Number(place)] ?? 0, Number(decimals)),
  );
}
