import assert from "node:assert/strict";
import test from "node:test";

import {
  brightestFlip,
  gainOf,
} from "../../../../workflow/inverse_shading/report/page/templates/flip_gain.js";

test("each step of the slider doubles the gain", () => {
  assert.deepEqual([0, 1, 7].map(gainOf), [1, 2, 128]);
});

test("the scale's end is the FLIP that the gain makes brightest", () => {
  assert.equal(brightestFlip(1), "FLIP 1");
  assert.equal(brightestFlip(4), "FLIP 0.25 or more");
  assert.equal(brightestFlip(128), "FLIP 0.0078 or more");
});
