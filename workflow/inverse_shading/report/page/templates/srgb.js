// sRGB's transfer function, as `scene/srgb.py` has it.

/** @param {number} encoded 0 to 1 */
export function srgbDecode(encoded) {
  return encoded <= 0.04045 ? encoded / 12.92 : ((encoded + 0.055) / 1.055) ** 2.4;
}
