// Plotly's figures in the page's own colours, drawn again when those or the width change.
"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("data-figures").textContent);
  const choice = document.getElementById("predicted-choice");
  const note = document.getElementById("predicted-note");
  const narrow = matchMedia("(max-width: 50rem)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // Zoom by dragging and a double click need no bar of buttons.
  const config = { responsive: true, displayModeBar: false };

  const colour = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  const paint = (trace) => {
    const role = trace.meta.role;
    const painted = { ...trace, marker: { ...trace.marker, color: colour(role) } };
    if (trace.type === "bar") painted.insidetextfont = { color: colour(`on-${role}`) };
    for (const bars of ["error_x", "error_y"]) {
      if (trace[bars]) painted[bars] = { ...trace[bars], color: colour(role) };
    }
    return painted;
  };

  const dress = (layout) => {
    const dressed = structuredClone(layout);
    dressed.paper_bgcolor = dressed.plot_bgcolor = "rgba(0,0,0,0)";
    dressed.font = { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("ink") };
    for (const key of Object.keys(dressed).filter((name) => /^[xy]axis\d*$/.test(name))) {
      Object.assign(dressed[key], { gridcolor: colour("line"), linecolor: colour("line"), fixedrange: narrow.matches });
    }
    for (const annotation of dressed.annotations ?? []) annotation.font = { size: 11.5 };
    dressed.hoverlabel = { bgcolor: colour("card"), bordercolor: colour("line"), font: { color: colour("ink") } };
    return dressed;
  };

  const show = (id, data, layout) =>
    Plotly.react(document.getElementById(`plot-${id}`), data.map(paint), dress(layout), config);

  const draw = () => {
    const { layouts, traces, titles } = figures.predicted;
    const layout = structuredClone(layouts[narrow.matches ? "narrow" : "wide"]);
    layout.annotations.forEach((annotation, index) => {
      annotation.text = titles[choice.value][index];
    });
    const first = choice.selectedIndex === 0;
    note.textContent = first ? note.dataset.sample : note.dataset.test;
    show("predicted", traces[choice.value], layout);
    show("calibration", figures.calibration.data, figures.calibration.layout);
    show("reasons", figures.reasons.data, figures.reasons.layout);
  };

  choice.addEventListener("change", draw);
  for (const query of [narrow, dark]) query.addEventListener("change", draw);
  draw();
})();
