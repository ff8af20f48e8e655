// What an image can show of a material, as `material/observable.py` has it: nine numbers u instead of ten
// inputs. While a material is sought `base` is 1 and the unknowns x are the other nine inputs.

/** Unknowns, and as many components of u. */
export const UNKNOWNS = 9;

// Places in x; u has the products of weight and colour first: base's, specular's, then the three others.
const [X_SPECULAR, X_ROUGHNESS, X_SPECULAR_COLOR, X_METALNESS] = [3, 4, 5, 8];

/** Place of specular in u, on which derivatives by u hardly depend. */
export const U_SPECULAR = 6;

/**
 * x of ten inputs.
 *
 * @param {readonly number[]} values
 */
export function unknowns(values) {
  const [base = 0, ...rest] = values;
  return rest.map((value, place) => (place < 3 ? base * value : value));
}

/**
 * u of x.
 *
 * @param {readonly number[]} x
 */
export function observables(x) {
  const [r = 0, g = 0, b = 0, specular = 0, roughness = 0, ...rest] = x;
  const [tintR = 0, tintG = 0, tintB = 0, metalness = 0] = rest;
  const tints = [tintR, tintG, tintB].map((tint) => specular * tint);
  return [r, g, b, ...tints, specular, roughness, metalness];
}

/**
 * du/dx at x, a row a component of u.
 *
 * @param {readonly number[]} x
 */
export function observablesDerivative(x) {
  return derivative((set) => {
    for (let c = 0; c < 3; c++) {
      set(3 + c, X_SPECULAR_COLOR + c, x[X_SPECULAR] ?? 0);
      set(3 + c, X_SPECULAR, x[X_SPECULAR_COLOR + c] ?? 0);
    }
  }, false);
}

/**
 * dx/du at x, a row an unknown. Its specular is more than 0, see `divisible`.
 *
 * @param {readonly number[]} x
 */
export function unknownsDerivative(x) {
  const specular = x[X_SPECULAR] ?? 1;
  return derivative((set) => {
    for (let c = 0; c < 3; c++) {
      set(X_SPECULAR_COLOR + c, 3 + c, 1 / specular);
      set(X_SPECULAR_COLOR + c, U_SPECULAR, -(x[X_SPECULAR_COLOR + c] ?? 0) / specular);
    }
  }, true);
}

/**
 * x with its specular raised to what can be divided by, and the colour lowered to the same products.
 *
 * @param {readonly number[]} x
 * @param {number} least specular: below it a reflection is too weak for its colour to be divided out of it
 */
export function divisible(x, least) {
  const specular = Math.max(x[X_SPECULAR] ?? 0, least);
  const share = (x[X_SPECULAR] ?? 0) / specular;
  return x.map((value, place) => {
    if (place === X_SPECULAR) return specular;
    return place >= X_SPECULAR_COLOR && place < X_METALNESS ? value * share : value;
  });
}

/**
 * The ten inputs of x whose `base` is the mean of all that look the same.
 *
 * @param {readonly number[]} x
 */
export function material(x) {
  const largest = Math.max(...x.slice(0, 3));
  const base = (2 * largest) / (1 + largest);
  // Where base or specular is 0 the colour under it can't be seen.
  const colour = x.slice(0, 3).map((product) => (base > 0 ? Math.min(product / base, 1) : 0.5));
  const tint = x.slice(X_SPECULAR_COLOR, X_METALNESS).map((value) => (x[X_SPECULAR] ? value : 0.5));
  return [base, ...colour, x[X_SPECULAR] ?? 0, x[X_ROUGHNESS] ?? 0, ...tint, x[X_METALNESS] ?? 0];
}

/**
 * The ten inputs that look as a network means that answers means: base_color is lowered so that its
 * product with base is the image's, see `observable.guessed_materials`.
 *
 * @param {readonly number[]} means
 */
export function guessedMaterial(means) {
  const [mean = 0, ...rest] = means;
  const largest = mean / (2 - mean);
  const inverse = (2 * (1 + largest + largest ** 2)) / (3 * largest * (1 + largest));
  const products = rest.slice(0, 3).map((value) => (largest > 0 ? Math.min(value / inverse, 1) : 0));
  const base = Math.max(mean, ...products);
  return [base, ...products.map((value) => (base > 0 ? value / base : 0.5)), ...rest.slice(3)];
}

/**
 * A matrix that is the identity but for what `fill` sets; between specular and the other inputs' places.
 *
 * @param {(set: (row: number, column: number, value: number) => void) => void} fill
 * @param {boolean} ofUnknowns whether rows are unknowns and columns components of u
 */
function derivative(fill, ofUnknowns) {
  const matrix = Array.from({ length: UNKNOWNS }, () => new Array(UNKNOWNS).fill(0));
  const set = (/** @type {number} */ row, /** @type {number} */ column, /** @type {number} */ value) => {
    /** @type {number[]} */ (matrix[row])[column] = value;
  };
  for (const [u, x] of [[0, 0], [1, 1], [2, 2], [U_SPECULAR, X_SPECULAR], [7, X_ROUGHNESS], [8, X_METALNESS]]) {
    set(/** @type {number} */ (ofUnknowns ? x : u), /** @type {number} */ (ofUnknowns ? u : x), 1);
  }
  fill(set);
  return matrix;
}
