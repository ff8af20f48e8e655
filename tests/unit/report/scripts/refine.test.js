import assert from "node:assert/strict";
import test from "node:test";

import { boundedStep, fit } from "../../../../workflow/inverse_shading/report/page/templates/least_squares.js";
import {
  divisible,
  guessedMaterial,
  material,
  observables,
  observablesDerivative,
  unknowns,
  unknownsDerivative,
} from "../../../../workflow/inverse_shading/report/page/templates/observable.js";
import { Refiner } from "../../../../workflow/inverse_shading/report/page/templates/refine.js";
import { StageView } from "../../../../workflow/inverse_shading/report/page/templates/stage_view.js";

const near = (found, expected, tolerance) =>
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]) <= tolerance, `${found} for ${expected}`));

// Rosenbrock's valley, which ends at (1, 1), with a scale of its own for each unknown.
const valley = (x, y) => ({
  residuals: async ([a, b]) => [10 * (b / y - (a / x) ** 2), 1 - a / x],
  normals: async ([a], residuals) => {
    const j = [[(-20 * a) / x ** 2, 10 / y], [-1 / x, 0]];
    const column = (i) => j.map((row) => row[i]);
    const dot = (p, q) => p.reduce((sum, value, i) => sum + value * q[i], 0);
    return {
      hessian: [0, 1].map((i) => [0, 1].map((k) => dot(column(i), column(k)))),
      gradient: [0, 1].map((i) => dot(column(i), residuals)),
    };
  },
});

test("least squares end in the valley, and on the bound where it leaves [0, 1]", async () => {
  const end = { gain: 1e-9, points: 100 };
  near((await fit(valley(0.5, 0.01), [0.1, 0.9], end)).x, [0.5, 0.01], 1e-4);
  // Of b at most 1 and the valley at b = 2a², a is where both residuals balance.
  const { x, residuals } = await fit(valley(1, 0.5), [0.1, 0.9], end);
  near(x, [1, 0.5], 1e-3);
  near(residuals, [0, 0], 1e-3);
  const bounded = await fit(valley(2, 4), [0.2, 0.2], end);
  assert.ok(bounded.x.every((value) => value >= 0 && value <= 1));
  near([bounded.x[0]], [1], 1e-9);
});

test("least squares end after so many points", async () => {
  let points = 0;
  const { residuals, normals } = valley(0.5, 0.5);
  const counted = async (x) => (points++, residuals(x));
  await fit({ residuals: counted, normals }, [0.1, 0.9], { gain: 0, points: 4 });
  assert.equal(points, 4);
});

test("a step that leaves the bounds ends on them, the others' best given that", () => {
  const normals = { hessian: [[2, 1], [1, 2]], gradient: [-10, 0] };
  // The first goes to 1, 0.5 further; the second then minimises: 2 s + 0.5 = 0.
  near(boundedStep(normals, [0.5, 0.5], 0), [1, 0.25], 1e-9);
});

test("derivatives by u and by x undo each other, and unknowns make their material", () => {
  const x = divisible([0.4, 0.3, 0.2, 0.5, 0.3, 0.9, 0.6, 0.7, 0.1], 0.05);
  const [a, b] = [observablesDerivative(x), unknownsDerivative(x)];
  const product = a.map((row) => b[0].map((_, j) => row.reduce((sum, v, k) => sum + v * b[k][j], 0)));
  product.forEach((row, i) => near(row, row.map((_, j) => Number(i === j)), 1e-12));
  near(unknowns(material(x)), x, 1e-12);
  near(observables(divisible([0, 0, 0, 0.01, 0, 1, 1, 1, 0], 0.05)), observables([0, 0, 0, 0.05, 0, 0.2, 0.2, 0.2, 0]), 1e-12);
});

test("what a network answers means the products that it was taught", () => {
  // Means of base and base_color given the products 0.4, 0.2, 0.1.
  const inverse = (2 * (1 + 0.4 + 0.16)) / (3 * 0.4 * 1.4);
  const means = [0.8 / 1.4, 0.4 * inverse, 0.2 * inverse, 0.1 * inverse, 0.5, 0.3, 1, 1, 1, 0];
  near(unknowns(guessedMaterial(means)).slice(0, 3), [0.4, 0.2, 0.1], 1e-9);
});

// A ball of 24 pixels across before grey, shaded by formulas that depend on each input in another way.
const side = 48;
const places = [];
for (let place = 0; place < side * side; place++) {
  const [row, column] = [Math.trunc(place / side) - 23.5, (place % side) - 23.5];
  if (Math.hypot(row, column) < 18) places.push(place);
}
const shade = (values, place) => {
  const [row, column] = [(Math.trunc(place / side) - 23.5) / 18, ((place % side) - 23.5) / 18];
  const up = Math.sqrt(Math.max(1 - row * row - column * column, 0));
  const [base, , , , specular, roughness, , , , metalness] = values;
  return [0, 1, 2].map((c) => {
    const lobe = Math.exp(-((row - 0.2) ** 2 + (column + 0.1 * c) ** 2) / (0.02 + roughness * 0.5));
    const diffuse = base * values[1 + c] * (up + 0.2) * (1 - metalness) * (1 - 0.2 * specular);
    const mirror = base * values[1 + c] * metalness * (lobe + 0.1 * (1 - up));
    return 180 * (diffuse + mirror + specular * values[6 + c] * (1 - metalness) * 0.4 * lobe);
  });
};
const stage = {
  size: side,
  places: Uint32Array.from(places),
  // Flat as far as these normals say.
  surface: [0, 1, 2].map(() => new Float32Array(3 * places.length).fill(1)),
  background: new Uint8ClampedArray(4 * side * side).fill(110),
  framing: { size: 24, filter: "lanczos", box: [3, 3, 45, 45] },
};
const settings = {
  pixels: { stride: 2, fewest: 30, smooth: 0.01, wholly: 0.999, reach: 4 },
  step: 0.005, tolerance: 0.6, margin: 0.01, hopeless: 8, looks_alike: 4, same: 0.02, near: 0.01, least_specular: 0.05,
  moved_together: [[0, 1, 2], [3], [4], [5, 6, 7], [8]],
  coarse: { gain: 1e-4, points: 40 }, fine: { gain: 1e-5, points: 20 },
  starts: [[0.5, 0.5, 0.5, 0.5, 0.3, 0.5, 0.5, 0.5, 0.5], [0.3, 0.3, 0.3, 0.5, 0.3, 0.5, 0.5, 0.5, 0.1]],
};
const truth = [0.8, 0.7, 0.4, 0.2, 0.7, 0.3, 0.9, 0.6, 0.7, 0.3];

const picture = async () => {
  const view = new StageView(stage);
  const renderer = { levels: (values, covered) => Float32Array.from([...covered].flatMap((i) => shade(values, places[i]))) };
  const refiner = new Refiner(renderer, view, settings);
  const target = await refiner.image(truth);
  return { refiner, framed: { image: Uint8ClampedArray.from(target), target, weights: view.weights, placement: "framed" } };
};

test("a search finds the material whose render is the picture, from near and from far", async () => {
  const { refiner, framed } = await picture();
  for (const guess of [[0.7, 0.6, 0.5, 0.3, 0.5, 0.4, 0.7, 0.7, 0.7, 0.2], [1, 0.5, 0.5, 0.5, 0.5, 0.3, 0.5, 0.5, 0.5, 0.5]]) {
    const passes = new Set();
    const found = await refiner.refine(framed, guess, { progress: ({ pass }) => passes.add(pass) });
    assert.ok(found.rms < 0.3 && found.converged, `${found.rms}`);
    // All but specular itself, which shows little beside its products.
    const seen = (values) => observables(unknowns(values)).toSpliced(6, 1);
    near(seen(found.values), seen(truth), 0.05);
    assert.deepEqual([...passes], ["sparse pixels", "whole image"]);
  }
});

test("a search is given up when it is told so", async () => {
  const { refiner, framed } = await picture();
  const controller = new AbortController();
  const search = refiner.refine(framed, truth, {
    signal: controller.signal,
    progress: () => controller.abort(new Error("enough")),
  });
  await assert.rejects(search, /enough/);
});
