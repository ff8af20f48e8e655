// A walk along materials that look alike: what a picture can't decide, to be watched.

// Places among the ten values.
const BASE = 0;
const COLOR = [1, 2, 3];
const SPECULAR = 4;
const TINT = [6, 7, 8];

/**
 * What a picture shows of a material: base and its colour, and specular and its colour, multiplied.
 *
 * @param {ArrayLike<number>} values
 */
function observed(values) {
  const result = Array.from(values);
  for (const place of COLOR) result[place] = (values[place] ?? 0) * (values[BASE] ?? 0);
  for (const place of TINT) result[place] = (values[place] ?? 0) * (values[SPECULAR] ?? 0);
  return result;
}

/**
 * A point between two materials, straight in what a picture shows. Where both look alike, so does it.
 *
 * @param {ArrayLike<number>} from
 * @param {ArrayLike<number>} to
 * @param {number} share from 0 to 1
 * @returns {number[]}
 */
export function between(from, to, share) {
  const [start, end] = [observed(from), observed(to)];
  const values = start.map((value, place) => value + ((end[place] ?? 0) - value) * share);
  const divide = (/** @type {number[]} */ places, /** @type {number} */ factor) => {
    for (const place of places) {
      const other = (from[place] ?? 0) + ((to[place] ?? 0) - (from[place] ?? 0)) * share;
      // Of a factor of 0 the colour doesn't show: any will do.
      values[place] = factor > 0 ? Math.min((values[place] ?? 0) / factor, 1) : other;
    }
  };
  divide(COLOR, values[BASE] ?? 0);
  divide(TINT, values[SPECULAR] ?? 0);
  return values;
}

/**
 * Where a walk round all the materials and back is.
 *
 * @param {ArrayLike<number>[]} stops two or more
 * @param {number} legs gone since the first stop
 */
export function walkAt(stops, legs) {
  const leg = Math.floor(legs);
  const from = stops[leg % stops.length] ?? [];
  const to = stops[(leg + 1) % stops.length] ?? [];
  // Slowly away from a stop and slowly towards the next.
  return between(from, to, (1 - Math.cos(Math.PI * (legs - leg))) / 2);
}
