// What a page shows, as one plain object, and the same as an address that can be kept and sent.
import { shared } from "./shared.js";

/** @returns {State} */
export function freshState() {
  return {
    op: "conv",
    dim: 2,
    input: [5, 5],
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    spread: [1, 1],
    padding: "valid",
    outputPadding: [0, 0],
    ceil: false,
    countPadding: true,
    channels: [1, 1],
    groups: 1,
    bias: false,
    leave: "y",
    at: 0,
    letters: "ours",
    edits: {},
  };
}

/** @param {State} state */
export function isPool(state) {
  return state.op === "max_pool" || state.op === "avg_pool";
}

/**
 * The largest numbers that a page draws.
 * @param {State} state
 * @returns {Record<string, [number, number]>}
 */
export function limitsOf(state) {
  const { limits } = shared;
  const sizes = state.dim === 1 ? limits.line : limits.plane;
  return {
    input: [1, sizes.input],
    kernel: [1, sizes.kernel],
    stride: [1, limits.stride],
    dilation: [1, limits.dilation],
    spread: [1, limits.spread],
    padding: [isPool(state) ? 0 : limits.padding[0], limits.padding[1]],
    outputPadding: [0, limits.stride - 1],
    channels: [1, state.op === "linear" ? limits.outputs : limits.channels],
  };
}

/**
 * Settings that depend on each other, made to agree: a linear layer's window is as large as its
 * input, pooling mixes no channels, one axis has one row.
 * @param {State} state
 * @returns {State}
 */
export function settled(state) {
  const next = { ...state };
  const { min, max } = Math;
  if (next.dim === 1) {
    for (const key of /** @type {const} */ (["input", "kernel", "stride", "dilation", "spread"])) {
      next[key] = [1, next[key][1]];
    }
    next.outputPadding = [0, next.outputPadding[1]];
    if (typeof next.padding !== "string") next.padding = [[0, 0], next.padding[1]];
  } else if (next.padding === "causal") {
    next.padding = "valid";
  }
  if (next.op === "linear") {
    Object.assign(next, { kernel: next.input, stride: [1, 1], dilation: [1, 1], spread: [1, 1] });
    Object.assign(next, { padding: "valid", groups: 1 });
  }
  const limits = limitsOf(next);
  const between = (/** @type {number} */ v, /** @type {[number, number]} */ [low, high]) =>
    max(low, min(high, v));
  next.input = [between(next.input[0], limits.input), between(next.input[1], limits.input)];
  next.kernel =
    next.op === "linear"
      ? next.input
      : [between(next.kernel[0], limits.kernel), between(next.kernel[1], limits.kernel)];
  if (isPool(next)) {
    next.channels = [next.channels[0], next.channels[0]];
    Object.assign(next, { groups: 1, bias: false, spread: [1, 1] });
    const lows = typeof next.padding === "string" ? [0, 0] : next.padding.map(([low]) => low);
    const sides = lows.map((low) => [max(low, 0), max(low, 0)]);
    next.padding = /** @type {[Pair, Pair]} */ (sides);
    if (next.leave === "w") next.leave = "y";
  }
  if (next.op === "avg_pool") next.dilation = [1, 1];
  if (next.op === "conv_transpose") next.spread = [1, 1];
  if (next.op !== "conv_transpose") next.outputPadding = [0, 0];
  if (isPool(next)) return next;
  Object.assign(next, { ceil: false, countPadding: true });
  const [inputs, outputs] = next.channels;
  if (inputs % next.groups || outputs % next.groups) next.groups = 1;
  return next;
}

const PAIRS = /** @type {const} */ ({
  input: "input",
  kernel: "kernel",
  stride: "stride",
  dilation: "dilation",
  spread: "spread",
  outputPadding: "output_padding",
});

/**
 * The address of a state, without its values; `toAddress` of `numbers.js` adds those.
 * @param {State} state
 */
export function addressOf(state) {
  const fresh = freshState();
  const parts = [`op=${state.op}`, `dim=${state.dim}`];
  const written = (/** @type {Pair} */ pair) => (state.dim === 1 ? `${pair[1]}` : pair.join("x"));
  for (const [key, name] of Object.entries(PAIRS)) {
    const pair = state[/** @type {keyof typeof PAIRS} */ (key)];
    const usual = fresh[/** @type {keyof typeof PAIRS} */ (key)];
    const always = key === "input" || key === "kernel";
    if (always || pair.join() !== usual.join()) parts.push(`${name}=${written(pair)}`);
  }
  if (state.padding !== "valid") {
    const sides = state.dim === 1 ? state.padding[1] : state.padding;
    const numbers = Array.isArray(sides) ? sides.flat().join(",") : "";
    parts.push(`padding=${typeof state.padding === "string" ? state.padding : numbers}`);
  }
  if (state.ceil) parts.push("ceil=1");
  if (!state.countPadding) parts.push("count_padding=0");
  if (state.channels.join() !== "1,1") parts.push(`channels=${state.channels.join("-")}`);
  if (state.groups > 1) parts.push(`groups=${state.groups}`);
  if (state.bias) parts.push("bias=1");
  if (state.letters !== "ours") parts.push(`letters=${state.letters}`);
  parts.push(`leave=${state.leave}`, `at=${state.at}`);
  return parts.join("&");
}

/**
 * The fields of an address; what cannot be read is left out.
 * @param {string} address
 * @returns {Record<string, string>}
 */
export function fieldsOf(address) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const part of address.replace(/^#/, "").split("&")) {
    const cut = part.indexOf("=");
    if (cut < 1) continue;
    try {
      fields[part.slice(0, cut)] = decodeURIComponent(part.slice(cut + 1));
    } catch {
      // a damaged escape: as if it were not there
    }
  }
  return fields;
}

/**
 * The state of an address: settings that are missing or no numbers are the usual ones, those out
 * of range the nearest that the page draws.
 * @param {Record<string, string>} fields
 * @returns {State}
 */
export function stateOf(fields) {
  const state = freshState();
  const whole = (/** @type {string | undefined} */ text, /** @type {number} */ usual) => {
    const number = Number.parseInt(text ?? "", 10);
    return Number.isFinite(number) ? number : usual;
  };
  if (shared.operators.includes(fields.op)) state.op = /** @type {State["op"]} */ (fields.op);
  state.dim = fields.dim === "1" ? 1 : 2;
  const limits = limitsOf(state);
  const limited = (/** @type {number} */ n, /** @type {string} */ key) =>
    Math.min(limits[key][1], Math.max(limits[key][0], n));
  for (const [key, name] of Object.entries(PAIRS)) {
    const field = /** @type {keyof typeof PAIRS} */ (key);
    if (fields[name] === undefined) continue;
    const [first, second] = fields[name].split("x");
    const usual = state[field];
    state[field] = [
      limited(whole(first, usual[0]), key),
      limited(whole(second ?? first, usual[1]), key),
    ];
  }
  if (fields.padding !== undefined) state.padding = paddingOf(fields.padding, limits.padding);
  state.ceil = fields.ceil === "1";
  state.countPadding = fields.count_padding !== "0";
  const [inputs, outputs] = (fields.channels ?? "").split("-");
  state.channels = [limited(whole(inputs, 1), "channels"), limited(whole(outputs, 1), "channels")];
  state.groups = Math.max(1, whole(fields.groups, 1));
  state.bias = fields.bias === "1";
  if (fields.letters === "slides") state.letters = "slides";
  if (fields.leave === "x" || fields.leave === "w") state.leave = fields.leave;
  state.at = Math.max(0, whole(fields.at, 0));
  return settled(state);
}

/**
 * @param {string} text a name, or numbers: one, one an axis, or four (top, bottom, left, right)
 * @param {[number, number]} limits
 * @returns {State["padding"]}
 */
function paddingOf(text, [least, most]) {
  if (shared.paddings.includes(text)) return text;
  const numbers = text.split(",").map((part) => Number.parseInt(part, 10));
  if (!numbers.length || numbers.some((n) => !Number.isFinite(n))) return "valid";
  const [a, b = a, ...rest] = numbers.map((n) => Math.min(most, Math.max(least, n)));
  const [c, d] = rest.length > 1 ? rest : [a, b];
  return [
    [a, b],
    [c, d],
  ];
}
