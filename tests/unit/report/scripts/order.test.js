import assert from "node:assert/strict";
import test from "node:test";

import {
  chooseImages,
  compareKeys,
} from "../../../../workflow/inverse_shading/report/page/templates/order.js";

const images = {
  first: { kinds: ["metal"], errors: { good: { flip: 0.3, mse: 1 } } },
  second: { kinds: ["dark", "metal"], errors: { good: { flip: 0.1, mse: 2 } } },
  third: { kinds: [], errors: { good: { flip: 0.2, mse: 3 } } },
};
const choice = { kind: "", predictor: "good", measure: "flip", order: "worst" };

test("images are sorted by the error that is chosen, either way", () => {
  assert.deepEqual(chooseImages(images, choice), ["first", "third", "second"]);
  assert.deepEqual(chooseImages(images, { ...choice, order: "best" }), ["second", "third", "first"]);
  assert.deepEqual(chooseImages(images, { ...choice, measure: "mse" }), ["third", "second", "first"]);
});

test("a kind of material leaves the images of others out", () => {
  assert.deepEqual(chooseImages(images, { ...choice, kind: "metal" }), ["first", "second"]);
  assert.deepEqual(chooseImages(images, { ...choice, kind: "dark" }), ["second"]);
  assert.deepEqual(chooseImages(images, { ...choice, kind: "rough" }), []);
});

test("rows of another sample stand below, and rows without a value below those, whichever way", () => {
  const keys = [
    { value: null, apart: false },
    { value: 0.1, apart: true },
    { value: 0.3, apart: false },
    { value: 0.05, apart: true },
    { value: 0.2, apart: false },
  ];
  const sorted = (sign) => keys.toSorted((a, b) => compareKeys(a, b, sign)).map((key) => key.value);
  assert.deepEqual(sorted(1), [0.2, 0.3, 0.05, 0.1, null]);
  assert.deepEqual(sorted(-1), [0.3, 0.2, 0.1, 0.05, null]);
});

test("text is sorted as text", () => {
  const of = (value) => ({ value, apart: false });
  assert.ok(compareKeys(of("ridge"), of("constant"), 1) > 0);
  assert.ok(compareKeys(of("ridge"), of("constant"), -1) < 0);
});
