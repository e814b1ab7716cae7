// How the sizes come about: the formula with its numbers, every placement of the window below its
// axis (the slides' staircase), and which other inputs give the same size.
import { meetings, reachOf } from "./geometry.js";
import { ghostsOf } from "./layout.js";
import { axesOf } from "./model.js";
import { written } from "./names.js";
import { button, html, svg } from "./paint.js";
import { Refusal } from "./shared.js";
import { limitsOf } from "./state.js";

const LETTERS =
  "X, K, Y: the sizes of input, kernel and output; s stride, d dilation, b input dilation; " +
  "lo (p in the relation) and hi: the padding before and behind; o: output padding.";

/** @param {Store} store */
export function sizesPart(store) {
  const text = html("p");
  const axes = html("div");
  const section = html("section.sizes", html("h2", "Sizes"), text, axes);
  return store.follow(section, (model, change) => {
    if (change !== "state") return;
    text.textContent = model.swap
      ? "Where the kernel is laid, once for each input cell, along one axis."
      : "Every place where the window can stand, along one axis.";
    text.textContent += ` ${LETTERS}`;
    const same = JSON.stringify(model.axes[0]) === JSON.stringify(model.axes[1]);
    const shown = /** @type {(0 | 1)[]} */ (model.dim === 1 || same ? [1] : [0, 1]);
    axes.replaceChildren(...shown.map((n) => axisBox(store, model, n, same)));
  });
}

/** @param {Store} store @param {ValuedModel} model @param {0 | 1} n @param {boolean} same */
function axisBox(store, model, n, same) {
  const axis = model.axes[n];
  const name = model.dim === 1 ? "" : same ? "Rows and columns alike" : n ? "Columns" : "Rows";
  const formula = model.swap ? transposedFormula(axis) : forwardFormula(axis, store.state.ceil);
  const lost = axis.input - new Set(meetings(axis).map(([j]) => j)).size;
  const never = model.swap ? "is reached by no tap" : "is never read";
  const nevers = model.swap ? "are reached by no tap" : "are never read";
  return html(
    "div.axis",
    name ? html("h3", name) : "",
    html("div.math.formula", ...formula),
    html(
      "div.wide",
      { tabindex: 0, role: "group", "aria-label": "Staircase of the window's places" },
      staircase(model, axis),
    ),
    chips(store, model, n, same),
    lost ? html("p.soft", `${lost} cell${lost > 1 ? "s" : ""} ${lost > 1 ? nevers : never}.`) : "",
  );
}

/**
 * The formula of a size: "Y = ..." in letters, and below it in numbers.
 * @param {string} formula
 * @param {Record<string, number>} values by letter
 */
function inLettersAndNumbers(formula, values) {
  const [left, right] = formula.split(" = ");
  const parts = right.split(/\b(X|K|s|d|b|o|lo|hi)\b/); // every second one is a letter
  const kind = (/** @type {string} */ name) => (name in COLORS ? `.c${COLORS[name]}` : "");
  const letter = (/** @type {string} */ name) => html(`span${kind(name)}`, name);
  const number = (/** @type {string} */ name) => html(`b${kind(name)}`, written(values[name]));
  const filled = (/** @type {(name: string) => Node} */ shown) =>
    parts.map((part, n) => (n % 2 ? shown(part) : part));
  return [
    html("div", letter(left), " = ", ...filled(letter)),
    html("div", " = ", ...filled(number), " = ", number(left)),
  ];
}

/** @type {Record<string, string>} */
const COLORS = { X: "x", K: "w", Y: "y" };

/** @param {Axis} axis @param {boolean} ceil */
function forwardFormula(axis, ceil) {
  const { input: X, kernel: K, output: Y, stride: s, dilation: d, spread: b, low, high } = axis;
  const [open, close] = ceil ? ["⌈", "⌉"] : ["⌊", "⌋"];
  const size = b > 1 ? "b·(X − 1) + 1" : "X";
  const formula = `Y = ${open}(${size} + lo + hi − d·(K − 1) − 1) / s${close} + 1`;
  const note = "a last window that would start behind the input is left out";
  return [
    ...inLettersAndNumbers(formula, { X, K, Y, s, d, b, lo: low, hi: high }),
    ceil ? html("div.soft", note) : "",
  ];
}

/** @param {Axis} axis */
function transposedFormula(axis) {
  const { output: X, kernel: K, input: Y, stride: s, dilation: d, low, high, extra } = axis;
  const formula = "Y = s·(X − 1) + d·(K − 1) + 1 − lo − hi + o";
  return inLettersAndNumbers(formula, { X, K, Y, s, d, lo: low, hi: high, o: extra });
}

/**
 * The axis with its padding, and under it the window at each of its places, a stair a place.
 * @param {ValuedModel} model
 * @param {Axis} axis
 */
function staircase(model, axis) {
  const [before, behind] = ghostsOf(axis);
  const length = reachOf(axis.input, axis.spread) + before + behind;
  const unit = Math.max(9, Math.min(22, 400 / length));
  const stair = Math.min(unit, 13);
  const read = new Set(meetings(axis).map(([j]) => j));
  const root = svg("svg", {
    width: length * unit + 2,
    height: unit + 8 + axis.output * stair,
    "aria-hidden": "true",
  });
  for (let place = 0; place < length; place++) {
    const j = (place - before) / axis.spread;
    const isReal = Number.isInteger(j) && j >= 0 && j < axis.input;
    const kind = isReal ? (read.has(j) ? "" : " dull") : " ghost";
    root.append(
      svg("rect", {
        class: `cell ${model.big}${kind}`,
        x: place * unit + 1,
        y: 1,
        width: unit - 1.5,
        height: unit - 1.5,
      }),
    );
  }
  for (let i = 0; i < axis.output; i++) {
    const first = axis.stride * i - axis.low + before;
    const y = unit + 8 + i * stair;
    const last = first + axis.dilation * (axis.kernel - 1);
    root.append(
      svg("path", { class: "stair", d: `M${(first + 0.5) * unit} ${y}H${(last + 0.5) * unit}` }),
    );
    for (let k = 0; k < axis.kernel; k++) {
      const cx = (first + axis.dilation * k + 0.5) * unit;
      root.append(svg("circle", { class: "tap", cx, cy: y, r: Math.min(3.6, stair * 0.3) }));
    }
  }
  return root;
}

/**
 * Other inputs that give the same size; of a transposed layer, the outputs that one may ask for.
 * @param {Store} store
 * @param {ValuedModel} model
 * @param {0 | 1} n
 * @param {boolean} same
 */
function chips(store, model, n, same) {
  const axis = model.axes[n];
  const { state } = store;
  const chip = (/** @type {number} */ size, /** @type {() => void} */ press) =>
    button(String(size), press, size === axis.input);
  const pair = (/** @type {Pair} */ old, /** @type {number} */ value) =>
    /** @type {Pair} */ (old.map((each, a) => (a === n || same ? value : each)));
  if (model.swap) {
    const least = axis.input - axis.extra;
    const sizes = Array.from(
      { length: Math.max(axis.stride, axis.dilation) },
      (_, extra) => least + extra,
    );
    return html(
      "div.chips",
      `A correlation turns each of these sizes into ${axis.output}: `,
      ...sizes.map((size) =>
        chip(size, () => store.set({ outputPadding: pair(state.outputPadding, size - least) })),
      ),
    );
  }
  if (state.op === "linear") return "";
  const sizes = inputsGiving(state, n, axis.output);
  return html(
    "div.chips",
    `Inputs that give ${axis.output}: `,
    ...sizes.map((size) => chip(size, () => store.set({ input: pair(state.input, size) }))),
  );
}

/** @param {State} state @param {0 | 1} n @param {number} output */
function inputsGiving(state, n, output) {
  const [least, most] = limitsOf(state).input;
  const found = [];
  for (let size = least; size <= most; size++) {
    const input = /** @type {Pair} */ (state.input.map((each, a) => (a === n ? size : each)));
    try {
      if (axesOf({ ...state, input })[n].output === output) found.push(size);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return found;
}
