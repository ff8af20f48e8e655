// Plotly's figures in the page's own colours, drawn again when those or the width change.

import { find, pageData } from "./dom.js";

// Zoom by dragging and a double click need no bar of buttons.
const CONFIG = { responsive: true, displayModeBar: false };

/**
 * One of the page's colours.
 *
 * @param {string} name
 */
const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * A trace in the colour of its role.
 *
 * @param {any} trace as plotly has it
 */
function paint(trace) {
  const role = trace.meta.role;
  const painted = { ...trace, marker: { ...trace.marker, color: colour(role) } };
  if (trace.type === "bar") painted.insidetextfont = { color: colour(`on-${role}`) };
  for (const bars of ["error_x", "error_y"]) {
    if (trace[bars]) painted[bars] = { ...trace[bars], color: colour(role) };
  }
  return painted;
}

/**
 * A layout in the page's colours and font.
 *
 * @param {any} layout as plotly has it
 * @param {boolean} narrow
 */
function dress(layout, narrow) {
  const dressed = structuredClone(layout);
  const ink = colour("ink");
  const line = colour("line");
  dressed.paper_bgcolor = dressed.plot_bgcolor = "rgba(0,0,0,0)";
  dressed.font = { family: getComputedStyle(document.body).fontFamily, size: 12, color: ink };
  for (const key of Object.keys(dressed).filter((name) => /^[xy]axis\d*$/.test(name))) {
    Object.assign(dressed[key], { gridcolor: line, linecolor: line, fixedrange: narrow });
  }
  for (const annotation of dressed.annotations ?? []) annotation.font = { size: 11.5 };
  dressed.hoverlabel = { bgcolor: colour("card"), bordercolor: line, font: { color: ink } };
  return dressed;
}

/** Draw all figures, and again whenever they should look otherwise. */
export function startPlots() {
  const { Plotly } = /** @type {any} */ (window);
  const figures = pageData("figures");
  const choice = find("#predicted-choice", HTMLSelectElement);
  const note = find("#predicted-note", HTMLElement);
  const narrow = matchMedia("(max-width: 50rem)");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const show = (/** @type {string} */ id, /** @type {any[]} */ data, /** @type {any} */ layout) =>
    Plotly.react(
      find(`#plot-${id}`, HTMLElement),
      data.map(paint),
      dress(layout, narrow.matches),
      CONFIG,
    );

  const draw = () => {
    const { layouts, traces, titles } = figures.predicted;
    const layout = structuredClone(layouts[narrow.matches ? "narrow" : "wide"]);
    layout.annotations.forEach((/** @type {any} */ annotation, /** @type {number} */ index) => {
      annotation.text = titles[choice.value][index];
    });
    const first = choice.selectedIndex === 0;
    note.textContent = (first ? note.dataset.sample : note.dataset.test) ?? "";
    show("predicted", traces[choice.value], layout);
    show("calibration", figures.calibration.data, figures.calibration.layout);
    show("reasons", figures.reasons.data, figures.reasons.layout);
  };

  choice.addEventListener("change", draw);
  for (const query of [narrow, dark]) query.addEventListener("change", draw);
  draw();
}
