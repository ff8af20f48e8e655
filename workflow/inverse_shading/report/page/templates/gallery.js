// The gallery: its order, which images and predictors it shows, and in which light.

import { find, findAll, pageData } from "./dom.js";
import { startDetail } from "./detail.js";
import { chooseImages } from "./order.js";

/** Let the controls choose, and images open. */
export function startGallery() {
  const gallery = find(".cards", HTMLElement);
  const controls = find("#gallery-controls", HTMLFormElement);
  const status = find("#gallery-status", HTMLElement);
  const images = pageData("images");
  const cards = new Map(
    findAll(".card", HTMLElement, gallery).map((card) => [card.dataset.image, card]),
  );
  const boxes = findAll("input[name=shown]", HTMLInputElement, controls);

  const update = () => {
    const chosen = new FormData(controls);
    const choice = {
      kind: String(chosen.get("kind")),
      predictor: String(chosen.get("predictor")),
      measure: String(chosen.get("measure")),
      order: String(chosen.get("order")),
    };
    const ids = chooseImages(images, choice);
    for (const card of cards.values()) card.hidden = true;
    for (const id of ids) {
      const card = cards.get(id);
      if (card === undefined) continue;
      card.hidden = false;
      gallery.append(card);
    }
    gallery.dataset.view = String(chosen.get("view"));
    gallery.classList.toggle("plain", !chosen.has("maps"));
    const shown = new Set(["truth", ...chosen.getAll("shown")]);
    for (const tile of findAll(".tile", HTMLElement, gallery)) {
      tile.hidden = !shown.has(tile.dataset.name ?? "");
    }
    status.textContent = `${ids.length} of ${cards.size} images, ${choice.order} first`;
  };

  // A phone has room for three tiles in a row: the truth and two predictors.
  const third = boxes[2];
  if (matchMedia("(max-width: 40rem)").matches && third) third.checked = false;

  controls.addEventListener("change", update);
  controls.addEventListener("submit", (event) => event.preventDefault());
  startDetail(gallery, images);
  update();
}
