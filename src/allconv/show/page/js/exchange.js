// A gradient as the correlation that it is: the one relation with its letters exchanged, drawn by
// the same stage. dL/dW = Correlation(I, LO); dL/dI = Correlation(W_pad, LO_flip).
import { exchangedAxis } from "./geometry.js";
import { modelOf, weightAt } from "./model.js";

/**
 * The correlation whose result is one channel of the gradient that is left out, with the cell at
 * `at` in it; null where it is not a correlation.
 * @param {ValuedModel} model
 * @param {Role} leave
 * @param {number} at
 * @returns {Exchanged | null}
 */
export function exchanged(model, leave, at) {
  if (leave === model.small || model.local || model.pool) return null;
  return leave === "w" ? ofKernel(model, at) : ofBig(model, leave, at);
}

/** @param {Model} model @param {"kernel" | "input"} of @returns {[Axis, Axis]} */
function exchangedAxes({ axes: [rows, columns] }, of) {
  return [exchangedAxis(rows, of), exchangedAxis(columns, of)];
}

const PLAIN = { outputs: 1, groups: 1, swap: false, flip: false, local: false, pool: null };

/** @param {ValuedModel} model @param {number} at @returns {Exchanged} */
function ofKernel(model, at) {
  const { taps, values, inputs, outputs, groups, swap, flip } = model;
  const plane = Math.floor(at / taps);
  const [each, made] = [inputs / groups, outputs / groups];
  // Weights lie (outputs, inputs of a group); of a transposed convolution (inputs, outputs).
  const first = Math.floor(plane / (swap ? made : each));
  const input = swap ? first : Math.floor(first / made) * each + (plane % each);
  const output = swap ? Math.floor(first / each) * made + (plane % made) : first;
  const big = swap ? { array: values.g, channel: output } : { array: values.x, channel: input };
  const small = swap ? { array: values.x, channel: input } : { array: values.g, channel: output };
  const place = (/** @type {number} */ tap) => (flip ? taps - 1 - tap : tap);
  const gradient = values.gw.slice(plane * taps, (plane + 1) * taps);
  return {
    model: modelOf({ ...PLAIN, axes: exchangedAxes(model, "kernel"), inputs: 1 }),
    values: {
      x: channelOf(big.array, model.sizes[model.big], big.channel),
      w: channelOf(small.array, model.sizes[model.small], small.channel),
      y: flip ? gradient.reverse() : gradient,
    },
    at: place(at % taps),
    back: (cell) => plane * taps + place(cell),
    kernels: 1,
  };
}

/** @param {ValuedModel} model @param {Role} leave @param {number} at @returns {Exchanged} */
function ofBig(model, leave, at) {
  const { taps, values, inputs, outputs, groups, swap, flip } = model;
  const area = model.sizes[model.big][0] * model.sizes[model.big][1];
  const channel = Math.floor(at / area);
  const [each, made] = [inputs / groups, outputs / groups];
  const group = Math.floor(channel / (swap ? made : each));
  const others = Array.from(
    { length: swap ? each : made },
    (_, n) => group * (swap ? each : made) + n,
  );
  const smallArray = swap ? values.x : values.g;
  const kernels = others.map((other) => {
    const plane = swap ? other * made + (channel % made) : other * each + (channel % each);
    const start = weightAt(model, plane, 0, 0);
    const kernel = values.w.slice(start, start + taps);
    return flip ? kernel.reverse() : kernel;
  });
  // The bias is added after the sum, and is not part of the correlation.
  const bias = values.b[channel] ?? 0;
  const result = leave === "y" ? values.y.map((v) => v - bias) : values.gx;
  return {
    model: modelOf({ ...PLAIN, axes: exchangedAxes(model, "input"), inputs: others.length }),
    values: {
      x: kernels.flat(),
      w: others.flatMap((o) => channelOf(smallArray, model.sizes[model.small], o).reverse()),
      y: result.slice(channel * area, (channel + 1) * area),
    },
    at: at % area,
    back: (cell) => channel * area + cell,
    kernels: others.length,
  };
}

/** @param {number[]} array @param {Pair} size @param {number} channel */
function channelOf(array, size, channel) {
  const area = size[0] * size[1];
  return array.slice(channel * area, (channel + 1) * area);
}
