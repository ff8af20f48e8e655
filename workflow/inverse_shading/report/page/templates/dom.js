// Elements of the page: found, made, and the data that the page carries.

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
 * Data that the page carries as JSON.
 *
 * @param {string} name that of the element without its "data-"
 * @returns {any}
 */
export function pageData(name) {
  return JSON.parse(find(`#data-${name}`, HTMLScriptElement).text);
}
