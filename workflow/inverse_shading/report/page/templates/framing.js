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
 * @param {Framing} framing
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
 * A frame cropped and resized, before rounding: in two passes, each clipped to levels of 255.
 *
 * @param {ArrayLike<number>} frame RGB or RGBA of a square, row by row
 * @param {number} side of the frame
 * @param {Framing} framing
 * @returns {Float32Array} RGB of `framing.size` squared
 */
export function frameLevels(frame, side, framing) {
  const channels = frame.length / (side * side);
  const [left, upper, right, lower] = framing.box;
  const size = framing.size;
  const clip = (/** @type {number} */ level) => Math.min(Math.max(level, 0), 255);
  const across = new Float32Array(side * size * 3);
  shares(side, left, right, framing).forEach(({ first, weights }, column) => {
    for (let row = 0; row < side; row++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let step = 0; step < weights.length; step++) {
          const place = (row * side + first + step) * channels + channel;
          sum += /** @type {number} */ (weights[step]) * /** @type {number} */ (frame[place]);
        }
        across[(row * size + column) * 3 + channel] = clip(sum);
      }
    }
  });
  const framed = new Float32Array(size * size * 3);
  shares(side, upper, lower, framing).forEach(({ first, weights }, row) => {
    for (let place = 0; place < size * 3; place++) {
      let sum = 0;
      for (let step = 0; step < weights.length; step++) {
        const level = /** @type {number} */ (across[(first + step) * size * 3 + place]);
        sum += /** @type {number} */ (weights[step]) * level;
      }
      framed[row * size * 3 + place] = clip(sum);
    }
  });
  return framed;
}
