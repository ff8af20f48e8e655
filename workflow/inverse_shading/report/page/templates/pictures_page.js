// The page of the user's pictures: predicted ones, and with a network further ones.

import { element, find, pageData } from "./dom.js";
import { PictureError, decodePicture, framePicture } from "./intake.js";
import { LiveRenderer, readStage } from "./live_renderer.js";
import { answer, readNetwork } from "./network.js";
import { guessedMaterial } from "./observable.js";
import { Refiner } from "./refine.js";
import { StageView } from "./stage_view.js";

/** @typedef {import("./intake.js").FramedPicture} FramedPicture */

/**
 * An input of a predicted picture, as NAME.json has it.
 *
 * @typedef {{
 *   name: string, label: string, value: number, low: number, high: number, reason: string | null,
 *   explanation: string,
 * }} Input
 *
 * A picture of the page. `values` are those of the sliders, `found` those that they are reset to; `inputs`
 * are empty for a picture that was given to the page, which knows no intervals.
 * @typedef {{
 *   name: string, framed: FramedPicture, values: number[], found: number[], inputs: Input[],
 *   alternatives: number[][], note: string,
 * }} Entry
 */

const NO_INTERVALS = "Found in this page, which knows no intervals: `inverse-shading predict` does.";

/** Milliseconds between two looks of a page that waits for a frame. */
const frame = () => new Promise((resolve) => setTimeout(resolve));

const told = (/** @type {unknown} */ error) => (error instanceof Error ? error.message : String(error));

class PicturesPage {
  /**
   * @param {LiveRenderer} renderer
   * @param {StageView} view
   * @param {{pictures: any[], limits: import("./intake.js").Limits, search: any, labels: string[], network: any}} data
   */
  constructor(renderer, view, data) {
    this.renderer = renderer;
    this.view = view;
    this.data = data;
    this.refiner = new Refiner(renderer, view, data.search);
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {Entry | undefined} */
    this.shown = undefined;
    /** @type {AbortController | undefined} */
    this.search = undefined;
    this.drawn = 0;
    /** @type {Float32Array | undefined} */
    this.levels = undefined;
    this.network = data.network && readNetwork(data.network);
    find("#shown-gain", HTMLInputElement).addEventListener("input", () => this.compare());
    find("#refine", HTMLButtonElement).addEventListener("click", () => this.refine());
    find("#refine-cancel", HTMLButtonElement).addEventListener("click", () => this.search?.abort());
    find("#reset", HTMLButtonElement).addEventListener("click", () => {
      if (this.shown) this.set(this.shown, this.shown.found);
    });
    renderer.onlost = () => this.tell("The browser took the graphics context away; it may give it back.");
    renderer.onrestored = () => {
      this.tell("");
      this.draw();
    };
    if (this.network) this.takePictures();
  }

  /** Show the predicted pictures. */
  async start() {
    for (const { name, image, inputs, alternatives, ...record } of this.data.pictures) {
      const bytes = Uint8Array.from(atob(image), (sign) => sign.charCodeAt(0));
      const { pixels } = await decodePicture(new Blob([bytes]), this.data.limits);
      const colours = pixels.filter((_, i) => i % 4 < 3);
      const values = inputs.map((/** @type {Input} */ input) => input.value);
      this.add({
        name,
        framed: {
          image: colours,
          target: Float32Array.from(colours),
          weights: this.view.weights,
          placement: "framed",
        },
        values: [...values],
        found: values,
        inputs,
        alternatives,
        note:
          `${record.refined ? "Refined" : "The network's answer"}, ${record.rms.toFixed(2)} levels of 255 ` +
          `off${record.refined && !record.converged ? ", not converged" : ""}. Intervals: ${record.intervals}.`,
      });
    }
    if (this.entries[0]) this.show(this.entries[0]);
  }

  /** @param {string} problem of the page as a whole */
  tell(problem) {
    find("#page-problem", HTMLElement).textContent = problem;
  }

  /** @param {Entry} entry */
  add(entry) {
    this.entries.push(entry);
    const thumb = element("canvas", { ariaHidden: "true" });
    paint(thumb, entry.framed.image, this.view.size);
    const button = element("button", { type: "button", ariaPressed: "false" }, thumb, entry.name);
    button.addEventListener("click", () => this.show(entry));
    find("#picture-list", HTMLElement).append(element("li", {}, button));
  }

  /** @param {Entry} entry */
  show(entry) {
    this.search?.abort();
    this.shown = entry;
    find("#shown", HTMLElement).hidden = false;
    find("#shown-name", HTMLElement).textContent = entry.name;
    find("#shown-note", HTMLElement).textContent = entry.note;
    find("#refine-status", HTMLElement).textContent = "";
    const place = this.entries.indexOf(entry);
    for (const [number, button] of [...document.querySelectorAll("#picture-list button")].entries()) {
      button.ariaPressed = String(number === place);
    }
    paint(find("#shown-picture", HTMLCanvasElement), entry.framed.image, this.view.size);
    find("#alternatives", HTMLElement).replaceChildren(
      ...entry.alternatives.map((values, number) => {
        const button = element("button", { type: "button" }, `Alternative ${number + 1}`);
        button.addEventListener("click", () => this.set(entry, values));
        return button;
      }),
    );
    find(".inputs", HTMLElement).replaceChildren(
      ...this.data.labels.map((label, number) => this.slider(entry, label, number)),
    );
    this.draw();
  }

  /**
   * @param {Entry} entry
   * @param {string} label
   * @param {number} number of the input
   */
  slider(entry, label, number) {
    const value = () => entry.values[number] ?? 0;
    const id = `input-${number}`;
    const slider = element("input", { type: "range", id, min: "0", max: "1", step: "0.001" });
    const output = element("output", {});
    const update = () => {
      slider.valueAsNumber = value();
      output.value = value().toFixed(3);
    };
    slider.addEventListener("input", () => {
      entry.values[number] = slider.valueAsNumber;
      output.value = value().toFixed(3);
      this.draw();
    });
    slider.addEventListener("set", update);
    update();
    const line = element("div", { className: "input" }, element("label", { htmlFor: id }, label), slider, output);
    const input = entry.inputs[number];
    if (input) {
      const bar = element("i", { className: `bar ${input.reason ?? "determined"}` });
      bar.style.left = `${100 * input.low}%`;
      bar.style.width = `${100 * (input.high - input.low)}%`;
      const interval = `${input.low.toFixed(3)} to ${input.high.toFixed(3)}`;
      line.append(
        element("span", { className: "track", role: "img", ariaLabel: interval, title: interval }, bar),
      );
      if (input.reason) {
        line.append(element("p", { className: "note" }, `Undetermined. ${input.explanation}`));
      }
    }
    return line;
  }

  /**
   * Set the sliders.
   *
   * @param {Entry} entry
   * @param {readonly number[]} values
   */
  set(entry, values) {
    entry.values = [...values];
    for (const slider of document.querySelectorAll(".input input")) slider.dispatchEvent(new Event("set"));
    this.draw();
  }

  /** Render the sliders' material, coarse first; a later call takes the place of this one. */
  async draw() {
    const entry = this.shown;
    const turn = ++this.drawn;
    if (!entry) return;
    try {
      for (const rendered of this.renderer.steps(entry.values)) {
        this.levels = this.view.levels(rendered.filter((_, i) => i % 4 < 3));
        this.compare();
        await frame();
        if (turn !== this.drawn) return;
      }
    } catch (error) {
      this.tell(told(error));
    }
  }

  /** Show the render and how far it is off. */
  compare() {
    const { levels, shown } = this;
    if (!levels || !shown) return;
    const { target, weights } = shown.framed;
    const gain = find("#shown-gain", HTMLInputElement).valueAsNumber;
    let [sum, count] = [0, 0];
    const difference = levels.map((level, i) => {
      if (!weights[Math.trunc(i / 3)]) return 0;
      const far = level - (target[i] ?? 0);
      sum += far ** 2;
      count += 1;
      return gain * Math.abs(far);
    });
    paint(find("#shown-render", HTMLCanvasElement), levels, this.view.size);
    paint(find("#shown-difference", HTMLCanvasElement), difference, this.view.size);
    const rms = Math.sqrt(sum / Math.max(count, 1));
    find("#shown-rms", HTMLOutputElement).value = `RMS ${rms.toFixed(2)} levels of 255`;
  }

  /** Search for the picture's material from the sliders'. */
  async refine() {
    const entry = this.shown;
    if (!entry || this.search) return;
    const status = find("#refine-status", HTMLElement);
    const [start, cancel] = [find("#refine", HTMLButtonElement), find("#refine-cancel", HTMLButtonElement)];
    const controller = new AbortController();
    this.search = controller;
    start.disabled = true;
    cancel.hidden = false;
    try {
      const found = await this.refiner.refine(entry.framed, entry.values, {
        signal: controller.signal,
        progress: ({ start: number, starts, pass, rms }) => {
          status.textContent = `Start ${number} of at most ${starts}, ${pass}: RMS ${rms.toFixed(2)} levels of 255`;
        },
      });
      entry.found = found.values;
      entry.inputs = [];
      entry.note = NO_INTERVALS;
      const end = found.converged ? "" : " No material was found that renders as the picture does.";
      const text = `Refined to RMS ${found.rms.toFixed(2)} levels of 255 by ${found.renders.toFixed(1)} renders.${end}`;
      entry.values = [...found.values];
      if (this.shown === entry) this.show(entry);
      status.textContent = text;
    } catch (error) {
      status.textContent = controller.signal.aborted ? "Cancelled." : told(error);
    } finally {
      this.search = undefined;
      start.disabled = false;
      cancel.hidden = true;
    }
  }

  /** Let pictures be dropped, pasted and chosen. */
  takePictures() {
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
   * Take some pictures; what is wrong with one is told, and the others go on.
   *
   * @param {File[]} files
   */
  async takeFiles(files) {
    const problems = [];
    for (const file of files) {
      try {
        const decoded = await decodePicture(file, this.data.limits);
        const framed = framePicture(decoded, this.view, this.data.limits);
        const values = guessedMaterial(answer(await this.network, framed.image));
        const entry = {
          name: file.name,
          framed,
          values: [...values],
          found: values,
          inputs: [],
          alternatives: [],
          note: `The network's answer. ${NO_INTERVALS}`,
        };
        this.add(entry);
        this.show(entry);
      } catch (error) {
        problems.push(`${file.name}: ${told(error)}`);
        if (!(error instanceof PictureError)) console.error(error);
      }
    }
    find("#own-problem", HTMLElement).textContent = problems.join(" ");
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ArrayLike<number>} levels (size, size, 3)
 * @param {number} size
 */
function paint(canvas, levels, size) {
  const pixels = new Uint8ClampedArray(4 * size * size).fill(255);
  for (let i = 0; i < levels.length; i++) pixels[Math.trunc(i / 3) * 4 + (i % 3)] = levels[i] ?? 0;
  canvas.width = canvas.height = size;
  canvas.getContext("2d")?.putImageData(new ImageData(pixels, size, size), 0, 0);
}

/** Read the page's data and show it. */
async function startPage() {
  const names = ["pictures", "limits", "search", "labels", "network"];
  const data = Object.fromEntries(names.map((name) => [name, pageData(name)]));
  try {
    const stage = await readStage(pageData("stage"));
    const page = new PicturesPage(new LiveRenderer(null, stage), new StageView(stage), /** @type {any} */ (data));
    await page.start();
    Object.assign(window, { page });
  } catch (error) {
    find("#page-problem", HTMLElement).textContent = told(error);
  }
}

startPage();
