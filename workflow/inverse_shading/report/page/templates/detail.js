// The dialog with the pictures and the ten values of one image.

import { element, find, findAll, pageData } from "./dom.js";
import { LiveView } from "./live_view.js";

/**
 * One of the ten inputs of an image; `reason` says why it is undetermined, if it is.
 *
 * @typedef {{
 *   label: string, true: number, low: number, high: number, reason: string,
 *   guesses: Record<string, number>,
 * }} Input
 */

/**
 * An image. Materials are those of the truth and of every predictor; alternatives look like the refined one.
 *
 * @typedef {{
 *   inputs: Input[], materials: Record<string, number[]>, alternatives: number[][],
 * }} Opened
 */

const clip = (/** @type {number} */ value) => Math.min(Math.max(value, 0), 1);

const written = (/** @type {number} */ value) => value.toFixed(3);

/**
 * A mark on a track from 0 to 1.
 *
 * @param {string} kind
 * @param {number} left
 * @param {number} [width]
 */
function mark(kind, left, width) {
  const made = element("i", { className: kind });
  made.style.left = `${100 * left}%`;
  if (width !== undefined) made.style.width = `${100 * width}%`;
  return made;
}

/**
 * A row of the table.
 *
 * @param {Input} input
 * @param {string} predictor
 * @param {{refined: string, reasons: Record<string, string>}} names
 */
function line(input, predictor, names) {
  const guess = input.guesses[predictor] ?? 0;
  const track = element(
    "span",
    { className: "track", ariaHidden: "true" },
    mark(`bar ${input.reason || "determined"}`, input.low, input.high - input.low),
    mark("true", input.true),
    mark("other", clip(guess)),
  );
  const reason = input.reason ? `: ${names.reasons[input.reason]?.toLowerCase()}` : "";
  const numbers = [
    written(input.true),
    written(guess),
    written(input.guesses[names.refined] ?? 0),
    `${written(input.low)} – ${written(input.high)}`,
  ].map((text) => element("td", { textContent: text }));
  return element(
    "tr",
    {},
    element("th", { scope: "row", textContent: input.label }),
    ...numbers,
    element("td", { className: "text", title: `the range${reason}` }, track),
  );
}

/**
 * A colour as true and as predicted, side by side.
 *
 * @param {string} label
 * @param {Input[]} channels red, green, blue
 * @param {string[]} predictors
 */
function colours(label, channels, predictors) {
  const swatch = (/** @type {string} */ name, /** @type {number[]} */ values) => {
    const made = element("i", { className: "swatch" });
    made.style.background = `color(srgb-linear ${values.map(clip).join(" ")})`;
    return element("span", {}, made, ` ${name}`);
  };
  return element(
    "li",
    {},
    element("b", { textContent: label }),
    swatch("true", channels.map((channel) => channel.true)),
    ...predictors.map((name) =>
      swatch(name, channels.map((channel) => channel.guesses[name] ?? 0)),
    ),
  );
}

/**
 * What the live view shows of an image.
 *
 * @param {string} id
 * @param {Opened} image
 * @param {string} predictor
 * @param {{refined: string, reasons: Record<string, string>}} names
 * @param {string} template
 * @returns {import("./live_view.js").Subject}
 */
function subject(id, image, predictor, names, template) {
  const material = (/** @type {string} */ label) => ({
    label,
    values: image.materials[label] ?? [],
  });
  const predictors = [...new Set([predictor, names.refined])].map(material);
  const truth = material("truth");
  return {
    inputs: image.inputs.map(({ label, low, high, reason }) => {
      return { label, low, high, reason, explanation: names.reasons[reason] ?? "" };
    }),
    materials: [...predictors, truth],
    references: [truth, ...predictors],
    walk: [material(names.refined).values, ...image.alternatives],
    template,
    name: `image_${id}`,
  };
}

/**
 * Let tiles of the gallery open the dialog.
 *
 * @param {HTMLElement} gallery
 * @param {Record<string, Opened>} images by id
 */
export function startDetail(gallery, images) {
  const dialog = find("#detail", HTMLDialogElement);
  const names = pageData("names");
  const { stages, template } = pageData("live");
  /** @type {LiveView | null} */
  let view = null;

  /**
   * @param {HTMLElement} card
   * @param {HTMLElement} tile
   */
  const open = (card, tile) => {
    // The truth has no values of its own beside itself: the refinement's stand there.
    const name = tile.dataset.name ?? "";
    const predictor = name === "truth" ? names.refined : name;
    const tiles = findAll(".tile", HTMLElement, card);
    const truth = tiles[0];
    const shown = tiles.find((one) => one.dataset.name === predictor);
    if (truth === undefined || shown === undefined) return;
    const light = gallery.dataset.view;
    const other = light === "stage" ? "novel" : "stage";
    const pictures = [
      { from: truth, selector: `.render.in-${light}`, caption: "truth" },
      { from: shown, selector: `.render.in-${light}`, caption: predictor },
      { from: shown, selector: `.map.in-${light}`, caption: "difference (FLIP)" },
      { from: truth, selector: `.render.in-${other}`, caption: "truth, the other light" },
      { from: shown, selector: `.render.in-${other}`, caption: `${predictor}, the other light` },
      { from: shown, selector: `.map.in-${other}`, caption: "difference there" },
    ].map(({ from, selector, caption }) => {
      const image = find(selector, HTMLImageElement, from);
      const className = image.classList.contains("map") ? "map" : "";
      // Long names break after an underscore.
      /** @type {string[]} */
      const words = caption.split(/(?<=_)/);
      const parts = words.flatMap((part) => [part, element("wbr", {})]);
      return element(
        "figure",
        {},
        element("img", { src: image.src, alt: image.alt, className }),
        element("figcaption", {}, ...parts),
      );
    });
    const title = find("h3", HTMLElement, card).textContent;
    find("#detail-title", HTMLElement).textContent = `${title}: ${predictor} and the truth`;
    find(".pictures", HTMLElement, dialog).replaceChildren(...pictures);
    for (const place of findAll(".chosen", HTMLElement, dialog)) place.textContent = predictor;
    const id = card.dataset.image ?? "";
    const image = images[id] ?? { inputs: [], materials: {}, alternatives: [] };
    const { inputs } = image;
    const predictors = [...new Set([predictor, names.refined])];
    find(".colours", HTMLElement, dialog).replaceChildren(
      colours("Base colour", inputs.slice(1, 4), predictors),
      colours("Specular colour", inputs.slice(6, 9), predictors),
    );
    const rows = inputs.map((input) => line(input, predictor, names));
    find("tbody", HTMLElement, dialog).replaceChildren(...rows);
    // A column twice would say nothing.
    dialog.classList.toggle("of-refined", predictor === names.refined);
    dialog.showModal();
    const root = find(".live-root", HTMLElement, dialog);
    const shows = subject(id, image, predictor, names, template);
    view = new LiveView(root, shows, stages, light === "novel" ? 1 : 0);
  };

  gallery.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest(".tile button");
    const card = button && button.closest(".card");
    const tile = button && button.closest(".tile");
    if (card instanceof HTMLElement && tile instanceof HTMLElement) open(card, tile);
  });
  dialog.addEventListener("close", () => view?.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
