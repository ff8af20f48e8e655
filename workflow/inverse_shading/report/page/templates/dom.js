// Elements of the page: found, made, and the data that the page carries.

/** Milliseconds that a text stands unchanged before it is announced. */
const SETTLED = 1000;

/**
 * The first element that a selector finds.
 *
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} type what it must be
 * @param {ParentNode} root
 * @returns {T}
 */
export function find(selector, type, root = document) {
  const found = root.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${type.name} ${selector}.`);
}

/**
 * All elements that a selector finds.
 *
 * @template {Element} T
 * @param {string} selector
 * @param {new () => T} type what they must be; others are left out
 * @param {ParentNode} root
 * @returns {T[]}
 */
export function findAll(selector, type, root = document) {
  const isOfType = /** @returns {one is T} */ (/** @type {Element} */ one) => one instanceof type;
  return [...root.querySelectorAll(selector)].filter(isOfType);
}

/**
 * A new element with properties and children.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Partial<HTMLElementTagNameMap[K]>} properties
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/**
 * A canvas that shows a square picture.
 *
 * @param {Uint8ClampedArray} pixels RGBA
 */
export function squareCanvas(pixels) {
  const side = Math.sqrt(pixels.length / 4);
  const canvas = element("canvas", { width: side, height: side });
  const image = new ImageData(new Uint8ClampedArray(pixels), side, side);
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

/**
 * A text that is seen as it changes, and announced once it stands: a screen reader would speak each step.
 *
 * @param {HTMLElement} seen in the page or not yet; what is announced comes after it
 * @returns {(text: string) => void} sets the text
 */
export function statusLine(seen) {
  const spoken = element("span", { className: "unseen" });
  spoken.setAttribute("role", "status");
  seen.ariaHidden = "true";
  seen.after(spoken);
  let timer = 0;
  return (text) => {
    if (seen.textContent === text) return;
    seen.textContent = text;
    clearTimeout(timer);
    timer = window.setTimeout(() => (spoken.textContent = text), SETTLED);
  };
}

/**
 * Data that the page carries as JSON.
 *
 * @param {string} name that of the element without its "data-"
 * @returns {any}
 */
export function pageData(name) {
  return JSON.parse(find(`#data-${name}`, HTMLScriptElement).text);
}
