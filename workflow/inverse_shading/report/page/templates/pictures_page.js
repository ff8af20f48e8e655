// The page of the user's pictures: predicted ones, and with a network further ones.

import { element, find, findAll, pageData, squareCanvas, statusLine } from "./dom.js";
import { withoutAlpha } from "./framing.js";
import { PictureError, decodePicture } from "./intake.js";
import { readStage } from "./live_renderer.js";
import { LiveView, rendererOf } from "./live_view.js";
import { answer, readNetwork } from "./network.js";
import { guessedMaterial } from "./observable.js";
import { levelPicture } from "./pictures.js";
import { Refiner } from "./refine.js";
import { StageView } from "./stage_view.js";
import { decodeBase64 } from "./unpack.js";
import { frameInWorker, serveFrames } from "./worker.js";

/** @typedef {import("./intake.js").FramedPicture} FramedPicture */
/** @typedef {import("./live_view.js").LiveInput} LiveInput */

/**
 * A picture that the page shows. `material` is what was found, `alternatives` look like it; a picture
 * that was given to the page knows no intervals, but the network's answer and how far it was refined to.
 *
 * @typedef {{
 *   name: string, framed: FramedPicture, material: number[], alternatives: number[][],
 *   inputs: LiveInput[], note: string, answer?: number[], rms?: number, renders?: number,
 * }} Entry
 */

/** As references of the live view are called. */
const PICTURE = "the picture";

const NO_INTERVALS = "Found in this page, which knows no intervals; inverse-shading predict does.";

const told = (/** @type {unknown} */ error) =>
  error instanceof Error ? error.message : String(error);

class PicturesPage {
  /** @type {Entry[]} */ entries = [];
  /** @type {{entry: Entry, view: LiveView} | null} */ shown = null;
  /** @type {AbortController | null} */ search = null;
  /** Of the files that are taken. @type {AbortController | null} */ intake = null;

  constructor() {
    this.stage = pageData("stage");
    this.limits = pageData("limits");
    /** @type {string[]} */
    this.labels = pageData("labels");
    const network = pageData("network");
    this.network = network && readNetwork(network);
    this.read = readStage(this.stage);
    this.renderer = rendererOf(this.stage, this.read);
    // Told by the live view and by a search; pictures are shown and answered all the same.
    this.renderer.catch(() => {});
    this.stageView = this.read.then((read) => new StageView(read));
    const line = (/** @type {string} */ selector) => statusLine(find(selector, HTMLElement));
    this.sayNote = line("#shown-note");
    this.saySearch = line("#refine-status");
    this.sayIntake = network ? line("#own-status") : () => {};
    find("#refine", HTMLButtonElement).addEventListener("click", () => this.refine());
    find("#refine-cancel", HTMLButtonElement).addEventListener("click", () => this.search?.abort());
    if (network) this.#takePictures();
  }

  /** Show the predicted pictures. */
  async start() {
    const { weights } = await this.stageView;
    for (const { name, image, inputs, alternatives, note } of pageData("pictures")) {
      const { pixels } = await decodePicture(new Blob([decodeBase64(image)]), this.limits);
      const colours = withoutAlpha(pixels);
      const framed = {
        image: colours, target: Float32Array.from(colours), weights, placement: "framed",
      };
      const material = inputs.map((/** @type {{value: number}} */ input) => input.value);
      this.#add({ name, framed, material, alternatives, inputs, note });
    }
    if (this.entries[0]) this.#show(this.entries[0]);
  }

  /** @param {Entry} entry */
  #add(entry) {
    this.entries.push(entry);
    const thumb = squareCanvas(levelPicture(entry.framed.image));
    thumb.ariaHidden = "true";
    const button = element("button", { type: "button", ariaPressed: "false" }, thumb, entry.name);
    button.addEventListener("click", () => this.#show(entry));
    find("#picture-list", HTMLElement).append(element("li", {}, button));
  }

  /** @param {Entry} entry */
  #show(entry) {
    this.search?.abort();
    this.shown?.view.close();
    find("#shown", HTMLElement).hidden = false;
    find("#shown-name", HTMLElement).textContent = entry.name;
    this.sayNote(entry.note);
    this.saySearch("");
    for (const [place, button] of findAll("#picture-list button", HTMLButtonElement).entries()) {
      button.ariaPressed = String(this.entries[place] === entry);
    }
    const found = { label: "material found", values: entry.material };
    const pixels = levelPicture(entry.framed.image);
    const subject = {
      inputs: entry.inputs,
      materials: [found],
      references: [{ label: PICTURE, pixels }, found],
      walk: [entry.material, ...entry.alternatives],
      template: pageData("template"),
      name: entry.name.replace(/\.[^.]*$/, ""),
    };
    const view = new LiveView(find(".live-root", HTMLElement), subject, [
      { title: "the stage", data: this.stage },
    ]);
    view.mode.select.value = "wipe";
    view.mode.select.dispatchEvent(new Event("change"));
    this.shown = { entry, view };
  }

  /** Search for the picture's material from the sliders'. */
  async refine() {
    if (this.shown === null || this.search !== null) return;
    const { entry, view } = this.shown;
    const [start, cancel] = [
      find("#refine", HTMLButtonElement),
      find("#refine-cancel", HTMLButtonElement),
    ];
    const controller = new AbortController();
    this.search = controller;
    start.disabled = true;
    cancel.hidden = false;
    try {
      const refiner = new Refiner(await this.renderer, await this.stageView, pageData("search"));
      const found = await refiner.refine(entry.framed, view.values, {
        signal: controller.signal,
        progress: ({ start: number, starts, pass, rms }) => {
          this.saySearch(`Start ${number} of at most ${starts}, ${pass}: ${rms.toFixed(2)} levels of 255 (RMS)`);
        },
      });
      const end = found.converged ? "" : " No material was found that renders as the picture does.";
      entry.material = found.values;
      entry.alternatives = [];
      entry.rms = found.rms;
      entry.renders = found.renders;
      entry.inputs = this.#inputs();
      entry.note = `Refined to ${found.rms.toFixed(2)} levels of 255 (RMS) by ${found.renders.toFixed(1)} renders.${end} ${NO_INTERVALS}`;
      // It may be another that is shown by then.
      if (this.shown?.entry === entry) this.#show(entry);
    } catch (error) {
      // Another that is shown by then was not searched for.
      if (this.shown?.entry === entry) {
        this.saySearch(controller.signal.aborted ? "Cancelled." : told(error));
      }
    } finally {
      this.search = null;
      start.disabled = false;
      cancel.hidden = true;
    }
  }

  /** Inputs of which the page knows no more than their labels. */
  #inputs() {
    return this.labels.map((label) => ({ label, low: 0, high: 1, reason: "unknown", explanation: "" }));
  }

  /** Let pictures be dropped, pasted and chosen. */
  #takePictures() {
    const input = find("#own-file", HTMLInputElement);
    const drop = find(".drop", HTMLElement);
    input.addEventListener("change", async () => {
      await this.takeFiles([...(input.files ?? [])]);
      input.value = "";
    });
    addEventListener("paste", (event) => this.takeFiles([...(event.clipboardData?.files ?? [])]));
    addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    addEventListener("dragleave", () => drop.classList.remove("over"));
    addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.takeFiles([...(event.dataTransfer?.files ?? [])]);
    });
  }

  /**
   * Take some pictures; what is wrong with one is told, and the others go on. Files that are still being
   * taken are given up for these.
   *
   * @param {File[]} files
   */
  async takeFiles(files) {
    if (files.length === 0) return;
    this.intake?.abort();
    const intake = new AbortController();
    this.intake = intake;
    const problems = [];
    const problem = find("#own-problem", HTMLElement);
    problem.textContent = "";
    for (const file of files) {
      this.sayIntake(`${file.name} is being read.`);
      try {
        const framed = await frameInWorker(file, await this.read, this.limits, intake.signal);
        const means = answer(await this.network, framed.image);
        const material = guessedMaterial(means);
        const note = `The network's answer. ${NO_INTERVALS}`;
        const entry = {
          name: file.name, framed, material, alternatives: [], inputs: this.#inputs(), note,
          answer: means,
        };
        this.#add(entry);
        this.#show(entry);
      } catch (error) {
        if (intake.signal.aborted) return;
        problems.push(`${file.name}: ${told(error)}`);
        if (!(error instanceof PictureError)) console.error(error);
      }
    }
    if (intake.signal.aborted) return;
    this.sayIntake("");
    problem.textContent = problems.join(" ");
  }
}

if (typeof document === "undefined") serveFrames();
else {
  const page = new PicturesPage();
  page.start().catch((error) => {
    find("#page-problem", HTMLElement).textContent = told(error);
  });
  // For a look at it from the console.
  Object.assign(window, { page });
}
