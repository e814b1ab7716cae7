// A gradient as the correlation that it is: the one relation with its letters exchanged, drawn by
// the same stage. dL/dW = Correlation(I, LO); dL/dI = Correlation(W_pad, LO_flip).
import { exchangedAxis } from "./geometry.js";
import { channelPairs, modelOf, pairsWith } from "./model.js";

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
  const { taps, values, swap, flip } = model;
  const plane = Math.floor(at / taps);
  const [input, output] = channelPairs(model).find((pair) => pair[2] === plane) ?? [0, 0];
  const x = channelOf(values.x, model.sizes.x, input);
  const g = channelOf(values.g, model.sizes.y, output);
  const place = (/** @type {number} */ tap) => (flip ? taps - 1 - tap : tap);
  const gradient = values.gw.slice(plane * taps, (plane + 1) * taps);
  return {
    model: modelOf({ ...PLAIN, axes: exchangedAxes(model, "kernel"), inputs: 1 }),
    values: { x: swap ? g : x, w: swap ? x : g, y: flip ? gradient.reverse() : gradient },
    at: place(at % taps),
    back: (cell) => plane * taps + place(cell),
    kernels: 1,
  };
}

/** @param {ValuedModel} model @param {Role} leave @param {number} at @returns {Exchanged} */
function ofBig(model, leave, at) {
  const { taps, values, swap, flip } = model;
  const size = model.sizes[model.big];
  const area = size[0] * size[1];
  const channel = Math.floor(at / area);
  const pairs = pairsWith(model, model.big, channel);
  const kernels = pairs.map(([, , plane]) => {
    const kernel = values.w.slice(plane * taps, (plane + 1) * taps);
    return flip ? kernel.reverse() : kernel;
  });
  const [array, of] = swap ? [values.x, 0] : [values.g, 1];
  const turned = pairs.map((pair) =>
    channelOf(array, model.sizes[model.small], pair[of]).reverse(),
  );
  // The bias is added after the sum, and is not part of the correlation.
  const bias = values.b[channel] ?? 0;
  const result = leave === "y" ? values.y.map((v) => v - bias) : values.gx;
  return {
    model: modelOf({ ...PLAIN, axes: exchangedAxes(model, "input"), inputs: pairs.length }),
    values: { x: kernels.flat(), w: turned.flat(), y: channelOf(result, size, channel) },
    at: at % area,
    back: (cell) => channel * area + cell,
    kernels: pairs.length,
  };
}

/** @param {number[]} array @param {Pair} size @param {number} channel */
function channelOf(array, size, channel) {
  const area = size[0] * size[1];
  return array.slice(channel * area, (channel + 1) * area);
}
