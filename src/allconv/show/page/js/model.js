// Every meeting of an input cell, a weight and an output cell as one list: all views, sums,
// matrices and hovers are lookups in it. No numbers here: see `numbers.js`.
import {
  ceiledAxis,
  forwardAxis,
  meetings,
  namedPadding,
  reachOf,
  transposedAxis,
} from "./geometry.js";
import { refusal, Refusal, shared } from "./shared.js";
import { isPool } from "./state.js";

export const ROLES = /** @type {const} */ (["x", "w", "y"]);

/**
 * The two axes of a state, rows and columns; one-dimensional layers have one row.
 * @param {State} state
 * @returns {[Axis, Axis]}
 */
export function axesOf(state) {
  return [axisOf(state, 0), axisOf(state, 1)];
}

const FLAT = { input: 1, kernel: 1, output: 1, stride: 1, dilation: 1, spread: 1, low: 0, high: 0 };

/** @param {State} state @param {0 | 1} a @returns {Axis} */
function axisOf(state, a) {
  if (state.dim === 1 && a === 0) return { ...FLAT, extra: 0 };
  const [input, kernel, stride] = [state.input[a], state.kernel[a], state.stride[a]];
  const [dilation, spread] = [state.dilation[a], state.spread[a]];
  const sides = typeof state.padding === "string" ? state.padding : state.padding[a];
  if (state.op === "conv_transpose") {
    const axis = state.dim === 1 ? 0 : a;
    const extra = state.outputPadding[a];
    return transposedAxis({ output: input, kernel, stride, dilation, padding: sides, extra, axis });
  }
  const padding =
    typeof sides === "string"
      ? namedPadding(sides, reachOf(input, spread), kernel, stride, dilation)
      : sides;
  const settings = { input, kernel, stride, dilation, spread, padding };
  if (!isPool(state)) return forwardAxis(settings);
  if (2 * padding[0] > kernel) {
    throw new Refusal(refusal("pool padding", { padding: padding[0], kernel }));
  }
  return state.ceil ? ceiledAxis(settings) : forwardAxis(settings);
}

/** The meetings of some axes and channels. @param {Structure} structure @returns {Model} */
export function modelOf(structure) {
  const { axes, groups, inputs, outputs, swap, flip, local, pool } = structure;
  const [rows, columns] = axes;
  const bigSize = /** @type {Pair} */ ([rows.input, columns.input]);
  const smallSize = /** @type {Pair} */ ([rows.output, columns.output]);
  const kernel = /** @type {Pair} */ ([rows.kernel, columns.kernel]);
  const taps = kernel[0] * kernel[1];
  const places = smallSize[0] * smallSize[1];
  const sizes = { x: swap ? smallSize : bigSize, w: kernel, y: swap ? bigSize : smallSize };
  const planes = { x: inputs, w: pool ? 1 : (inputs * outputs) / groups, y: outputs };
  const area = (/** @type {Role} */ role) => sizes[role][0] * sizes[role][1];
  /** @type {Model} */
  const model = {
    ...structure,
    kernel,
    taps,
    places,
    sizes,
    planes,
    big: swap ? "y" : "x",
    small: swap ? "x" : "y",
    count: {
      x: planes.x * area("x"),
      w: planes.w * taps * (local ? places : 1),
      y: planes.y * area("y"),
    },
    x: [],
    w: [],
    y: [],
    meets: { x: [], w: [], y: [] },
  };
  const [rowMeetings, columnMeetings] = [meetings(rows), meetings(columns)];
  for (const [input, output, plane] of channelPairs(model)) {
    for (const [j0, k0, i0] of rowMeetings) {
      for (const [j1, k1, i1] of columnMeetings) {
        const tap = k0 * kernel[1] + k1;
        const big = j0 * bigSize[1] + j1;
        const small = i0 * smallSize[1] + i1;
        model.x.push(input * area("x") + (swap ? small : big));
        model.y.push(output * area("y") + (swap ? big : small));
        model.w.push(weightAt(model, plane, flip ? taps - 1 - tap : tap, small));
      }
    }
  }
  for (const role of ROLES) {
    const lists = /** @type {number[][]} */ (Array.from({ length: model.count[role] }, () => []));
    model[role].forEach((cell, meeting) => lists[cell].push(meeting));
    model.meets[role] = lists;
  }
  return model;
}

/**
 * The flat place of a weight: (planes, taps), or (planes, taps, places) of a local layer.
 * @param {Pick<Model, "taps" | "places" | "local">} model
 * @param {number} plane
 * @param {number} tap
 * @param {number} place
 */
export function weightAt(model, plane, tap, place) {
  const at = plane * model.taps + tap;
  return model.local ? at * model.places + place : at;
}

/**
 * [plane, tap, place] of a weight; the place is 0 where all places share it.
 * @param {Pick<Model, "taps" | "places" | "local">} model
 * @param {number} cell
 * @returns {[number, number, number]}
 */
export function weightParts(model, cell) {
  const at = model.local ? Math.floor(cell / model.places) : cell;
  return [Math.floor(at / model.taps), at % model.taps, model.local ? cell % model.places : 0];
}

/**
 * The pairs of channels that meet, [input, output, plane of the weights]: weights are (outputs,
 * inputs of a group), those of a transposed convolution (inputs, outputs of a group).
 * @param {Pick<Model, "inputs" | "outputs" | "groups" | "swap" | "pool">} model
 * @returns {[number, number, number][]}
 */
export function channelPairs({ inputs, outputs, groups, swap, pool }) {
  /** @type {[number, number, number][]} */
  const pairs = [];
  const [each, made] = [inputs / groups, outputs / groups];
  for (let output = 0; output < outputs; output++) {
    if (pool) {
      pairs.push([output, output, 0]);
      continue;
    }
    const group = Math.floor(output / made);
    for (let c = 0; c < each; c++) {
      const input = group * each + c;
      const plane = swap ? input * made + (output % made) : output * each + c;
      pairs.push([input, output, plane]);
    }
  }
  return pairs;
}

/**
 * The pairs that a channel of x or y is in.
 * @param {Model} model
 * @param {Role} role
 * @param {number} channel
 */
export function pairsWith(model, role, channel) {
  return channelPairs(model).filter((pair) => pair[role === "x" ? 0 : 1] === channel);
}

/**
 * What a state says of its window and channels; Refusal where that cannot be.
 * @param {State} state
 * @returns {Structure}
 */
export function structureOf(state) {
  const [inputs, outputs] = state.channels;
  if (inputs % state.groups || outputs % state.groups) {
    throw new Refusal(refusal("groups", { groups: state.groups, inputs, outputs }));
  }
  const axes = axesOf(state);
  const most = state.dim === 1 ? shared.limits.line.span : shared.limits.plane.span;
  for (const axis of axes) {
    const padded =
      reachOf(axis.input, axis.spread) + Math.max(axis.low, 0) + Math.max(axis.high, 0);
    const given = Math.max(padded, reachOf(axis.kernel, axis.dilation), axis.output);
    const what = "the longest side";
    if (given > most) throw new Refusal(refusal("too large to draw", { what, given, most }));
  }
  return {
    axes,
    inputs,
    outputs,
    groups: state.groups,
    swap: state.op === "conv_transpose",
    flip: state.op === "true_conv",
    local: state.op === "local",
    pool: state.op === "max_pool" ? "max" : state.op === "avg_pool" ? "mean" : null,
  };
}
