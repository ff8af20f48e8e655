// Bounded least squares, as `inversion/least_squares.py` uses them: unknowns in [0, 1], few points.

/**
 * What a step depends on: JᵀJ and Jᵀr of derivatives J and residuals r.
 *
 * @typedef {{hessian: number[][], gradient: number[]}} Normals
 *
 * @typedef {{
 *   residuals: (x: number[]) => Promise<ArrayLike<number>>,
 *   normals: (x: number[], residuals: ArrayLike<number>) => Promise<Normals>,
 * }} Problem
 */

// Damping (Marquardt 1963) where the search starts, and from where on it gives up.
const DAMPING = 1e-3;
const MOST_DAMPING = 1e6;

/**
 * Where the sum of squared residuals is least, by Levenberg's and Marquardt's method within bounds.
 *
 * @param {Problem} problem
 * @param {readonly number[]} start
 * @param {{gain: number, points: number}} end the search ends when a step gains less than a share of the
 *   cost, or after so many points
 * @returns {Promise<{x: number[], residuals: ArrayLike<number>}>}
 */
export async function fit({ residuals, normals }, start, { gain, points }) {
  let x = [...start];
  let found = await residuals(x);
  let cost = squares(found);
  let damping = DAMPING;
  let here = await normals(x, found);
  for (let point = 1; point < points && damping < MOST_DAMPING; point++) {
    const next = boundedStep(here, x, damping);
    // Nor is a point worth its cost from which not even the quadratic expects as much.
    if (expectedGain(here, next.map((value, i) => value - at(x, i))) < gain * cost) break;
    const there = await residuals(next);
    const change = cost - squares(there);
    if (!(change > 0)) {
      damping *= 8;
      continue;
    }
    x = next;
    found = there;
    const ends = change < gain * cost;
    cost -= change;
    damping = Math.max(damping / 8, 1e-9);
    if (ends || point + 1 === points) break;
    here = await normals(x, found);
  }
  return { x, residuals: found };
}

/**
 * The point where the damped quadratic is least, on the bounds where it would be beyond.
 *
 * @param {Normals} normals
 * @param {readonly number[]} x
 * @param {number} damping
 */
export function boundedStep({ hessian, gradient }, x, damping) {
  const places = x.map((_, place) => place);
  const damped = hessian.map((row, i) =>
    row.map((value, j) => value + (i === j ? damping * value + 1e-12 : 0)),
  );
  const step = x.map(() => 0);
  // On a bound and driven outwards: stays there.
  let free = places.filter((i) => !(at(x, i) <= 0 && at(gradient, i) > 0) && !(at(x, i) >= 1 && at(gradient, i) < 0));
  while (free.length > 0) {
    const fixed = places.filter((i) => !free.includes(i));
    const right = free.map(
      (i) => -at(gradient, i) - fixed.reduce((sum, j) => sum + at(at(damped, i), j) * at(step, j), 0),
    );
    const solved = solve(free.map((i) => free.map((j) => at(at(damped, i), j))), right);
    for (const [k, i] of free.entries()) step[i] = at(solved, k);
    // The one that would be furthest beyond, in units of its way to the bound, stays on it.
    const room = (/** @type {number} */ i) => (at(step, i) < 0 ? 0 : 1) - at(x, i);
    const reach = (/** @type {number} */ i) => at(step, i) / room(i);
    const furthest = free.reduce((i, j) => (reach(j) > reach(i) ? j : i));
    if (!(reach(furthest) > 1)) break;
    step[furthest] = room(furthest);
    free = free.filter((i) => i !== furthest);
  }
  return x.map((value, i) => Math.min(Math.max(value + at(step, i), 0), 1));
}

/**
 * By how much the undamped quadratic lowers the sum of squared residuals.
 *
 * @param {Normals} normals
 * @param {readonly number[]} step
 */
function expectedGain({ hessian, gradient }, step) {
  return step.reduce((gain, value, i) => {
    const slope = at(hessian, i).reduce((sum, entry, j) => sum + entry * at(step, j), 0);
    return gain - value * (2 * at(gradient, i) + slope);
  }, 0);
}

/**
 * Solve a symmetric positive definite system by Cholesky's decomposition.
 *
 * @param {readonly (readonly number[])[]} matrix
 * @param {readonly number[]} right
 * @returns {number[]}
 */
function solve(matrix, right) {
  const size = right.length;
  /** @type {number[][]} */
  const lower = [];
  const inner = (/** @type {number} */ i, /** @type {number} */ j) => {
    let sum = at(at(matrix, i), j);
    for (let k = 0; k < j; k++) sum -= at(at(lower, i), k) * at(at(lower, j), k);
    return sum;
  };
  for (let i = 0; i < size; i++) {
    lower.push(new Array(size).fill(0));
    for (let j = 0; j < i; j++) at(lower, i)[j] = inner(i, j) / at(at(lower, j), j);
    at(lower, i)[i] = Math.sqrt(Math.max(inner(i, i), 1e-30));
  }
  const result = [...right];
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) result[i] = at(result, i) - at(at(lower, i), k) * at(result, k);
    result[i] = at(result, i) / at(at(lower, i), i);
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) result[i] = at(result, i) - at(at(lower, k), i) * at(result, k);
    result[i] = at(result, i) / at(at(lower, i), i);
  }
  return result;
}

/** @param {ArrayLike<number>} values */
export function squares(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] ?? 0) ** 2;
  return sum;
}

/**
 * @template T
 * @param {ArrayLike<T>} values
 * @param {number} index within them
 */
function at(values, index) {
  return /** @type {T} */ (values[index]);
}
