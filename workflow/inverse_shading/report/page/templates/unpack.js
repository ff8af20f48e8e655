// Arrays that the page carries: deflated bytes in base64.

/** @param {string} text base64 */
export function decodeBase64(text) {
  const signs = atob(text);
  const bytes = new Uint8Array(signs.length);
  for (let i = 0; i < signs.length; i++) bytes[i] = signs.charCodeAt(i);
  return bytes;
}

/**
 * @param {string} text base64 of deflated bytes
 * @returns {Promise<ArrayBuffer>}
 */
export async function unpack(text) {
  const packed = new Blob([decodeBase64(text)]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/**
 * Whole numbers of 24 bits, their sign the lowest: all lower bytes, then all middle ones, then all upper ones.
 *
 * @param {Uint8Array} bytes
 */
export function wholeNumbers(bytes) {
  const count = bytes.length / 3;
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const upper = ((bytes[2 * count + i] ?? 0) << 16) | ((bytes[count + i] ?? 0) << 8);
    const signed = upper | (bytes[i] ?? 0);
    numbers[i] = (signed >> 1) ^ -(signed & 1);
  }
  return numbers;
}
