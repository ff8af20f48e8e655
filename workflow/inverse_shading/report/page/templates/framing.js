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
 * @returns {Float32Array} (size, size, channels), of RGBA without alpha
 */
export function resample(data, width, height, box, size, filter, options = {}) {
  const { limit = 255, whole = false } = options;
  const channels = data.length / (width * height);
  const kept = Math.min(channels, 3);
  const [left = 0, upper = 0, right = width, lower = height] = box;
  const keep = (/** @type {number} */ value) =>
    Math.min(Math.max(whole ? Math.round(value) : value, 0), limit);

  /**
   * Resize rows of pixels that stand a stride apart, and their channels beside each other.
   *
   * @param {ArrayLike<number>} values
   * @param {{first: number, weights: number[]}[]} parts
   * @param {number} rows
   * @param {number} length of a row in numbers
   * @param {number} stride
   * @param {number} count of the channels that are resized
   */
  const pass = (values, parts, rows, length, stride, count) => {
    const result = new Float32Array(rows * size * count);
    let place = 0;
    for (let row = 0; row < rows; row++) {
      for (const { first, weights } of parts) {
        const start = row * length + first * stride;
        for (let channel = 0; channel < count; channel++) {
          let sum = 0;
          for (let i = 0, at = start + channel; i < weights.length; i++, at += stride) {
            sum += /** @type {number} */ (weights[i]) * /** @type {number} */ (values[at]);
          }
          result[place++] = keep(sum);
        }
      }
    }
    return result;
  };

  const framing = { size, filter };
  const row = size * kept;
  const across = pass(data, shares(width, left, right, framing), height, width * channels, channels, kept);
  return pass(across, shares(height, upper, lower, framing), 1, height * row, row, row);
}

/**
 * A frame cropped and resized, before rounding.
 *
 * @param {ArrayLike<number>} frame of a square, RGB or RGBA, row by row
 * @param {number} side of the frame
 * @param {Framing} framing
 * @returns {Float32Array} RGB of `framing.size` squared, levels of 255
 */
export function frameLevels(frame, side, { box, size, filter }) {
  return resample(frame, side, side, box, size, filter);
}

/**
 * A picture's colours.
 *
 * @param {Uint8ClampedArray} pixels RGBA
 */
export function withoutAlpha(pixels) {
  return pixels.filter((_, i) => i % 4 < 3);
}
