// From a frame to a framed picture: cropped to the object and resized with antialiasing, as Pillow does.

/** @typedef {{box: [number, number, number, number], size: number, filter: string}} Framing */

const sinc = (/** @type {number} */ x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/**
 * Pillow's filters: how far each reaches, and its weight at a distance from 0 to there.
 *
 * @type {Record<string, {support: number, weight: (x: number) => number}>}
 */
const FILTERS = {
  box: { support: 0.5, weight: () => 1 },
  bilinear: { support: 1, weight: (x) => 1 - x },
  hamming: { support: 1, weight: (x) => sinc(x) * (0.54 + 0.46 * Math.cos(Math.PI * x)) },
  bicubic: {
    support: 2,
    weight: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2),
  },
  lanczos: { support: 3, weight: (x) => sinc(x) * sinc(x / 3) },
};

/**
 * Which pixels of a row a pixel of the resized row is made of, and their weights.
 *
 * @param {number} length of the row
 * @param {number} low where the resized part begins
 * @param {number} high where it ends
 * @param {{size: number, filter: string}} framing
 */
function shares(length, low, high, { size, filter }) {
  const chosen = FILTERS[filter];
  if (chosen === undefined) throw new Error(`There is no filter ${filter}.`);
  const scale = (high - low) / size;
  const widened = Math.max(scale, 1);
  const reach = chosen.support * widened;
  return Array.from({ length: size }, (_, place) => {
    const center = low + (place + 0.5) * scale;
    const first = Math.max(Math.floor(center - reach + 0.5), 0);
    const last = Math.min(Math.floor(center + reach + 0.5), length);
    const weights = Array.from({ length: last - first }, (_, step) => {
      const distance = Math.abs((first + step - center + 0.5) / widened);
      // Pillow's box leaves its far end out, the others are 0 there.
      return distance <= chosen.support ? chosen.weight(distance) : 0;
    });
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

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
    for (const [place, { first, weights }] of shares(length, from, to, { size, filter }).entries()) {
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
 * A frame cropped and resized, before rounding.
 *
 * @param {ArrayLike<number>} frame RGB or RGBA of a square, row by row
 * @param {number} side of the frame
 * @param {Framing} framing
 * @returns {Float32Array} RGB of `framing.size` squared, levels of 255
 */
export function frameLevels(frame, side, { box, size, filter }) {
  const channels = frame.length / (side * side);
  const colours = Float32Array.from(frame).filter((_, i) => i % channels < 3);
  return resample(colours, side, side, box, size, filter);
}
