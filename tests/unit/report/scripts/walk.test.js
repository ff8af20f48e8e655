import assert from "node:assert/strict";
import test from "node:test";

import { between, walkAt } from "../../../../workflow/inverse_shading/report/page/templates/walk.js";

const dim = [0.5, 0.8, 0.6, 0.4, 0.2, 0.3, 0.5, 0.4, 0.1, 0];
const bright = [0.8, 0.5, 0.375, 0.25, 0.4, 0.3, 0.25, 0.2, 0.05, 0];

test("products that both materials have stay on the way", () => {
  for (const share of [0, 0.3, 1]) {
    const values = between(dim, bright, share);
    assert.ok(Math.abs(values[0] * values[1] - 0.4) < 1e-12);
    assert.ok(Math.abs(values[4] * values[6] - 0.1) < 1e-12);
  }
  assert.ok(Math.abs(between(dim, bright, 0.5)[0] - 0.65) < 1e-12);
});

test("colours of a factor of 0 are in between", () => {
  const values = between([0, 0.2, ...dim.slice(2)], [0, 0.4, ...dim.slice(2)], 0.5);
  assert.ok(Math.abs(values[1] - 0.3) < 1e-12);
});

test("a walk visits all stops and comes back", () => {
  const close = (a, b) => a.every((value, place) => Math.abs(value - b[place]) < 1e-9);
  assert.ok(close(walkAt([dim, bright], 0), dim));
  assert.ok(close(walkAt([dim, bright], 1), bright));
  assert.ok(close(walkAt([dim, bright], 2), dim));
});
