// A stage rendered by the browser: MaterialX's own shader in WebGL 2, on the stage's own surface and light.
//
//   const stage = await readStage(data);                 data as Python's `live_stage` makes it
//   const renderer = new LiveRenderer(stage);
//   renderer.frame(values)             RGBA of the whole frame, as the renderer in Python rounds it
//   renderer.levels(values, indices)   levels of 255 before rounding of some covered pixels
//   renderer.steps(values)             the same from coarse to fine, one short step a call of next()
//
// `values` are ten numbers from 0 to 1 in the order of Python's PARAMETERS. A covered pixel's index is its
// place among the object's pixels in reading order. The constructor throws an Error for people where there
// is no WebGL 2; so do the other methods while the context is lost, at the first picture too, or where the
// browser can't compile the shader. `onlost` and `onrestored` tell of losses.

import { srgbEncode } from "./srgb.js";
import { unpack } from "./unpack.js";

/** @typedef {import("./framing.js").Framing} Framing */

/** @typedef {{width: number, height: number, halves: Uint16Array}} Light */

/**
 * A stage as it is decoded. `places` are those of the covered pixels in the frame, `surface` their
 * positions, normals and tangents, three numbers a pixel; `background` is RGBA.
 *
 * @typedef {{
 *   size: number, samples: number, viewPosition: number[], uniforms: Record<string, number[]>,
 *   shader: string, framing: Framing, places: Uint32Array, surface: Float32Array[],
 *   background: Uint8ClampedArray, levels: Light[], irradiance: Light,
 * }} LiveStage
 */

/** Sides of the squares of which one pixel each is shaded, from the coarsest picture to the finest. */
const STRIDES = [8, 4, 2, 1];

/** How long a step should take, in milliseconds: a page that waits no longer isn't felt to wait. */
const STEP = 12;

const VERTEX_STAGE = `#version 300 es
void main() {
  vec2 corner = vec2(gl_VertexID % 2, gl_VertexID / 2);
  gl_Position = vec4(corner * 4.0 - 1.0, 0.0, 1.0);
}`;

const LOST = "The browser took the graphics context away. It may give it back; else load the page again.";

/**
 * Arrays that were packed column by column as differences, of two bytes the low ones first.
 *
 * @param {Uint8Array} bytes
 * @param {[string, string, number, number][]} forms name, type, columns, rows
 * @returns {Record<string, Uint16Array[]>} their columns by name
 */
export function unpackColumns(bytes, forms) {
  let start = 0;
  return Object.fromEntries(
    forms.map(([name, type, columns, rows]) => {
      const isWide = type === "uint16";
      const length = columns * rows;
      const low = bytes.subarray(start, start + length);
      const high = bytes.subarray(start + length, start + 2 * length);
      start += isWide ? 2 * length : length;
      const unpacked = Array.from({ length: columns }, (_, column) => {
        const numbers = new Uint16Array(rows);
        let last = 0;
        for (let row = 0; row < rows; row++) {
          const place = column * rows + row;
          const step = (low[place] ?? 0) + (isWide ? 256 * (high[place] ?? 0) : 0);
          last = (last + step) & (isWide ? 0xffff : 0xff);
          numbers[row] = last;
        }
        return numbers;
      });
      return [name, unpacked];
    }),
  );
}

/**
 * A direction of any length from its place on the unfolded sphere.
 *
 * @param {number} x from 0 to 65535
 * @param {number} y likewise
 * @returns {[number, number, number]}
 */
export function unfold(x, y) {
  const [u, v] = [(2 * x) / 65535 - 1, (2 * y) / 65535 - 1];
  const z = 1 - Math.abs(u) - Math.abs(v);
  const sign = (/** @type {number} */ number) => (number >= 0 ? 1 : -1);
  if (z >= 0) return [u, v, z];
  return [(1 - Math.abs(v)) * sign(u), (1 - Math.abs(u)) * sign(v), z];
}

/**
 * A normal; in place of one that points to a pole of the light, as a floor's does, one beside it. Where in the
 * pole's row the light is looked up is what a driver makes of atan(0, 0). Mesa makes it 3/4 π, and so do these.
 *
 * @param {[number, number, number]} normal
 * @returns {[number, number, number]}
 */
export function offPole([x, y, z]) {
  const near = 1e-4;
  return Math.hypot(x, z) < near * Math.abs(y) ? [-near, Math.sign(y), -near] : [x, y, z];
}

/**
 * Decode what Python's `live_stage` made.
 *
 * @param {any} data
 * @returns {Promise<LiveStage>}
 */
export async function readStage(data) {
  const columns = unpackColumns(new Uint8Array(await unpack(data.data)), data.arrays);
  const at = (/** @type {string} */ name, /** @type {number} */ column) =>
    columns[name]?.[column] ?? new Uint16Array();

  /** @type {(name: string, size: [number, number]) => Light} */
  const light = (name, [height, width]) => {
    const halves = new Uint16Array(3 * width * height);
    for (let channel = 0; channel < 3; channel++) {
      at(name, channel).forEach((half, place) => (halves[3 * place + channel] = half));
    }
    return { width, height, halves };
  };
  const mask = at("mask", 0);
  const background = new Uint8ClampedArray(4 * mask.length).fill(255);
  const places = [];
  for (let place = 0; place < mask.length; place++) {
    if (mask[place]) places.push(place);
    for (let channel = 0; channel < 3; channel++) {
      background[4 * place + channel] = at("background", channel)[place] ?? 0;
    }
  }
  const position = new Float32Array(3 * places.length);
  for (let axis = 0; axis < 3; axis++) {
    const [low, high] = [data.position.low[axis], data.position.high[axis]];
    at("position", axis).forEach((step, place) => {
      position[3 * place + axis] = low + ((high - low) * step) / 65535;
    });
  }
  const directions = ["normal", "tangent"].map((name) => {
    const vectors = new Float32Array(3 * places.length);
    at(name, 0).forEach((x, place) => {
      const vector = unfold(x, at(name, 1)[place] ?? 0);
      vectors.set(name === "normal" ? offPole(vector) : vector, 3 * place);
    });
    return vectors;
  });
  return {
    size: data.size,
    samples: data.samples,
    viewPosition: data.viewPosition,
    uniforms: data.uniforms,
    shader: new TextDecoder().decode(Uint8Array.from(at("shader", 0))),
    framing: data.framing,
    places: Uint32Array.from(places),
    surface: [position, ...directions],
    background,
    levels: data.levels.map((/** @type {[number, number]} */ size, /** @type {number} */ level) =>
      light(`level${level}`, size),
    ),
    irradiance: light("irradiance", data.irradiance),
  };
}

/**
 * An order of the covered pixels from coarse to fine, and who stands in for whom until then.
 *
 * @param {Uint32Array} places of the covered pixels in the frame, in reading order
 * @param {number} size of the frame
 * @returns {{order: Uint32Array, counts: number[], stands: Uint32Array[]}} order: indices of covered
 *   pixels; counts: how many of them a picture of each of `STRIDES` takes; stands: for each of these, by
 *   covered pixel, the place in the order of the pixel whose colour it has.
 */
export function coarseToFine(places, size) {
  const order = new Uint32Array(places.length);
  let count = 0;
  const rank = new Int32Array(places.length).fill(-1);
  /** @type {number[]} */
  const counts = [];
  const stands = STRIDES.map((stride) => {
    const width = Math.ceil(size / stride);
    const cell = (/** @type {number} */ index) => {
      const place = places[index] ?? 0;
      return Math.floor(Math.floor(place / size) / stride) * width + Math.floor((place % size) / stride);
    };
    const first = new Int32Array(width * width).fill(-1);
    for (let known = count - 1; known >= 0; known--) first[cell(order[known] ?? 0)] = known;
    for (let index = 0; index < places.length; index++) {
      if (first[cell(index)] !== -1 || rank[index] !== -1) continue;
      first[cell(index)] = rank[index] = count;
      order[count++] = index;
    }
    counts.push(count);
    return Uint32Array.from(places, (_, index) => first[cell(index)] ?? 0);
  });
  return { order, counts, stands };
}

/** Renders one stage with any material. See the top of this module. */
export class LiveRenderer {
  /** @type {WebGL2RenderingContext} */ #gl;
  // Made when they are needed, since a context that is lost takes them with it.
  /** @type {WebGLProgram | null} */ #program = null;
  /** @type {WeakMap<ArrayLike<number>, ReturnType<LiveRenderer["pack"]>>} */ #parts = new WeakMap();
  #rowsAStep = 1;

  /** @type {() => void} */ onlost = () => {};
  /** @type {() => void} */ onrestored = () => {};

  /** @param {LiveStage} stage */
  constructor(stage) {
    this.stage = stage;
    const hidden =
      typeof OffscreenCanvas === "undefined"
        ? document.createElement("canvas")
        : new OffscreenCanvas(1, 1);
    const gl = /** @type {WebGL2RenderingContext | null} */ (
      hidden.getContext("webgl2", { antialias: false, depth: false, alpha: false })
    );
    if (gl === null) {
      throw new Error("This browser has no WebGL 2, so the picture can't be rendered here.");
    }
    this.#gl = gl;
    const listen = (/** @type {string} */ name, /** @type {(event: Event) => void} */ run) =>
      /** @type {EventTarget} */ (hidden).addEventListener(name, run);
    listen("webglcontextlost", (event) => {
      // Without this it would not come back.
      event.preventDefault();
      this.#program = null;
      this.onlost();
    });
    listen("webglcontextrestored", () => this.onrestored());
    this.coarse = coarseToFine(stage.places, stage.size);
    this.pixels = new Uint8ClampedArray(stage.background);
    /** False where the browser renders to bytes only: `levels` are rounded then. */
    this.unrounded = true;
  }

  #setUp() {
    const gl = this.#gl;
    const { stage } = this;
    this.#parts = new WeakMap();
    this.unrounded = gl.getExtension("EXT_color_buffer_float") !== null;
    const program = gl.createProgram();
    for (const [type, text] of /** @type {[number, string][]} */ ([
      [gl.VERTEX_SHADER, VERTEX_STAGE],
      [gl.FRAGMENT_SHADER, stage.shader],
    ])) {
      const shader = gl.createShader(type);
      if (shader === null) throw new Error(LOST);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      if (gl.isContextLost()) throw new Error(LOST);
      const logs = (gl.getAttachedShaders(program) ?? []).map((one) => gl.getShaderInfoLog(one));
      throw new Error(`This browser can't compile the shader: ${logs.join(" ")}`);
    }
    this.#program = program;
    gl.useProgram(program);
    gl.uniform3fv(gl.getUniformLocation(program, "u_viewPosition"), stage.viewPosition);
    this.#setNumber("u_envRadianceSamples", stage.samples);
    this.#setNumber("u_envRadianceMips", stage.levels.length);
    // Rows of three half floats need not end at four bytes.
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.#light("u_envRadiance", 0, stage.levels);
    this.#light("u_envIrradiance", 1, [stage.irradiance]);
    ["g_position", "g_normal", "g_tangent"].forEach((name, number) =>
      this.#setNumber(name, 2 + number),
    );
  }

  #setNumber(/** @type {string} */ name, /** @type {number} */ value) {
    const program = /** @type {WebGLProgram} */ (this.#program);
    this.#gl.uniform1i(this.#gl.getUniformLocation(program, name), value);
  }

  #light(/** @type {string} */ name, /** @type {number} */ unit, /** @type {Light[]} */ levels) {
    const gl = this.#gl;
    const { width = 1, height = 1 } = levels[0] ?? {};
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texStorage2D(gl.TEXTURE_2D, levels.length, gl.RGB16F, width, height);
    levels.forEach((one, level) =>
      gl.texSubImage2D(
        gl.TEXTURE_2D, level, 0, 0, one.width, one.height, gl.RGB, gl.HALF_FLOAT, one.halves,
      ),
    );
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.REPEAT);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    this.#setNumber(name, unit);
  }

  /**
   * Some covered pixels, packed, once shader and light are there.
   *
   * @param {ArrayLike<number> & object} indices
   */
  #packed(indices) {
    if (this.#gl.isContextLost()) throw new Error(LOST);
    if (this.#program === null) this.#setUp();
    const packed = this.#parts.get(indices) ?? this.pack(indices);
    this.#parts.set(indices, packed);
    return packed;
  }

  /**
   * The surface of some covered pixels as textures, and a target to shade them in.
   *
   * @protected
   * @param {ArrayLike<number>} indices
   */
  pack(indices) {
    const gl = this.#gl;
    const count = indices.length;
    const width = Math.max(Math.ceil(Math.sqrt(count)), 1);
    const height = Math.max(Math.ceil(count / width), 1);
    const textures = this.stage.surface.map((vectors) => {
      const texels = new Float32Array(3 * width * height);
      for (let place = 0; place < width * height; place++) {
        // The last row is filled up, so that no arithmetic goes wrong there.
        const from = 3 * (indices[Math.min(place, count - 1)] ?? 0);
        texels.set(vectors.subarray(from, from + 3), 3 * place);
      }
      const texture = gl.createTexture();
      gl.activeTexture(gl.TEXTURE2);
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.texStorage2D(gl.TEXTURE_2D, 1, gl.RGB32F, width, height);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RGB, gl.FLOAT, texels);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      return texture;
    });
    const target = (/** @type {number} */ format) => {
      const framebuffer = gl.createFramebuffer();
      const renderbuffer = gl.createRenderbuffer();
      gl.bindRenderbuffer(gl.RENDERBUFFER, renderbuffer);
      gl.renderbufferStorage(gl.RENDERBUFFER, format, width, height);
      gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
      gl.framebufferRenderbuffer(
        gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.RENDERBUFFER, renderbuffer,
      );
      return framebuffer;
    };
    // The shader's output is linear; a target of bytes encodes it, as the renderer in Python has it.
    return {
      count, width, height, textures,
      bytes: target(gl.SRGB8_ALPHA8),
      floats: this.unrounded && indices !== this.coarse.order ? target(gl.RGBA32F) : null,
    };
  }

  /**
   * Shade rows of a packed target and read them.
   *
   * @template {Uint8Array | Float32Array} T
   * @param {ReturnType<LiveRenderer["pack"]>} packed
   * @param {WebGLFramebuffer | null} framebuffer one of its targets
   * @param {ArrayLike<number>} values
   * @param {number} first row
   * @param {number} rows
   * @param {T} pixels RGBA to fill
   * @returns {T}
   */
  #shade(packed, framebuffer, values, first, rows, pixels) {
    const gl = this.#gl;
    if (gl.isContextLost()) throw new Error(LOST);
    for (const [name, places] of Object.entries(this.stage.uniforms)) {
      const location = gl.getUniformLocation(/** @type {WebGLProgram} */ (this.#program), name);
      const numbers = places.map((place) => values[place] ?? 0);
      if (places.length === 1) gl.uniform1fv(location, numbers);
      else gl.uniform3fv(location, numbers);
    }
    packed.textures.forEach((texture, number) => {
      gl.activeTexture(gl.TEXTURE2 + number);
      gl.bindTexture(gl.TEXTURE_2D, texture);
    });
    gl.bindFramebuffer(gl.FRAMEBUFFER, framebuffer);
    gl.viewport(0, first, packed.width, rows);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(0, first, packed.width, rows);
    // No pixel that was shaded is transparent.
    gl.clearColor(1, 0, 1, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    const type = pixels instanceof Float32Array ? gl.FLOAT : gl.UNSIGNED_BYTE;
    gl.readPixels(0, first, packed.width, rows, gl.RGBA, type, pixels);
    for (let place = 3; place < pixels.length; place += 4) {
      if (pixels[place]) continue;
      throw new Error(
        gl.isContextLost() ? LOST : "The browser's graphics driver left pixels of the picture unwritten.",
      );
    }
    return pixels;
  }

  /**
   * The whole frame with a material: RGBA, as frames of the renderer in Python are rounded.
   *
   * @param {ArrayLike<number>} values
   * @returns {Uint8ClampedArray}
   */
  frame(values) {
    const whole = this.#packed(this.coarse.order);
    const bytes = new Uint8Array(4 * whole.width * whole.height);
    this.#shade(whole, whole.bytes, values, 0, whole.height, bytes);
    return new Uint8ClampedArray(this.#fill(bytes, whole.count));
  }

  /**
   * Levels of 255 before rounding, sRGB-encoded, of some covered pixels. Rounded where `unrounded` is false.
   *
   * @param {ArrayLike<number>} values
   * @param {ArrayLike<number> & object} indices the same array again costs no set-up
   * @returns {Float32Array} three numbers a pixel
   */
  levels(values, indices) {
    const packed = this.#packed(indices);
    const size = 4 * packed.width * packed.height;
    const shaded =
      packed.floats === null
        ? this.#shade(packed, packed.bytes, values, 0, packed.height, new Uint8Array(size))
        : this.#shade(packed, packed.floats, values, 0, packed.height, new Float32Array(size));
    const isEncoded = packed.floats === null;
    const result = new Float32Array(3 * packed.count);
    for (let place = 0; place < packed.count; place++) {
      for (let channel = 0; channel < 3; channel++) {
        const level = shaded[4 * place + channel] ?? 0;
        result[3 * place + channel] = isEncoded ? level : 255 * srgbEncode(level);
      }
    }
    return result;
  }

  /**
   * Shade a picture in short steps, from coarse to fine.
   *
   * @param {ArrayLike<number>} values
   * @returns {Generator<Uint8ClampedArray, void, void>} RGBA of the whole frame, to be read until the next
   *   step or picture; the last one is as `frame`
   */
  *steps(values) {
    const whole = this.#packed(this.coarse.order);
    const bytes = new Uint8Array(4 * whole.width * whole.height);
    // What stands in for the others is wanted at once.
    let rows = Math.max(Math.ceil((this.coarse.counts[0] ?? 0) / whole.width), this.#rowsAStep);
    for (let first = 0; first < whole.height; first += rows) {
      if (first > 0) rows = this.#rowsAStep;
      const until = Math.min(first + rows, whole.height);
      const start = performance.now();
      const part = bytes.subarray(4 * whole.width * first, 4 * whole.width * until);
      this.#shade(whole, whole.bytes, values, first, until - first, part);
      const pace = (until - first) * (STEP / Math.max(performance.now() - start, 1));
      this.#rowsAStep = Math.max(Math.floor(pace), 1);
      yield this.#fill(bytes, Math.min(whole.width * until, whole.count));
    }
  }

  /** Colours of the first pixels of the order, and of those that they stand in for, into the frame. */
  #fill(/** @type {Uint8Array} */ bytes, /** @type {number} */ count) {
    const colors = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const frame = new Uint32Array(this.pixels.buffer);
    const { places } = this.stage;
    // The finest of which something is there comes first.
    const stands = this.coarse.stands
      .filter((_, step) => step === 0 || count > (this.coarse.counts[step - 1] ?? 0))
      .reverse();
    for (let index = 0; index < places.length; index++) {
      for (const stand of stands) {
        const place = stand[index] ?? 0;
        if (place >= count) continue;
        frame[places[index] ?? 0] = colors[place] ?? 0;
        break;
      }
    }
    return this.pixels;
  }
}
