// sRGB's transfer function, as `scene/srgb.py` has it.

/** @param {number} linear clipped to 0 … 1 */
export function srgbEncode(linear) {
  const light = Math.min(Math.max(linear, 0), 1);
  return light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** @param {number} encoded 0 to 1 */
export function srgbDecode(encoded) {
  return encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
}
