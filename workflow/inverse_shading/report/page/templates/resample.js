// Cropping and resizing a picture as Pillow does, whose filters training images were framed with.

/**
 * A filter: how far it reaches, and its weight at a distance.
 *
 * @typedef {{reach: number, weight: (distance: number) => number}} Filter
 */

const sinc = (/** @type {number} */ x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Pillow's filters by their names in the configuration. @type {Record<string, Filter>} */
const FILTERS = {
  box: { reach: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { reach: 1, weight: (x) => Math.max(1 - Math.abs(x), 0) },
  hamming: {
    reach: 1,
    weight: (x) => (Math.abs(x) < 1 ? sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) : 0),
  },
  bicubic: {
    reach: 2,
    weight: (x) => {
      const far = Math.abs(x);
      if (far < 1) return (1.5 * far - 2.5) * far * far + 1;
      return far < 2 ? ((-0.5 * far + 2.5) * far - 4) * far + 2 : 0;
    },
  },
  lanczos: { reach: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/**
 * Crop a picture to a box and resize that to a square, across and then down.
 *
 * @param {ArrayLike<number>} data (height, width, channels)
 * @param {number} width
 * @param {number} height
 * @param {readonly number[]} box left, upper, right, lower in pixels, may be fractional
 * @param {number} size side of the result
 * @param {string} filter its name
 * @param {{limit?: number, whole?: boolean}} options each pass is clipped to 0 … limit, and rounded to
 *   whole levels if `whole`, as of bytes
 * @returns {Float32Array} (size, size, channels)
 */
export function resample(data, width, height, box, size, filter, options = {}) {
  const { limit = 255, whole = false } = options;
  const channels = data.length / (width * height);
  const [left = 0, upper = 0, right = width, lower = height] = box;
  const keep = (/** @type {number} */ value) =>
    Math.min(Math.max(whole ? Math.round(value) : value, 0), limit);

  /**
   * Resize the middle axis of (before, length, after).
   *
   * @param {ArrayLike<number>} values
   * @param {number} before
   * @param {number} length
   * @param {number} after
   * @param {number} from
   * @param {number} to
   */
  const pass = (values, before, length, after, from, to) => {
    const result = new Float32Array(before * size * after);
    for (const [place, { first, weights }] of windows(length, from, to, size, filter).entries()) {
      for (let outer = 0; outer < before; outer++) {
        for (let inner = 0; inner < after; inner++) {
          let sum = 0;
          for (let i = 0; i < weights.length; i++) {
            const at = (outer * length + first + i) * after + inner;
            sum += /** @type {number} */ (weights[i]) * /** @type {number} */ (values[at]);
          }
          result[(outer * size + place) * after + inner] = keep(sum);
        }
      }
    }
    return result;
  };

  const across = pass(data, height, width, channels, left, right);
  return pass(across, 1, height, size * channels, upper, lower);
}

/**
 * For each place of the result the pixels that it is made of: the first, and the weights from there on.
 *
 * @param {number} length of the axis
 * @param {number} from
 * @param {number} to
 * @param {number} size of the result
 * @param {string} filter
 */
function windows(length, from, to, size, filter) {
  const kind = FILTERS[filter];
  if (kind === undefined) throw new Error(`There is no filter ${filter}.`);
  const { reach, weight } = kind;
  const scale = (to - from) / size;
  // A filter is widened by the scale when it shrinks, so every one is an antialiasing one.
  const spread = Math.max(scale, 1);
  return Array.from({ length: size }, (_, place) => {
    const centre = from + (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach * spread + 0.5), 0);
    const last = Math.min(Math.trunc(centre + reach * spread + 0.5), length);
    const weights = new Float64Array(Math.max(last - first, 0));
    let sum = 0;
    for (let i = 0; i < weights.length; i++) {
      const value = weight((first + i + 0.5 - centre) / spread);
      weights[i] = value;
      sum += value;
    }
    return { first, weights: weights.map((value) => value / sum) };
  });
}
