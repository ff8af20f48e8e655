import assert from "node:assert/strict";
import test from "node:test";

import {
  coarseToFine,
  offPole,
  unfold,
  unpackColumns,
} from "../../../../workflow/inverse_shading/report/page/templates/live_renderer.js";
import {
  differencePicture,
  rootMeanSquare,
} from "../../../../workflow/inverse_shading/report/page/templates/pictures.js";
import {
  srgbDecode,
  srgbEncode,
} from "../../../../workflow/inverse_shading/report/page/templates/srgb.js";

test("columns are sums of their differences, of one byte or two", () => {
  // 1, 0, 255 as bytes; then 1, 257, 256 as low bytes 1, 0, 255 and high bytes 0, 1, 255.
  const bytes = Uint8Array.from([1, 255, 255, 1, 0, 255, 0, 1, 255]);
  const columns = unpackColumns(bytes, [["b", "uint8", 1, 3], ["a", "uint16", 1, 3]]);
  assert.deepEqual(Array.from(columns.b[0]), [1, 0, 255]);
  assert.deepEqual(Array.from(columns.a[0]), [1, 257, 256]);
});

test("the unfolded sphere's corners are one point, and its middle the other", () => {
  for (const x of [0, 65535]) for (const y of [0, 65535]) {
    const [u, v, z] = unfold(x, y);
    assert.ok(Math.abs(u) < 1e-9 && Math.abs(v) < 1e-9 && z === -1);
  }
  assert.ok(unfold(32768, 32767)[2] > 0.99);
});

test("a normal at a pole of the light looks it up where the stage's renderer does, and no other moves", () => {
  for (const y of [-1, 1]) {
    const [x, up, z] = offPole([1 / 65535, y, -1 / 65535]);
    // After the light's half turn.
    assert.equal(Math.atan2(-x, z), 0.75 * Math.PI);
    assert.equal(up, y);
  }
  assert.deepEqual(offPole([0.001, 1, 0]), [0.001, 1, 0]);
});

test("each square has one pixel of the coarse picture, and all pixels come once", () => {
  const size = 20;
  const places = Uint32Array.from(
    [...Array(size * size).keys()].filter((place) => (place * 7) % 5 !== 0),
  );
  const { order, counts, stands } = coarseToFine(places, size);
  assert.deepEqual([...order].sort((a, b) => a - b), [...places.keys()]);
  assert.deepEqual([counts[0], counts.at(-1)], [9, places.length]);
  assert.ok(stands[0].every((place) => place < 9));
  stands.at(-1).forEach((place, index) => assert.equal(order[place], index));
});

test("light is encoded by sRGB's transfer function, and decoded again", () => {
  assert.equal(srgbEncode(-1), 0);
  assert.ok(Math.abs(srgbEncode(2) - 1) < 1e-9);
  assert.ok(Math.abs(srgbEncode(0.2140411) - 0.5) < 1e-5);
  for (const light of [0.001, 0.3]) assert.ok(Math.abs(srgbDecode(srgbEncode(light)) - light) < 1e-9);
});

test("differences count where the object is, and are shown with a gain", () => {
  const [one, other] = [[10, 10, 10, 0, 0, 0], [13, 10, 6, 90, 0, 0]];
  assert.ok(Math.abs(rootMeanSquare(one, other, [1, 0]) - Math.sqrt(25 / 3)) < 1e-12);
  assert.deepEqual([...differencePicture(one, other, 4)], [12, 0, 16, 255, 255, 0, 0, 255]);
});
