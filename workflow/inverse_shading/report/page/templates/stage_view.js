// How training images show the stage: their square of the frame, what is behind the object, its share of
// each pixel, and which pixels lead a search. As `render/framing.py` and `render/unrounded.py` have it.

import { resample, withoutAlpha } from "./framing.js";

/**
 * What a view takes of a stage as the renderer reads it: side of the frame; places of the covered pixels,
 * their positions, normals and tangents; RGBA of what is behind them; the square of training images.
 *
 * @typedef {{
 *   size: number, places: Uint32Array, surface: Float32Array[], background: Uint8ClampedArray,
 *   framing: import("./framing.js").Framing,
 * }} Stage
 *
 * @typedef {{backdrop: Float32Array, coverage: Float32Array, square: (side: number) => number[]}} View
 *
 * Framed pixels by their places in the image, and the covered pixels of the frame under their centres.
 * @typedef {{places: Uint32Array, covered: Uint32Array}} Pixels
 *
 * Constants of `render/unrounded.py`; `reach` is half of its WINDOW.
 * @typedef {{stride: number, fewest: number, smooth: number, wholly: number, reach: number}} PixelSettings
 */

/**
 * How far the object reaches into each framed pixel, from 0 to 1.
 *
 * @param {number} side of the frame
 * @param {Uint32Array} places of the covered pixels
 * @param {import("./framing.js").Framing} framing
 */
export function coverage(side, places, { box, size, filter }) {
  const mask = new Uint8Array(side * side);
  for (const place of places) mask[place] = 1;
  return resample(mask, side, side, box, size, filter, { limit: 1 });
}

export class StageView {
  /** @param {Stage} stage */
  constructor({ size: side, places, surface, background, framing: { size, filter, box } }) {
    this.side = side;
    this.size = size;
    this.filter = filter;
    this.box = box;
    this.places = places;
    this.normals = surface[1] ?? new Float32Array();
    /** The frame without the object, (side, side, 3). */
    this.background = withoutAlpha(background);
    /** @type {import("./framing.js").Framing["box"]} */
    const whole = [0, 0, side, side];
    const squareOf = (/** @type {number[]} */ edges) => (/** @type {number} */ given) =>
      edges.map((edge) => (edge * given) / side);
    /** What a picture may show: the whole frame, or the square of training images. */
    this.views = {
      frame: this.#view(whole, squareOf(box)),
      framed: this.#view(box, squareOf(whole)),
    };
  }

  /**
   * A frame before rounding, framed.
   *
   * @param {ArrayLike<number>} frame (side, side, 3), levels of 255
   */
  levels(frame) {
    return resample(frame, this.side, this.side, this.box, this.size, this.filter);
  }

  /** Framed pixels that show the object, if only a little: 1, else 0. */
  get weights() {
    return Uint8Array.from(this.views.framed.coverage, (share) => Number(255 * share >= 0.5));
  }

  /**
   * Pixels whose centres alone can be rendered: all that lie wholly on the object, and of these every
   * `stride`-th per side where the surface is smooth.
   *
   * @param {PixelSettings} settings
   * @returns {{dense: Pixels, sparse: Pixels}}
   */
  pixels({ stride, fewest, smooth, wholly, reach }) {
    const { side } = this;
    const numbers = new Int32Array(side * side).fill(-1);
    for (const [number, place] of this.places.entries()) numbers[place] = number;
    const [left = 0, upper = 0, right = side, lower = side] = this.box;
    const nearest = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ i) =>
      Math.min(Math.floor(from + ((i + 0.5) * (to - from)) / this.size), side - 1);
    const choose = (/** @type {(row: number, column: number, at: number) => boolean} */ isChosen) => {
      const places = [];
      const covered = [];
      for (let row = 0; row < this.size; row++) {
        for (let column = 0; column < this.size; column++) {
          const place = row * this.size + column;
          const at = nearest(upper, lower, row) * side + nearest(left, right, column);
          const isDense = (this.views.framed.coverage[place] ?? 0) > wholly && (numbers[at] ?? -1) >= 0;
          if (!isDense || !isChosen(row, column, at)) continue;
          places.push(place);
          covered.push(numbers[at] ?? 0);
        }
      }
      return { places: Uint32Array.from(places), covered: Uint32Array.from(covered) };
    };
    const dense = choose(() => true);
    const middle = Math.trunc(stride / 2);
    const isOnGrid = (/** @type {number} */ row, /** @type {number} */ column) =>
      row % stride === middle && column % stride === middle;
    // Of an object of edges, or a small one, pixels are chosen all the same.
    const choices = [
      choose((row, column, at) => isOnGrid(row, column) && this.#spread(numbers, at, reach) < smooth),
      choose(isOnGrid),
    ];
    return { dense, sparse: choices.find(({ places }) => places.length >= fewest) ?? dense };
  }

  /**
   * How far the normals about a pixel differ, 1 − |mean normal|²; 1 where not all are covered.
   *
   * @param {Int32Array} numbers of the covered pixels by their places in the frame, −1 elsewhere
   * @param {number} at place in the frame
   * @param {number} reach pixels each way
   */
  #spread(numbers, at, reach) {
    const mean = [0, 0, 0];
    const count = (2 * reach + 1) ** 2;
    for (let row = -reach; row <= reach; row++) {
      for (let column = -reach; column <= reach; column++) {
        const number = numbers[at + row * this.side + column] ?? -1;
        if (number < 0) return 1;
        const normal = this.normals.subarray(3 * number, 3 * number + 3);
        const length = Math.hypot(...normal);
        for (let axis = 0; axis < 3; axis++) {
          mean[axis] = (mean[axis] ?? 0) + (normal[axis] ?? 0) / length / count;
        }
      }
    }
    return 1 - mean.reduce((sum, part) => sum + part ** 2, 0);
  }

  /**
   * @param {import("./framing.js").Framing["box"]} box of the frame
   * @param {(side: number) => number[]} square
   * @returns {View}
   */
  #view(box, square) {
    const { side, size, filter } = this;
    return {
      backdrop: resample(this.background, side, side, box, size, filter),
      coverage: coverage(side, this.places, { box, size, filter }),
      square,
    };
  }
}
