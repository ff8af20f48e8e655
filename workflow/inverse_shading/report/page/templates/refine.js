// From a framed picture to the material whose render it is: bounded least squares through the renderer, in
// slices short enough for the page to stay alive. A simpler search than that of `inversion/least_squares.py`: it has
// no verdict, ends where what is left is tolerated or one more start ends as the best did, and follows every start.

import { fit, squares } from "./least_squares.js";
import {
  U_SPECULAR,
  UNKNOWNS,
  divisible,
  material,
  observables,
  observablesDerivative,
  unknowns,
  unknownsDerivative,
} from "./observable.js";

/** @typedef {import("./stage_view.js").StageView} StageView */
/** @typedef {import("./stage_view.js").Pixels} Pixels */
/** @typedef {import("./intake.js").FramedPicture} FramedPicture */

/**
 * What renders: levels of 255 before rounding of covered pixels of the frame, (n, 3).
 *
 * @typedef {{levels: (values: number[], covered: Uint32Array) => Float32Array}} PixelRenderer
 *
 * The configuration's refinement, and the constants of `least_squares.py`.
 * @typedef {{
 *   pixels: import("./stage_view.js").PixelSettings, step: number, tolerance: number,
 *   starts: number[][], margin: number,
 *   coarse: {gain: number, points: number}, fine: {gain: number, points: number},
 *   hopeless: number, looks_alike: number, same: number, near: number, least_specular: number,
 *   moved_together: number[][],
 * }} SearchSettings
 *
 * @typedef {{start: number, starts: number, pass: string, rms: number}} Progress
 *
 * @typedef {{
 *   values: number[], rms: number, converged: boolean, renders: number,
 * }} Refined
 */

/** Milliseconds after which the page may do something else, and covered pixels shaded until then at first. */
const SLICE_MS = 24;
const SLICE = 8192;

export class Refiner {
  /**
   * @param {PixelRenderer} renderer
   * @param {StageView} stage
   * @param {SearchSettings} settings
   */
  constructor(renderer, stage, settings) {
    this.renderer = renderer;
    this.stage = stage;
    this.settings = settings;
    /** Covered pixels in slices that the renderer shades at once. @type {WeakMap<Uint32Array, Uint32Array[]>} */
    this.slices = new WeakMap();
    const { dense, sparse } = stage.pixels(settings.pixels);
    this.dense = dense;
    this.sparse = sparse;
    this.all = Uint32Array.from(stage.places, (_, number) => number);
    this.rendered = 0;
    /** @type {AbortSignal | undefined} */
    this.signal = undefined;
    this.breathed = 0;
  }

  /**
   * Find the material whose render is the picture.
   *
   * @param {FramedPicture} picture
   * @param {readonly number[]} guess ten inputs to start from; then come fixed places
   * @param {{signal?: AbortSignal, progress?: (told: Progress) => void}} options
   * @returns {Promise<Refined>}
   * @throws the signal's reason once it is aborted
   */
  async refine(picture, guess, { signal, progress = () => {} } = {}) {
    this.signal = signal;
    this.rendered = 0;
    const { tolerance, hopeless, looks_alike, same, starts: fixed } = this.settings;
    const starts = [unknowns(guess), ...fixed];
    /** @type {{x: number[], rms: number} | undefined} */
    let best;
    let foundAgain = false;
    let tried = 0;
    for (const start of starts) {
      tried += 1;
      const told = { start: tried, starts: starts.length };
      const found = await this.#search(picture, start, (pass, rms) =>
        progress({ ...told, pass, rms }),
      );
      if (best !== undefined) {
        const [nearer, further] = [Math.min(found.rms, best.rms), Math.max(found.rms, best.rms)];
        // Hopeless searches end early and thereby alike, which says nothing.
        foundAgain = further - nearer <= same * nearer && nearer <= hopeless * tolerance;
      }
      if (best === undefined || found.rms < best.rms) best = found;
      if (best.rms <= tolerance || foundAgain) break;
    }
    if (best === undefined) throw new Error("There is no start.");
    const values = material(best.x);
    return {
      values,
      rms: await this.#distance(values, picture),
      converged: best.rms <= tolerance || (foundAgain && best.rms <= looks_alike * tolerance),
      renders: this.rendered / this.all.length,
    };
  }

  /**
   * From a start over sparse pixels to whole images.
   *
   * @param {FramedPicture} picture
   * @param {readonly number[]} start
   * @param {(pass: string, rms: number) => void} tell
   */
  async #search(picture, start, tell) {
    const { margin, coarse, fine, hopeless, tolerance } = this.settings;
    const within = (/** @type {readonly number[]} */ x, /** @type {number} */ edge) =>
      x.map((value) => Math.min(Math.max(value, edge), 1 - edge));
    const problem = (
      /** @type {Pixels} */ pixels,
      /** @type {string} */ pass,
      /** @type {(x: number[]) => Promise<Float32Array>} */ render,
    ) => {
      const derivatives = new Derivatives(
        (x) => this.render([1, ...x], pixels.covered),
        this.settings,
      );
      const sought = chosen(picture.target, pixels.places);
      return {
        residuals: async (/** @type {number[]} */ x) => {
          const found = await render(x);
          const residuals = found.map((level, i) => level - (sought[i] ?? 0));
          tell(pass, rms(residuals));
          return residuals;
        },
        normals: (/** @type {number[]} */ x, /** @type {ArrayLike<number>} */ residuals) =>
          derivatives.normals(x, residuals),
      };
    };
    const sparse = compared(this.sparse, picture.weights);
    const first = await fit(
      problem(sparse, "sparse pixels", (x) => this.render([1, ...x], sparse.covered)),
      within(start, margin),
      coarse,
    );
    const isHopeless = rms(first.residuals) > hopeless * tolerance;
    // Whole images say how far off x is; centres of their pixels, at a third of the cost, where to go.
    const dense = compared(this.dense, picture.weights);
    const found = await fit(
      problem(dense, "whole image", async (x) => chosen(await this.image([1, ...x]), dense.places)),
      within(first.x, margin / 10),
      isHopeless ? { ...fine, points: 1 } : fine,
    );
    return { x: found.x, rms: rms(found.residuals) };
  }

  /**
   * A material's framed image before rounding, (size, size, 3).
   *
   * @param {number[]} values
   */
  async image(values) {
    const levels = await this.render(values, this.all);
    const frame = Float32Array.from(this.stage.background);
    for (const [number, place] of this.stage.places.entries()) {
      frame.set(levels.subarray(3 * number, 3 * number + 3), 3 * place);
    }
    return this.stage.levels(frame);
  }

  /**
   * Levels of covered pixels, (n, 3), rendered in slices between which the page may do something else.
   *
   * @param {number[]} values
   * @param {Uint32Array} covered
   */
  async render(values, covered) {
    const levels = new Float32Array(3 * covered.length);
    const slices = [];
    let first = 0;
    for (const slice of this.slices.get(covered) ?? cut(covered, SLICE)) {
      const began = performance.now();
      levels.set(this.renderer.levels(values, slice), 3 * first);
      first += slice.length;
      // One that took long is halved for the next time. The renderer knows again those that stay.
      const isLong = performance.now() - began > 2 * SLICE_MS && slice.length > 64;
      slices.push(...(isLong ? cut(slice, Math.ceil(slice.length / 2)) : [slice]));
      await this.#breathe();
    }
    this.slices.set(covered, slices);
    this.rendered += covered.length;
    return levels;
  }

  /** Let the page do what waits, if it has waited for long. */
  async #breathe() {
    this.signal?.throwIfAborted();
    if (performance.now() - this.breathed < SLICE_MS) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.breathed = performance.now();
    this.signal?.throwIfAborted();
  }

  /**
   * @param {number[]} values
   * @param {FramedPicture} picture
   */
  async #distance(values, { target, weights }) {
    const image = await this.image(values);
    return rms(image.map((level, i) => level - (target[i] ?? 0)).filter((_, i) => weights[Math.trunc(i / 3)]));
  }
}

/** Derivatives of pixels by u, computed anew where u has moved. */
class Derivatives {
  /**
   * @param {(x: number[]) => Promise<Float32Array>} render
   * @param {{step: number, near: number, least_specular: number, moved_together: number[][]}} settings `step` of the finite differences
   *   by x; derivatives are used again as long as no component of u but specular has moved further than
   *   `near`; `least_specular` see `divisible`; `moved_together` has the unknowns
   *   that one render moves: of a colour, red shows in red alone, green in green, blue in blue
   */
  constructor(render, { step, near, least_specular, moved_together }) {
    this.render = render;
    this.step = step;
    this.near = near;
    this.leastSpecular = least_specular;
    this.movedTogether = moved_together;
    /** @type {number[] | undefined} */
    this.place = undefined;
    this.byU = new Float32Array();
    /** @type {number[][]} */
    this.hessian = [];
  }

  /**
   * @param {number[]} x
   * @param {ArrayLike<number>} residuals
   */
  async normals(x, residuals) {
    await this.#moveTo(divisible(x, this.leastSpecular));
    const { byU, hessian } = this;
    const gradient = new Array(UNKNOWNS).fill(0);
    for (let row = 0; row < residuals.length; row++) {
      const far = residuals[row] ?? 0;
      for (let i = 0; i < UNKNOWNS; i++) gradient[i] += far * (byU[row * UNKNOWNS + i] ?? 0);
    }
    const byX = observablesDerivative(x);
    const turned = transposed(byX);
    return {
      hessian: product(product(turned, hessian), byX),
      gradient: product(turned, transposed([gradient])).map(([value = 0]) => value),
    };
  }

  /** @param {number[]} x */
  async #moveTo(x) {
    const u = observables(x);
    const before = this.place;
    if (
      before?.every((value, i) => i === U_SPECULAR || Math.abs(value - (u[i] ?? 0)) <= this.near)
    ) {
      return;
    }
    this.place = u;
    const here = await this.render(x);
    const byU = new Float32Array(here.length * UNKNOWNS);
    const chain = unknownsDerivative(x);
    // Forward, backward where an input would leave [0, 1].
    const steps = x.map((value) => (value + this.step <= 1 ? this.step : -this.step));
    for (const places of this.movedTogether) {
      const there = await this.render(
        x.map((value, i) => (places.includes(i) ? value + (steps[i] ?? 0) : value)),
      );
      for (let row = 0; row < here.length; row++) {
        // Rows are red, green and blue of pixel after pixel.
        const j = places[row % places.length] ?? 0;
        const slope = ((there[row] ?? 0) - (here[row] ?? 0)) / (steps[j] ?? 1);
        for (let i = 0; i < UNKNOWNS; i++) {
          const place = row * UNKNOWNS + i;
          byU[place] = (byU[place] ?? 0) + slope * (chain[j]?.[i] ?? 0);
        }
      }
    }
    this.byU = byU;
    this.hessian = Array.from({ length: UNKNOWNS }, () => new Array(UNKNOWNS).fill(0));
    for (let row = 0; row < byU.length; row += UNKNOWNS) {
      for (const [i, sums] of this.hessian.entries()) {
        for (let j = 0; j < UNKNOWNS; j++) {
          sums[j] = (sums[j] ?? 0) + (byU[row + i] ?? 0) * (byU[row + j] ?? 0);
        }
      }
    }
  }
}

/**
 * @param {Uint32Array} covered
 * @param {number} length of a slice
 */
function cut(covered, length) {
  return Array.from({ length: Math.ceil(covered.length / length) }, (_, i) =>
    covered.slice(i * length, (i + 1) * length),
  );
}

/**
 * Those of some pixels that are to be compared.
 *
 * @param {Pixels} pixels
 * @param {Uint8Array} weights
 */
function compared({ places, covered }, weights) {
  const isCompared = (/** @type {number} */ _, /** @type {number} */ i) => weights[places[i] ?? 0] === 1;
  return { places: places.filter(isCompared), covered: covered.filter(isCompared) };
}

/**
 * Some pixels of an image.
 *
 * @param {Float32Array} image (…, 3)
 * @param {Uint32Array} places
 */
function chosen(image, places) {
  const values = new Float32Array(3 * places.length);
  for (const [i, place] of places.entries()) values.set(image.subarray(3 * place, 3 * place + 3), 3 * i);
  return values;
}

/** @param {ArrayLike<number>} values */
function rms(values) {
  return Math.sqrt(squares(values) / values.length);
}

/** @param {number[][]} matrix */
function transposed(matrix) {
  return (matrix[0] ?? []).map((_, column) => matrix.map((row) => row[column] ?? 0));
}

/**
 * @param {number[][]} a
 * @param {number[][]} b
 */
function product(a, b) {
  const columns = transposed(b);
  return a.map((row) =>
    columns.map((column) => row.reduce((sum, value, i) => sum + value * (column[i] ?? 0), 0)),
  );
}
