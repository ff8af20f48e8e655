// In which order rows of tables and images of the gallery stand, and which images are shown.

/**
 * What a row is sorted by: null where there is nothing; `apart` where it can't be held against others.
 *
 * @typedef {{value: string | number | null, apart: boolean}} Key
 */

/**
 * Errors of an image by predictor and measure, and its kinds of material.
 *
 * @typedef {{kinds: string[], errors: Record<string, Record<string, number>>}} Measured
 */

/**
 * Compare two rows: those apart stand below the others, and those without a value below all.
 *
 * @param {Key} a
 * @param {Key} b
 * @param {1 | -1} sign -1 to turn the order of the values
 */
export function compareKeys(a, b, sign) {
  const rank = (/** @type {Key} */ key) => (key.value === null ? 2 : Number(key.apart));
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (typeof a.value === "string" && typeof b.value === "string") {
    return sign * a.value.localeCompare(b.value, "en");
  }
  return sign * (Number(a.value) - Number(b.value));
}

/**
 * The images of a kind of material, sorted by an error.
 *
 * @param {Record<string, Measured>} images by id
 * @param {{kind: string, predictor: string, measure: string, order: string}} choice a kind that is
 *   empty takes all; the order is "worst" or "best" (first)
 * @returns {string[]} ids
 */
export function chooseImages(images, { kind, predictor, measure, order }) {
  const sign = order === "worst" ? -1 : 1;
  return Object.entries(images)
    .filter(([, image]) => kind === "" || image.kinds.includes(kind))
    .map(([id, image]) => ({ id, error: image.errors[predictor]?.[measure] ?? 0 }))
    .sort((a, b) => sign * (a.error - b.error))
    .map(({ id }) => id);
}
