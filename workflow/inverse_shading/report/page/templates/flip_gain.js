// Maps of FLIP are grey in the page; a filter makes them brighter by a gain and colours them.

import { find, findAll } from "./dom.js";

/**
 * The gain at a place of the slider: each step doubles it.
 *
 * @param {number} step from 0
 */
export function gainOf(step) {
  return 2 ** step;
}

/**
 * The largest FLIP that has a colour of its own, as text.
 *
 * @param {number} gain
 */
export function brightestFlip(gain) {
  return gain === 1 ? "FLIP 1" : `FLIP ${Number((1 / gain).toPrecision(2))} or more`;
}

/** Let the slider set the gain of all maps. */
export function startFlipGain() {
  const slider = find("#flip-gain", HTMLInputElement);
  const output = find("#flip-gain-output", HTMLOutputElement);
  const scale = find("#flip-brightest", HTMLElement);
  const channels = findAll("#flip-colours .gain > *", SVGElement);

  const update = () => {
    const gain = gainOf(slider.valueAsNumber);
    for (const channel of channels) channel.setAttribute("amplitude", String(gain));
    output.value = `× ${gain}`;
    slider.setAttribute("aria-valuetext", `${gain} times`);
    scale.textContent = brightestFlip(gain);
  };

  slider.addEventListener("input", update);
  update();
}
