// The live view: a picture that follows ten sliders, compared with others.
//
//   const view = new LiveView(root, subject, stages);    root: an empty element to fill
//   view.close()                                         when it is no more to be seen
//
// Whoever shows a picture hands plain data, see `Subject`. `stages` are the lights by title, the
// picture's own first; the data of each is what Python's `live_stage` made. Where nothing can be
// rendered, the view says so, and the rest of the page goes on.

import { element, squareCanvas, statusLine } from "./dom.js";
import { frameLevels, withoutAlpha } from "./framing.js";
import { LiveRenderer, readStage } from "./live_renderer.js";
import { materialText } from "./material_text.js";
import { differencePicture, levelPicture, rootMeanSquare } from "./pictures.js";
import { coverage } from "./stage_view.js";
import { walkAt } from "./walk.js";

/** @typedef {import("./live_renderer.js").LiveStage} LiveStage */

/**
 * One of the ten inputs; `reason` is empty where the picture determines it, else a word for styles.
 *
 * @typedef {{label: string, low: number, high: number, reason: string, explanation: string}} LiveInput
 */

/**
 * A material with a name, or a picture of the stage's own light: RGBA, as large as a framed picture.
 *
 * @typedef {{label: string, values?: ArrayLike<number>, pixels?: Uint8ClampedArray}} Reference
 */

/**
 * What is shown. `materials` are buttons that set the sliders, the first one at the start and by reset;
 * `references` are what the picture is compared with, the truth first; `walk` is one material and
 * others that look like it and differ; `template` is that of the .mtlx file and `name` its name without the suffix.
 *
 * @typedef {{
 *   inputs: LiveInput[], materials: {label: string, values: number[]}[], references: Reference[],
 *   walk: number[][], template: string, name: string,
 * }} Subject
 */

const COLORS = [
  { label: "Base colour", places: [1, 2, 3] },
  { label: "Specular colour", places: [6, 7, 8] },
];

const MODES = [
  { value: "live", label: "live alone" },
  { value: "wipe", label: "wipe" },
  { value: "flicker", label: "flicker" },
  { value: "difference", label: "difference" },
];

/** Milliseconds that each picture of a flicker stands, and that a leg of a walk takes. */
const FLICKER = 700;
const LEG = 4000;

/** The largest gain of the differences is 2 to this. */
const MOST_DOUBLINGS = 6;

let views = 0;

/** Renderers live as long as the page: a browser has few graphics contexts, and a shader takes its time. */
/** @type {WeakMap<object, Promise<LiveRenderer>>} */
const renderers = new WeakMap();

/**
 * @param {any} data
 * @param {Promise<LiveStage>} [stage] what was read of it, if it was
 */
export const rendererOf = (data, stage) => {
  const made =
    renderers.get(data) ?? (stage ?? readStage(data)).then((read) => new LiveRenderer(read));
  renderers.set(data, made);
  // Perhaps there is a context the next time.
  made.catch(() => renderers.delete(data));
  return made;
};

/** @type {(run: () => void) => void} */
const whenIdle = (run) => {
  // Safari has no idle callbacks.
  if ("requestIdleCallback" in window) window.requestIdleCallback(run, { timeout: 100 });
  else setTimeout(run, 0);
};

const button = (/** @type {string} */ label, /** @type {() => void} */ run) => {
  const made = element("button", { type: "button", textContent: label });
  made.addEventListener("click", run);
  return made;
};

const choice = (
  /** @type {string} */ label,
  /** @type {{value: string, label: string}[]} */ options,
  /** @type {() => void} */ run,
) => {
  const select = element("select", {});
  for (const { value, label: text } of options) {
    select.append(element("option", { value, textContent: text }));
  }
  select.addEventListener("change", run);
  return { select, field: element("label", {}, `${label} `, select) };
};

const slider = (/** @type {string} */ label, /** @type {Partial<HTMLInputElement>} */ range) => {
  const input = element("input", { type: "range", ...range });
  input.setAttribute("aria-label", label);
  return input;
};

/** See the top of this module. */
export class LiveView {
  /** What was rendered in the chosen light, whole frames and framed levels; "" is the live picture. */
  /** @type {Map<string, {frame: Uint8ClampedArray, levels: Float32Array}>} */ #pictures = new Map();
  /** How far the object reaches into each framed pixel. */
  /** @type {Float32Array} */ #weights = new Float32Array();
  /** @type {LiveRenderer | null} */ #renderer = null;
  /** The picture at work, and its next steps. */
  /** @type {{name: string, steps: Generator<Uint8ClampedArray, void, void>, isBegun: boolean} | null} */ #job = null;
  #isScheduled = false;
  #isClosed = false;
  /** When the walk began, and the picture there. */
  /** @type {{since: number, levels: Float32Array | null} | null} */ #walk = null;
  #flickerId = 0;
  /** @type {(text: string) => void} */ #say;
  #isOther = false;
  #id = `live${++views}`;

  /**
   * @param {HTMLElement} root
   * @param {Subject} subject
   * @param {{title: string, data: any}[]} stages
   * @param {number} [light] place of the one to begin in
   */
  constructor(root, subject, stages, light = 0) {
    this.subject = subject;
    this.stages = stages;
    this.values = [...(subject.materials[0]?.values ?? [])];
    this.canvas = element("canvas", { width: 1, height: 1 });
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "The object in the material of the sliders");
    const status = element("p", { className: "note" });
    this.light = choice(
      "Light",
      stages.map(({ title }, place) => ({ value: String(place), label: title })),
      () => void this.#start(),
    );
    this.mode = choice("Compare by", MODES, () => this.#changeMode());
    this.reference = choice(
      "with",
      subject.references.map(({ label }) => ({ value: label, label })),
      () => this.#paint(),
    );
    this.wipe = slider("Place of the wipe", { min: "0", max: "100", value: "50" });
    this.wipe.className = "wipe";
    this.wipe.addEventListener("input", () => this.#paint());
    /** What is to be seen on which side. */
    this.sides = ["left", "right"].map((side) => element("span", { className: `shows ${side}` }));
    this.gain = slider("Gain of the differences", {
      min: "0", max: String(MOST_DOUBLINGS), value: "3",
    });
    this.gainText = element("output", { ariaLive: "off" });
    this.gain.addEventListener("input", () => this.#paint());
    this.gainField = element("label", {}, "Gain ", this.gain, " ", this.gainText);
    this.walkButton = button("Walk what can’t be known", () => this.#toggleWalk());
    this.walkButton.setAttribute("aria-pressed", "false");
    this.walkButton.disabled = subject.walk.length < 2;
    if (this.walkButton.disabled) this.walkButton.title = "The picture leaves nothing that could be walked.";
    this.sliders = subject.inputs.map((input, place) => this.#slider(input, place));
    root.replaceChildren(
      element(
        "div",
        { className: "live" },
        element(
          "div",
          { className: "live-picture" },
          element("div", { className: "live-frame" }, this.canvas, ...this.sides, this.wipe),
          status,
          element(
            "div",
            { className: "live-controls" },
            this.light.field, this.mode.field, this.reference.field, this.gainField,
          ),
        ),
        element("div", { className: "live-inputs" }, this.#sets(), this.#inputs(), this.#files()),
      ),
    );
    this.#say = statusLine(status);
    this.light.select.selectedIndex = light;
    this.light.field.hidden = stages.length < 2;
    this.#changeMode();
    this.#showValues();
    void this.#start();
  }

  /** Begin in the chosen light. */
  async #start() {
    this.#renderer = this.#job = null;
    this.#stopWalk();
    this.#pictures.clear();
    this.#say("The live picture is being prepared.");
    const place = this.light.select.selectedIndex;
    try {
      const renderer = await rendererOf(this.stages[place]?.data);
      if (this.#isClosed || this.light.select.selectedIndex !== place) return;
      const { size, framing, places } = renderer.stage;
      this.canvas.width = this.canvas.height = Math.round(framing.box[2] - framing.box[0]);
      this.#weights = coverage(size, places, framing);
      renderer.onlost = () => {
        // That of another light may be lost while this one goes on.
        if (this.#renderer !== renderer) return;
        this.#job = null;
        this.#say("The browser took the graphics away. The picture goes on when they come back.");
      };
      renderer.onrestored = () => this.#update();
      this.#renderer = renderer;
      this.#say("");
      this.#update();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(/** @type {unknown} */ error) {
    this.#job = null;
    this.canvas.ariaBusy = "false";
    this.#say(`${error instanceof Error ? error.message : error} The still pictures stay.`);
  }

  #slider(/** @type {LiveInput} */ input, /** @type {number} */ place) {
    const range = slider(input.label, { min: "0", max: "1", step: "0.001" });
    range.addEventListener("input", () => {
      this.#stopWalk();
      this.values[place] = range.valueAsNumber;
      this.#showValues();
      this.#update();
    });
    // The slider itself is announced.
    return { range, output: element("output", { ariaLive: "off" }) };
  }

  /** Buttons that set all sliders. */
  #sets() {
    const set = (/** @type {string} */ label, /** @type {ArrayLike<number>} */ values) =>
      button(label, () => {
        this.#stopWalk();
        this.set(values);
      });
    const { materials, walk } = this.subject;
    return element(
      "div",
      { className: "buttons" },
      ...materials.map(({ label, values }) => set(label, values)),
      ...walk.slice(1).map((values, number) => set(`looks the same ${number + 1}`, values)),
      set("Reset", materials[0]?.values ?? []),
      this.walkButton,
    );
  }

  #inputs() {
    this.swatches = COLORS.map(() => element("i", { className: "swatch" }));
    const list = element("ul", { className: "live-sliders" });
    this.subject.inputs.forEach((input, place) => {
      const control = this.sliders[place];
      if (control === undefined) return;
      const bar = element("i", { className: `bar ${input.reason || "determined"}` });
      bar.style.left = `${100 * input.low}%`;
      bar.style.width = `${100 * (input.high - input.low)}%`;
      const marks = this.subject.references.slice(0, 1).flatMap(({ values }) => {
        const mark = element("i", { className: "true" });
        mark.style.left = `${100 * (values?.[place] ?? 0)}%`;
        return values === undefined ? [] : [mark];
      });
      const color = COLORS.findIndex(({ places }) => places[0] === place);
      const swatch = this.swatches?.[color];
      const note = element("small", { textContent: input.explanation, id: `${this.#id}-${place}` });
      control.range.setAttribute("aria-describedby", note.id);
      list.append(
        element(
          "li",
          {},
          element("span", {}, input.label, ...(swatch ? [" ", swatch] : [])),
          element(
            "span",
            { className: "track" },
            element("span", { className: "bars" }, bar, ...marks),
            control.range,
          ),
          control.output,
          note,
        ),
      );
    });
    return list;
  }

  #files() {
    const { name, template } = this.subject;
    const text = () => materialText(template, this.values);
    const save = (/** @type {Blob | null} */ blob, /** @type {string} */ file) => {
      if (blob === null) return;
      const link = element("a", { href: URL.createObjectURL(blob), download: file });
      link.click();
      // Not at once: the browser reads it later.
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    };
    return element(
      "div",
      { className: "buttons" },
      button("Copy .mtlx", () => {
        const done = navigator.clipboard?.writeText(text()) ?? Promise.reject();
        done.then(
          () => this.#say("The material is copied."),
          () => this.#say("The browser doesn’t let this page copy. Download the file instead."),
        );
      }),
      button("Download .mtlx", () =>
        save(new Blob([text()], { type: "application/xml" }), `${name}.mtlx`),
      ),
      button("Download picture", () =>
        this.canvas.toBlob((blob) => save(blob, `${name}.png`), "image/png"),
      ),
    );
  }

  /**
   * Set all sliders and show the picture.
   *
   * @param {ArrayLike<number>} values
   */
  set(values) {
    this.values = Array.from(values);
    this.#showValues();
    this.#update();
  }

  #showValues() {
    this.sliders.forEach(({ range, output }, place) => {
      const value = this.values[place] ?? 0;
      range.value = String(value);
      output.value = value.toFixed(3);
    });
    COLORS.forEach(({ places }, number) => {
      const swatch = this.swatches?.[number];
      const channels = places.map((place) => this.values[place] ?? 0);
      if (swatch) swatch.style.background = `color(srgb-linear ${channels.join(" ")})`;
    });
  }

  #changeMode() {
    const mode = this.mode.select.value;
    this.wipe.hidden = mode !== "wipe";
    this.gainField.hidden = mode !== "difference";
    this.reference.field.hidden = mode === "live";
    clearInterval(this.#flickerId);
    this.#isOther = false;
    if (mode === "flicker") {
      this.#flickerId = window.setInterval(() => {
        this.#isOther = !this.#isOther;
        this.#paint();
      }, FLICKER);
    }
    this.#paint();
  }

  /** The values have changed: begin the picture again. */
  #update() {
    if (this.#renderer === null || this.#isClosed) return;
    this.#job = { name: "", steps: this.#renderer.steps(this.values), isBegun: false };
    this.canvas.ariaBusy = "true";
    this.#schedule();
  }

  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    whenIdle(() => {
      this.#isScheduled = false;
      try {
        this.#step();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  /** One short step of the work, then the page has its turn. */
  #step() {
    const renderer = this.#renderer;
    if (this.#job === null || renderer === null || this.#isClosed) return;
    const job = this.#job;
    const { name } = job;
    const { done } = job.steps.next();
    const { size, framing } = renderer.stage;
    if (!done) {
      // The first is coarse and soon there. What is walked, or compared with, comes when it is done.
      if (name === "" && this.#walk === null) {
        const before = this.#pictures.get("")?.levels;
        const isWanted = this.mode.select.value === "difference" && !job.isBegun;
        const levels =
          isWanted || before === undefined ? frameLevels(renderer.pixels, size, framing) : before;
        this.#pictures.set("", { frame: renderer.pixels, levels });
        job.isBegun = true;
        this.#paint();
      }
      this.#schedule();
      return;
    }
    this.#job = null;
    this.canvas.ariaBusy = "false";
    const frame = new Uint8ClampedArray(renderer.pixels);
    this.#pictures.set(name, { frame, levels: frameLevels(frame, size, framing) });
    this.#paint();
    if (this.#walk !== null && name === "") this.#goOn();
  }

  /** What the picture is compared with, in this light; begun if it isn't there yet. */
  #other() {
    const { label, values, pixels } = this.subject.references.find(
      (one) => one.label === this.reference.select.value,
    ) ?? { label: "" };
    if (this.mode.select.value === "live" || this.#renderer === null) return null;
    if (values !== undefined) {
      if (!this.#pictures.has(label) && this.#job === null) {
        this.#job = { name: label, steps: this.#renderer.steps(values), isBegun: false };
        this.#schedule();
      }
      return this.#pictures.get(label) ?? null;
    }
    if (pixels === undefined || this.light.select.selectedIndex !== 0) return null;
    return { frame: null, levels: Float32Array.from(withoutAlpha(pixels)) };
  }

  #paint() {
    const context = this.canvas.getContext("2d");
    const live = this.#pictures.get("");
    const other = this.#other();
    this.gainText.value = `× ${2 ** this.gain.valueAsNumber}`;
    if (context === null || live === undefined || this.#renderer === null) return;
    const mode = other === null ? "live" : this.mode.select.value;
    const shows = mode === "flicker" && this.#isOther ? "other" : mode;
    this.canvas.dataset.shows = shows;
    this.#draw(context, this.#renderer.stage, shows, live, other);
    const name = this.reference.select.value;
    /** @type {Record<string, string[]>} */
    const sides = { wipe: [name, "live"], flicker: ["live"], other: [name] };
    this.sides.forEach((label, side) => (label.textContent = sides[shows]?.[side] ?? ""));
    if (this.#job?.name === "") return;
    const start = this.#walk?.levels;
    const apart = (/** @type {Float32Array} */ levels) =>
      `${rootMeanSquare(live.levels, levels, this.#weights).toFixed(2)} levels of 255 (RMS)`;
    if (start) this.#say(`${apart(start)} from where the walk began`);
    else if (other !== null) this.#say(`${apart(other.levels)} from ${name}`);
    else this.#say("");
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {LiveStage} stage
   * @param {string} shows
   * @param {{frame: Uint8ClampedArray, levels: Float32Array}} live
   * @param {{frame: Uint8ClampedArray | null, levels: Float32Array} | null} other without a frame where it is
   *   framed already, and smaller
   */
  #draw(context, { size, framing }, shows, live, other) {
    const [left = 0, upper = 0] = framing.box.map(Math.round);
    const side = this.canvas.width;
    const put = (/** @type {Uint8ClampedArray} */ frame, from = 0) => {
      const image = new ImageData(new Uint8ClampedArray(frame), size, size);
      context.putImageData(image, -left, -upper, left + from, upper, side - from, side);
    };
    const stretch = (/** @type {Uint8ClampedArray} */ pixels) =>
      context.drawImage(squareCanvas(pixels), 0, 0, side, side);
    if (other !== null) {
      if (shows === "difference") {
        stretch(differencePicture(live.levels, other.levels, 2 ** this.gain.valueAsNumber));
      } else if (other.frame === null) stretch(levelPicture(other.levels));
      else put(other.frame);
    }
    if (shows === "live" || shows === "flicker") put(live.frame);
    if (shows === "wipe") {
      const cut = Math.round((side * this.wipe.valueAsNumber) / 100);
      put(live.frame, cut);
      context.fillStyle = "white";
      context.fillRect(cut - 1, 0, 2, side);
    }
  }

  #toggleWalk() {
    if (this.#walk !== null) {
      this.#stopWalk();
      this.#update();
      return;
    }
    this.walkButton.setAttribute("aria-pressed", "true");
    this.#walk = { since: Infinity, levels: null };
    this.set(this.subject.walk[0] ?? []);
  }

  #stopWalk() {
    this.#walk = null;
    this.walkButton.setAttribute("aria-pressed", "false");
  }

  /** The walk's next picture, once the one before is whole. */
  #goOn() {
    const walk = this.#walk;
    if (walk === null) return;
    if (walk.levels === null) {
      // From here on, or a slow first picture would make the first step a jump.
      walk.since = performance.now();
      walk.levels = this.#pictures.get("")?.levels ?? null;
    }
    requestAnimationFrame(() => {
      if (walk !== this.#walk || this.#isClosed) return;
      this.set(walkAt(this.subject.walk, (performance.now() - walk.since) / LEG));
    });
  }

  /** Stop; the view can't be used after. */
  close() {
    this.#isClosed = true;
    this.#job = this.#walk = null;
    clearInterval(this.#flickerId);
  }
}
