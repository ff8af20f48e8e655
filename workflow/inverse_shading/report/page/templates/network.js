// A network that takes a framed picture to the ten inputs: average pools, dense layers, an objective.

import { srgbDecode } from "./srgb.js";
import { wholeNumbers, unpack } from "./unpack.js";

/**
 * A network as `prediction/page_network.py` writes it.
 *
 * @typedef {{
 *   size: number, depths: [string, number][], objective: string, black: number, packed: string,
 *   layers: {inputs: number, outputs: number, gelu: boolean}[],
 * }} NetworkData
 *
 * @typedef {{weights: Float32Array, scales: Float32Array, bias: Float32Array, gelu: boolean}} Layer
 * @typedef {{size: number, depths: [string, number][], objective: string, black: number, layers: Layer[]}} Network
 */

/** What outputs become, by the objective. @type {Record<string, (y: number[], black: number) => number[]>} */
const DECODERS = {
  regression: (outputs) => outputs,
  canonical: decodeCanonical,
  // The ends of its intervals stand after the others. They wait for a calibration, which no page has.
  canonical_quantiles: decodeCanonical,
};

/**
 * @param {NetworkData} data
 * @returns {Promise<Network>}
 */
export async function readNetwork(data) {
  const buffer = await unpack(data.packed);
  let place = 0;
  const layers = data.layers.map(({ inputs, outputs, gelu }) => {
    const bias = new Float32Array(buffer.slice(place, (place += 4 * outputs)));
    const scales = new Float32Array(buffer.slice(place, (place += 4 * outputs)));
    const weights = wholeNumbers(new Uint8Array(buffer, place, 3 * inputs * outputs));
    place += 3 * inputs * outputs;
    return { weights, scales, bias, gelu };
  });
  return { ...data, layers };
}

/**
 * The ten inputs of a framed picture, in [0, 1].
 *
 * @param {Network} network
 * @param {ArrayLike<number>} image (size, size, 3), levels of 255
 * @returns {number[]}
 */
export function answer(network, image) {
  const encoded = Float64Array.from(image, (level) => level / 255);
  const planes = { image: encoded, radiance: encoded.map(srgbDecode) };
  let values = Float64Array.from(
    network.depths.flatMap(([depth, grid]) =>
      average(depth === "radiance" ? planes.radiance : planes.image, network.size, grid),
    ),
  );
  for (const layer of network.layers) values = dense(layer, values);
  const outputs = Array.from(values, (value) => 1 / (1 + Math.exp(-value)));
  const decode = DECODERS[network.objective];
  if (decode === undefined) throw new Error(`There is no objective ${network.objective}.`);
  return decode(outputs, network.black).map((value) => Math.min(Math.max(value, 0), 1));
}

/**
 * Average an image to cells, (channel, row, column).
 *
 * @param {Float64Array} image
 * @param {number} size
 * @param {number} grid
 */
function average(image, size, grid) {
  const edges = Array.from({ length: grid }, (_, cell) => ({
    first: Math.floor((cell * size) / grid),
    last: Math.ceil(((cell + 1) * size) / grid),
  }));
  return [0, 1, 2].flatMap((channel) =>
    edges.flatMap((rows) =>
      edges.map((columns) => {
        let sum = 0;
        for (let row = rows.first; row < rows.last; row++) {
          for (let column = columns.first; column < columns.last; column++) {
            sum += image[3 * (row * size + column) + channel] ?? 0;
          }
        }
        return sum / ((rows.last - rows.first) * (columns.last - columns.first));
      }),
    ),
  );
}

/**
 * @param {Layer} layer
 * @param {Float64Array} inputs
 */
function dense({ weights, scales, bias, gelu }, inputs) {
  return Float64Array.from(bias, (start, row) => {
    let product = 0;
    const first = row * inputs.length;
    for (let i = 0; i < inputs.length; i++) {
      product += (weights[first + i] ?? 0) * (inputs[i] ?? 0);
    }
    const sum = start + (scales[row] ?? 0) * product;
    return gelu ? (sum * (1 + erf(sum / Math.SQRT2))) / 2 : sum;
  });
}

/**
 * Outputs of the objective canonical: base and base_color as means given their products, see
 * `objectives/canonical.py`.
 *
 * @param {number[]} outputs
 * @param {number} black the least of the largest product
 */
function decodeCanonical(outputs, black) {
  const products = outputs.slice(0, 3);
  const largest = Math.max(...products, black);
  const inverse = (2 * (1 + largest + largest ** 2)) / (3 * largest * (1 + largest));
  return [
    (2 * largest) / (1 + largest),
    ...products.map((product) => product * inverse),
    ...outputs.slice(3, 9),
  ];
}

/**
 * The error function, to 1.5e-7 (Abramowitz and Stegun 7.1.26).
 *
 * @param {number} x
 */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const powers = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const sum = powers.reduceRight((rest, factor) => (rest + factor) * t, 0);
  return Math.sign(x) * (1 - sum * Math.exp(-x * x));
}
