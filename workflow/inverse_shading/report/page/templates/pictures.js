// Pictures made of pictures: levels of 255, three a pixel, and what is shown of two of them.

/**
 * Root mean square of two pictures' differences over the pixels that show the object.
 *
 * @param {ArrayLike<number>} one
 * @param {ArrayLike<number>} other
 * @param {ArrayLike<number>} weights above 1/2 where the object is
 */
export function rootMeanSquare(one, other, weights) {
  let sum = 0;
  let count = 0;
  for (let pixel = 0; pixel < weights.length; pixel++) {
    if ((weights[pixel] ?? 0) <= 0.5) continue;
    for (let place = 3 * pixel; place < 3 * pixel + 3; place++) {
      sum += ((one[place] ?? 0) - (other[place] ?? 0)) ** 2;
      count++;
    }
  }
  return Math.sqrt(sum / Math.max(count, 1));
}

/**
 * Differences, channel by channel and brighter by a gain, as RGBA.
 *
 * @param {ArrayLike<number>} one
 * @param {ArrayLike<number>} other
 * @param {number} gain
 */
export function differencePicture(one, other, gain) {
  const pixels = new Uint8ClampedArray((one.length / 3) * 4).fill(255);
  for (let place = 0; place < one.length; place++) {
    const level = gain * Math.abs((one[place] ?? 0) - (other[place] ?? 0));
    pixels[4 * Math.floor(place / 3) + (place % 3)] = level;
  }
  return pixels;
}

/**
 * A picture of levels as RGBA.
 *
 * @param {ArrayLike<number>} levels
 */
export function levelPicture(levels) {
  return differencePicture(levels, [], 1);
}
