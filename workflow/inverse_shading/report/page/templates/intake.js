// A picture of the user's own, framed as training images are, or what is wrong with it.

import { resample } from "./framing.js";

/** @typedef {import("./stage_view.js").StageView} StageView */
/** @typedef {import("./stage_view.js").View} View */

/**
 * Limits of `pictures/stage_view.py` and `pictures/placement.py`, which say what they mean.
 *
 * @typedef {{
 *   difference: number, noise: number, outside: number, overlap: number, rim: number,
 *   mixed: [number, number], shift: number, better: number, silhouette: number, erosion: number,
 *   smallest: number,
 * }} Limits
 *
 * Levels of 255, straight alpha.
 * @typedef {{pixels: Uint8ClampedArray, width: number, height: number}} Decoded
 *
 * A picture as the training images are: whole levels for a network; before rounding for a search, with
 * the pixels to compare.
 * @typedef {{
 *   image: Uint8ClampedArray, target: Float32Array, weights: Uint8Array, placement: string,
 * }} FramedPicture
 */

/** Of a file in bytes, and of a picture's side in pixels: what a browser decodes at once. */
const LARGEST_FILE = 64 * 2 ** 20;
const LARGEST_SIDE = 4096;

/** What a user can mend. */
export class PictureError extends Error {}

const COMMAND = "`inverse-shading predict` takes more: other places and sizes of the object, even backgrounds, OpenEXR.";

/**
 * Decode a picture file.
 *
 * @param {Blob} file
 * @param {Limits} limits
 * @returns {Promise<Decoded>}
 */
export async function decodePicture(file, limits) {
  if (file.size > LARGEST_FILE) {
    const size = (file.size / 2 ** 20).toFixed(0);
    throw new PictureError(
      `found ${size} MiB, expected at most ${LARGEST_FILE / 2 ** 20}. Scale the picture down.`,
    );
  }
  const bitmap = await createImageBitmap(file, { premultiplyAlpha: "none" }).catch(() => {
    throw new PictureError(
      `found no picture that this browser reads, expected PNG, JPEG or WebP. ${COMMAND}`,
    );
  });
  const { width, height } = bitmap;
  if (Math.min(width, height) < limits.smallest || Math.max(width, height) > LARGEST_SIDE) {
    throw new PictureError(
      `found ${width} × ${height} pixels, expected ${limits.smallest} to ${LARGEST_SIDE} a side. ` +
        "Render it again or scale it.",
    );
  }
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (context === null) throw new PictureError("this browser gives no canvas to decode it on.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { pixels: context.getImageData(0, 0, width, height).data, width, height };
}

/**
 * Frame a picture: the whole frame or cropped as training images are, on the stage's backdrop or cut out
 * by its alpha.
 *
 * @param {Decoded} picture
 * @param {StageView} stage
 * @param {Limits} limits
 * @returns {FramedPicture}
 */
export function framePicture({ pixels, width, height }, stage, limits) {
  if (width !== height) {
    throw new PictureError(
      `found ${width} × ${height} pixels, expected a square picture: the stage's whole frame, or cropped ` +
        `like the training images. ${COMMAND}`,
    );
  }
  let isOpaque = true;
  for (let i = 3; i < pixels.length && isOpaque; i += 4) isOpaque = pixels[i] === 255;
  return (isOpaque ? onBackdrop : cutOut)(pixels, width, stage, limits);
}

/**
 * @param {Uint8ClampedArray} pixels RGBA
 * @param {number} side
 * @param {StageView} stage
 * @param {Limits} limits
 * @returns {FramedPicture}
 */
function onBackdrop(pixels, side, stage, limits) {
  const { size, filter } = stage;
  const shown = resample(pixels, side, side, [0, 0, side, side], size, "hamming");
  const matches = Object.entries(stage.views).map(([placement, view]) => ({
    placement,
    view,
    ...match(shown, view, size, limits),
  }));
  const best = matches.reduce((a, b) => (b.disagreement < a.disagreement ? b : a));
  if (!best.fits) {
    throw new PictureError(
      `found a picture that doesn't show the stage's object in its view and place on its backdrop ` +
        `(overlap ${best.overlap.toFixed(2)} of at least ${limits.overlap}, ${(100 * best.stray).toFixed(0)} % ` +
        `of the rest differs). Give a render of that stage, or the object cut out by alpha. ${COMMAND}`,
    );
  }
  const square = best.view.square(side);
  const frame = (/** @type {boolean} */ whole) =>
    resample(pixels, side, side, square, size, filter, { whole });
  return {
    image: Uint8ClampedArray.from(frame(true)),
    target: frame(false),
    weights: stage.weights,
    placement: best.placement,
  };
}

/**
 * How a picture fits one way of showing the stage, as `StageView._match` judges it at this place.
 *
 * @param {Float32Array} shown (size, size, 3)
 * @param {View} view
 * @param {number} size
 * @param {Limits} limits
 */
function match(shown, { backdrop, coverage }, size, limits) {
  const { difference, noise, outside, overlap, rim } = limits;
  const distance = new Float32Array(coverage.length);
  for (let i = 0; i < shown.length; i++) {
    const place = Math.trunc(i / 3);
    const here = Math.abs((shown[i] ?? 0) - (backdrop[i] ?? 0));
    distance[place] = Math.max(distance[place] ?? 0, here);
  }
  const near = grown(Uint8Array.from(coverage, (share) => Number(share > 0)), size, rim);
  const filled = withoutHoles(Uint8Array.from(distance, (far) => Number(far > difference)), size);
  // Up to JPEG's noise there is no difference; from there on half of one is half of one.
  const differs = distance.map((far) => Math.min(Math.max((far - noise) / (difference - noise), 0), 1));
  let [beside, stray, common, area] = [0, 0, 0, 0];
  for (const [place, share] of coverage.entries()) {
    const far = distance[place] ?? 0;
    if (!near[place]) {
      beside += 1;
      stray += Number(far > difference);
    }
    // Grey in the middle of an object is the object; in a hole of it, it is the backdrop.
    const found = filled[place] && share > 0.5 ? 1 : (differs[place] ?? 0);
    common += Math.min(found, share);
    area += share;
  }
  const [strayShare, overlapShare] = [beside > 0 ? stray / beside : 0, common / area];
  const here = disagreement(differs, coverage, size, limits, 0, 0);
  const isElsewhere = [-1, 0, 1].some((down) =>
    [-1, 0, 1].some((right) => {
      const step = Math.max(1, Math.round(limits.shift * size));
      const there = disagreement(differs, coverage, size, limits, down * step, right * step);
      return there < limits.better * here;
    }),
  );
  const fits = strayShare <= outside && overlapShare >= overlap && !isElsewhere;
  const exact = distance.map((far) => Math.min(far / difference, 1));
  return {
    fits,
    stray: strayShare,
    overlap: overlapShare,
    disagreement: disagreement(exact, coverage, size, limits, 0, 0),
  };
}

/**
 * Sum of what differs beside a silhouette and of what doesn't in it; mixed pixels may do either.
 *
 * @param {Float32Array} differs (size, size)
 * @param {Float32Array} coverage likewise
 * @param {number} size
 * @param {Limits} limits
 * @param {number} down pixels that the silhouette is moved by
 * @param {number} right likewise
 */
function disagreement(differs, coverage, size, { mixed: [beside, within] }, down, right) {
  let sum = 0;
  for (const [place, here] of differs.entries()) {
    const [row, column] = [Math.trunc(place / size) - down, (place % size) - right];
    const isInside = row >= 0 && row < size && column >= 0 && column < size;
    const share = isInside ? (coverage[row * size + column] ?? 0) : 0;
    if (share < beside) sum += here;
    if (share > within) sum += 1 - here;
  }
  return sum;
}

/**
 * @param {Uint8ClampedArray} pixels RGBA
 * @param {number} side
 * @param {StageView} stage
 * @param {Limits} limits
 * @returns {FramedPicture}
 */
function cutOut(pixels, side, stage, limits) {
  const { size, filter } = stage;
  const alpha = new Float32Array(side * side);
  const own = new Float32Array(3 * side * side);
  for (let i = 0; i < alpha.length; i++) {
    const share = (alpha[i] = Math.fround((pixels[4 * i + 3] ?? 0) / 255));
    for (let c = 0; c < 3; c++) own[3 * i + c] = (pixels[4 * i + c] ?? 0) * share;
  }
  const expected = stage.views.framed;
  const found = Object.entries(stage.views).map(([placement, view]) => {
    const square = view.square(side);
    const coverage = resample(alpha, side, side, square, size, filter, { limit: 1 });
    let [common, either] = [0, 0];
    for (const [place, share] of coverage.entries()) {
      common += Math.min(share, expected.coverage[place] ?? 0);
      either += Math.max(share, expected.coverage[place] ?? 0);
    }
    return { placement, square, coverage, overlap: common / either };
  });
  const best = found.reduce((a, b) => (b.overlap > a.overlap ? b : a));
  if (best.overlap < limits.silhouette) {
    throw new PictureError(
      `found a cut-out whose silhouette overlaps the object's by ${best.overlap.toFixed(3)}, expected ` +
        `the stage's own object in its own view and place (at least ${limits.silhouette.toFixed(2)}). ` +
        COMMAND,
    );
  }
  const moved = resample(own, side, side, best.square, size, filter);
  const target = moved.map((level, i) => {
    const share = best.coverage[Math.trunc(i / 3)] ?? 0;
    return Math.min(level + (1 - share) * (expected.backdrop[i] ?? 0), 255);
  });
  const outside = best.coverage.map((share, place) =>
    Number(Math.min(share, expected.coverage[place] ?? 0) <= 0.5),
  );
  return {
    image: Uint8ClampedArray.from(target),
    target,
    weights: grown(Uint8Array.from(outside), size, limits.erosion).map((is) => 1 - is),
    placement: "silhouette",
  };
}

/**
 * A mask (size, size), grown by so many pixels, counted along rows and columns.
 *
 * @param {Uint8Array} mask
 * @param {number} size
 * @param {number} times
 */
function grown(mask, size, times) {
  let result = mask;
  for (let time = 0; time < times; time++) {
    const before = result;
    result = before.map((is, place) => {
      const column = place % size;
      const isBeside =
        (column > 0 && before[place - 1]) ||
        (column < size - 1 && before[place + 1]) ||
        before[place - size] ||
        before[place + size];
      return Number(is || isBeside);
    });
  }
  return result;
}

/**
 * A mask (size, size) with all that it encloses.
 *
 * @param {Uint8Array} mask
 * @param {number} size
 */
function withoutHoles(mask, size) {
  const result = new Uint8Array(mask.length).fill(1);
  const waiting = [];
  for (let i = 0; i < size; i++) waiting.push(i, (size - 1) * size + i, i * size, i * size + size - 1);
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (!result[place] || mask[place]) continue;
    result[place] = 0;
    const column = place % size;
    if (column > 0) waiting.push(place - 1);
    if (column < size - 1) waiting.push(place + 1);
    if (place >= size) waiting.push(place - size);
    if (place < size * (size - 1)) waiting.push(place + size);
  }
  return result;
}
