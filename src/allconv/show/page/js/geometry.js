// One axis of a window: b*j + p = s*i + d*k. All geometry of the pages stands here, and equals
// `allconv/window.py`: a test runs both over every small axis.
import { refusal, Refusal } from "./shared.js";

/**
 * How many cells those reach over that lie `step` apart.
 * @param {number} cells
 * @param {number} step
 */
export function reachOf(cells, step) {
  return step * (cells - 1) + 1;
}

/**
 * The padding [low, high] that a name stands for, of an input with its spread.
 * @param {string} name
 * @param {number} input
 * @param {number} kernel
 * @param {number} stride
 * @param {number} dilation
 * @returns {[number, number]}
 */
export function namedPadding(name, input, kernel, stride, dilation) {
  const reach = reachOf(kernel, dilation) - 1;
  switch (name) {
    case "full":
      return [reach, reach];
    case "causal":
      return [reach, 0];
    case "half":
      if (reach % 2) throw new Refusal(refusal("half of odd", { dilation, kernel }));
      return [reach / 2, reach / 2];
    case "same":
    case "same_lower": {
      const total = Math.max((Math.ceil(input / stride) - 1) * stride + reach + 1 - input, 0);
      const small = Math.floor(total / 2);
      return name === "same" ? [small, total - small] : [total - small, small];
    }
    default:
      return [0, 0];
  }
}

/** The axis of a correlation. @param {AxisSettings} settings @returns {Axis} */
export function forwardAxis({ input, kernel, stride, dilation, spread, padding }) {
  const [low, high] = padding;
  const padded = reachOf(input, spread) + low + high;
  const reach = reachOf(kernel, dilation);
  if (padded < reach) {
    const note = dilation > 1 ? refusal("its reach", { dilation, reach }) : "";
    throw new Refusal(refusal("kernel too large", { kernel, note, padded, input, low, high }));
  }
  const output = Math.floor((padded - reach) / stride) + 1;
  return { input, kernel, output, stride, dilation, spread, low, high, extra: 0 };
}

/**
 * The axis of a pooling whose last output may reach beyond the padding.
 * @param {AxisSettings} settings
 * @returns {Axis}
 */
export function ceiledAxis({ input, kernel, stride, dilation, padding }) {
  const [low, high] = padding;
  const reach = reachOf(kernel, dilation);
  let output = Math.ceil((input + low + high - reach) / stride) + 1;
  if ((output - 1) * stride >= input + low) output -= 1;
  if (output < 1) throw new Refusal(refusal("starts outside", { kernel, dilation, input }));
  return { input, kernel, output, stride, dilation, spread: 1, low, high, extra: 0 };
}

/**
 * The axis of a transposed convolution: `output` is the size of what it is given, `input` that of
 * what it makes.
 * @param {{output: number, kernel: number, stride: number, dilation: number,
 *   padding: string | [number, number], extra: number, axis: number}} settings
 * @returns {Axis}
 */
export function transposedAxis({ output, kernel, stride, dilation, padding, extra, axis }) {
  let size = null;
  if (padding === "same" || padding === "same_lower") {
    if (extra) throw new Refusal(refusal("size and output padding", { padding }));
    size = output * stride;
  }
  const [low, high] =
    typeof padding === "string"
      ? namedPadding(padding, size ?? output, kernel, stride, dilation)
      : padding;
  if (extra && extra >= Math.max(stride, dilation)) {
    throw new Refusal(refusal("output padding", { extra, stride, dilation }));
  }
  const least = stride * (output - 1) + reachOf(kernel, dilation) - low - high;
  const most = least + Math.max(stride, dilation) - 1;
  const expected = size ?? least + extra;
  if (expected < least || expected > most) {
    throw new Refusal(refusal("size out of range", { expected, axis, least, most }));
  }
  if (expected < 1) throw new Refusal(refusal("no output", { expected, axis }));
  const added = expected - least;
  return { input: expected, kernel, output, stride, dilation, spread: 1, low, high, extra: added };
}

/**
 * Every triple [j, k, i] that meets along an axis, by output and then by tap.
 * @param {Axis} axis
 * @returns {[number, number, number][]}
 */
export function meetings(axis) {
  /** @type {[number, number, number][]} */
  const found = [];
  for (let i = 0; i < axis.output; i++) {
    for (let k = 0; k < axis.kernel; k++) {
      const place = axis.stride * i + axis.dilation * k - axis.low;
      const j = place / axis.spread;
      if (Number.isInteger(j) && j >= 0 && j < axis.input) found.push([j, k, i]);
    }
  }
  return found;
}

/**
 * How many taps of the window of output `i` lie inside the input with its padding: what a mean
 * divides by where padding counts (beyond it, where ceil mode reaches, nothing does).
 * @param {Axis} axis
 * @param {number} i
 */
export function tapsInPadding(axis, i) {
  let count = 0;
  for (let k = 0; k < axis.kernel; k++) {
    if (axis.stride * i + axis.dilation * k < axis.low + axis.input + axis.high) count += 1;
  }
  return count;
}

/**
 * The same relation with letters exchanged, so that a gradient is a correlation of its own:
 * of the weights (b, p, s, d) -> (b, p, d, s); of the input: the kernel is read as the input.
 * @param {Axis} axis
 * @param {"kernel" | "input"} of
 * @returns {Axis}
 */
export function exchangedAxis(axis, of) {
  const made =
    of === "kernel"
      ? {
          input: axis.input,
          kernel: axis.output,
          output: axis.kernel,
          stride: axis.dilation,
          dilation: axis.stride,
          spread: axis.spread,
          low: axis.low,
        }
      : {
          input: axis.kernel,
          kernel: axis.output,
          output: axis.input,
          stride: axis.spread,
          dilation: axis.stride,
          spread: axis.dilation,
          low: axis.stride * (axis.output - 1) - axis.low,
        };
  const covered = made.stride * (made.output - 1) + reachOf(made.kernel, made.dilation);
  return { ...made, high: covered - reachOf(made.input, made.spread) - made.low, extra: 0 };
}
