// The gallery: its order, which predictors it shows, and the dialog with an image's ten values.
"use strict";
(() => {
  const gallery = document.querySelector(".cards");
  const controls = document.getElementById("gallery-controls");
  const dialog = document.getElementById("detail");
  const ranges = JSON.parse(document.getElementById("data-ranges").textContent);
  const names = JSON.parse(document.getElementById("data-names").textContent);

  const errorsOf = (card, predictor) => {
    const tile = [...card.querySelectorAll(".tile")].find((one) => one.dataset.name === predictor);
    return JSON.parse(tile.dataset.errors);
  };

  const update = () => {
    const { measure, predictor, order, view, maps } = controls.elements;
    const sign = order.value === "worst" ? -1 : 1;
    const cards = [...gallery.children].map((card) => [
      errorsOf(card, predictor.value)[measure.value],
      card,
    ]);
    cards.sort(([a], [b]) => sign * (a - b));
    for (const [, card] of cards) gallery.append(card);
    gallery.dataset.view = view.value;
    gallery.classList.toggle("plain", !maps.checked);
    const shown = new Set(["truth"]);
    for (const box of controls.querySelectorAll("input[name=shown]")) {
      if (box.checked) shown.add(box.value);
    }
    for (const tile of gallery.querySelectorAll(".tile")) {
      tile.hidden = !shown.has(tile.dataset.name);
    }
    const text = order.selectedOptions[0].textContent;
    document.getElementById("gallery-status").textContent = `${cards.length} images, ${text}`;
  };

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  const mark = (kind, left, width) => {
    const made = element("i", { className: kind });
    made.style.left = `${100 * left}%`;
    if (width !== undefined) made.style.width = `${100 * width}%`;
    return made;
  };

  const number = (value) => value.toFixed(3);

  const line = (input, predictor) => {
    const guess = input.guesses[predictor];
    const track = element(
      "span",
      { className: "track", ariaHidden: "true" },
      mark(`bar ${input.reason || "determined"}`, input.low, input.high - input.low),
      mark("true", input.true),
      mark("other", Math.min(Math.max(guess, 0), 1)),
    );
    const reason = input.reason ? `: ${names.reasons[input.reason].toLowerCase()}` : "";
    const row = element("tr", {}, element("th", { scope: "row", textContent: input.label }));
    for (const text of [
      number(input.true),
      number(guess),
      number(input.guesses[names.refined]),
      `${number(input.low)} – ${number(input.high)}`,
    ]) {
      row.append(element("td", { textContent: text }));
    }
    row.append(element("td", { className: "text", title: `the range${reason}` }, track));
    return row;
  };

  const open = (card, tile) => {
    // The truth has no values of its own beside itself: the refinement's stand there.
    const predictor = tile.dataset.name === "truth" ? names.refined : tile.dataset.name;
    const shown = [...card.querySelectorAll(".tile")].find((one) => one.dataset.name === predictor);
    const truth = card.querySelector(".tile");
    const view = gallery.dataset.view;
    const other = view === "stage" ? "novel" : "stage";
    const pictures = [
      [truth.querySelector(`.render.in-${view}`), "truth"],
      [shown.querySelector(`.render.in-${view}`), predictor],
      [shown.querySelector(`.map.in-${view}`), "difference (FLIP)"],
      [truth.querySelector(`.render.in-${other}`), "truth, the other light"],
      [shown.querySelector(`.render.in-${other}`), `${predictor}, the other light`],
      [shown.querySelector(`.map.in-${other}`), "difference there"],
    ].map(([image, caption]) =>
      element(
        "figure",
        {},
        element("img", { src: image.src, alt: image.alt }),
        element("figcaption", { textContent: caption }),
      ),
    );
    const title = card.querySelector("h3").textContent;
    document.getElementById("detail-title").textContent = `${title}: ${predictor} and the truth`;
    dialog.querySelector(".pictures").replaceChildren(...pictures);
    for (const place of dialog.querySelectorAll(".chosen")) place.textContent = predictor;
    const rows = ranges[card.dataset.image].map((input) => line(input, predictor));
    dialog.querySelector("tbody").replaceChildren(...rows);
    // A column twice would say nothing.
    dialog.classList.toggle("of-refined", predictor === names.refined);
    dialog.showModal();
  };

  // A phone has room for three tiles in a row: the truth and two predictors.
  const boxes = controls.querySelectorAll("input[name=shown]");
  if (matchMedia("(max-width: 40rem)").matches && boxes.length > 2) boxes[2].checked = false;

  controls.addEventListener("change", update);
  controls.addEventListener("submit", (event) => event.preventDefault());
  gallery.addEventListener("click", (event) => {
    const button = event.target.closest(".tile button");
    if (button) open(button.closest(".card"), button.closest(".tile"));
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  update();
})();
