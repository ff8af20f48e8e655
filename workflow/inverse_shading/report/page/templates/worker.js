// Pictures framed in a worker, so that the page stays alive: one of 4,096 px takes seconds.

import { find } from "./dom.js";
import { PictureError, decodePicture, framePicture } from "./intake.js";
import { StageView } from "./stage_view.js";

/** @typedef {import("./intake.js").FramedPicture} FramedPicture */

/**
 * Decode and frame a picture file in a worker, which runs the page's own script.
 *
 * @param {Blob} file
 * @param {import("./stage_view.js").Stage} stage
 * @param {import("./intake.js").Limits} limits
 * @param {AbortSignal} signal
 * @returns {Promise<FramedPicture>}
 * @throws the signal's reason once it is aborted
 */
export function frameInWorker(file, { size, places, surface, background, framing }, limits, signal) {
  signal.throwIfAborted();
  const script = find("script[type=module]", HTMLScriptElement).text;
  // Not of the type "module", which Chromium refuses to a page of a file. Modules are strict.
  const url = URL.createObjectURL(new Blob(['"use strict";', script], { type: "text/javascript" }));
  const worker = new Worker(url);
  /** @type {Promise<FramedPicture>} */
  const framed = new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    worker.onerror = ({ message }) => reject(new Error(message || "the browser's worker failed."));
    worker.onmessage = ({ data: { framed, problem, isOfPicture } }) =>
      framed ? resolve(framed) : reject(new (isOfPicture ? PictureError : Error)(problem));
  });
  worker.postMessage({ file, stage: { size, places, surface, background, framing }, limits });
  return framed.finally(() => {
    worker.terminate();
    URL.revokeObjectURL(url);
  });
}

/** What the script does in the worker. */
export function serveFrames() {
  addEventListener("message", async ({ data: { file, stage, limits } }) => {
    try {
      const decoded = await decodePicture(file, limits);
      postMessage({ framed: framePicture(decoded, new StageView(stage), limits) });
    } catch (error) {
      postMessage({ problem: String(/** @type {Error} */ (error).message), isOfPicture: error instanceof PictureError });
    }
  });
}
