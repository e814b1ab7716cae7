// The gradient as the correlation that it is, drawn by the same stage with letters exchanged.
import { exchanged } from "./exchange.js";
import { layoutOf } from "./layout.js";
import { letterOf, placeOf, written } from "./names.js";
import { cellUnder, html, mixed, painter, svg } from "./paint.js";
import { sceneOf } from "./scene.js";

/** @param {Store} store @param {string} id */
export function identityPart(store, id) {
  const title = html("h2");
  const text = html("p");
  const root = svg("svg", { role: "img", "aria-label": "The same numbers as one correlation" });
  const box = html("div.stage", root);
  const section = html("section.identity", title, text, box);
  const { paint } = painter(root, `${id}-identity`);
  /** @type {{key: string, made: Exchanged, layout: Layout} | null} */
  let known = null;
  pointing(store, root, (cell) => known?.made.back(cell) ?? null);

  const redraw = (/** @type {ValuedModel} */ model, /** @type {Change} */ change) => {
    const { state } = store;
    const focus = store.focus();
    const at = focus.role === state.leave ? focus.cell : state.at;
    const made = exchanged(model, state.leave, at);
    box.hidden = made === null;
    if (!made) {
      known = null;
      const said = WITHOUT[model.local ? "local" : (model.pool ?? "swap")];
      title.replaceChildren(said[0]);
      text.replaceChildren(said[1]);
      return;
    }
    const panels = panelsOf(model, state, made);
    const key = `${placeOf(model, state.leave, at)[0]} ${box.clientWidth}`;
    if (change === "state" || known?.key !== key) {
      const room = { width: box.clientWidth || 900, unit: 38, height: 330 };
      const layout = layoutOf(made.model, 0, room);
      title.replaceChildren(...titleOf(model, state));
      text.replaceChildren(...textOf(model, state, made));
      known = { key, made, layout };
    }
    known.made = made;
    const focused = /** @type {Focus} */ ({ role: "y", cell: made.at });
    const options = { focus: focused, covered: store.covered, still: true };
    paint(sceneOf(made.model, panels, known.layout, options));
  };
  return store.follow(section, redraw, (model) => store.state.leave !== "y" || model.swap);
}

/**
 * Cells of the correlation's result are those of what is left out: hovering looks, a click steps.
 * @param {Store} store
 * @param {SVGElement} root
 * @param {(cell: number) => number | null} back from the result to what is left out
 */
function pointing(store, root, back) {
  const under = (/** @type {Event} */ event) => {
    const focus = cellUnder(event);
    return focus?.role === "y" ? back(focus.cell) : null;
  };
  root.addEventListener("pointerover", (event) => {
    const cell = under(event);
    if (cell !== null && !store.playing) store.look({ role: store.state.leave, cell });
  });
  root.addEventListener("pointerleave", () => store.look(null));
  root.addEventListener("click", (event) => {
    const cell = under(event);
    if (cell !== null) store.step(cell);
  });
}

/**
 * What is said where the gradient is no correlation, or one already.
 * @type {Record<string, [string, string]>}
 */
const WITHOUT = {
  local: [
    "Not one correlation",
    "Every output has a kernel of its own, so no single kernel slides here. Make all kernels " +
      "equal and the gradients are those of a convolution again.",
  ],
  max: [
    "Only the winner",
    "Max pooling picks one cell of each window; its gradient goes back to that cell, and " +
      "nowhere else.",
  ],
  mean: [
    "Shared out equally",
    "Every cell of a window gets the same share of the window's gradient: the gradient of an " +
      "average is a transposed average.",
  ],
  swap: [
    "Already a correlation",
    "The gradient of a transposed convolution's input is the plain correlation of what arrives " +
      "with the kernel: the picture above is that correlation. A convolution and its transpose " +
      "are each other's backward pass.",
  ],
};

/** @param {ValuedModel} model @param {State} state @param {Exchanged} made @returns {Panels} */
function panelsOf(model, state, made) {
  const isKernel = state.leave === "w";
  const panel = (
    /** @type {Role} */ color,
    /** @type {number[]} */ values,
    /** @type {string} */ title,
    isResult = false,
  ) => {
    const letter = letterOf(state.letters, state.leave, color);
    return {
      color,
      letter,
      title,
      short: "",
      values,
      gradient: letter.length > 1,
      result: isResult,
      editable: false,
      first: 0,
    };
  };
  const big = isKernel ? model.big : "w";
  return {
    x: panel(big, made.values.x, isKernel ? "" : "padded"),
    w: panel(model.small, made.values.w, isKernel ? "as the kernel" : "flipped"),
    y: panel(state.leave, made.values.y, "", true),
  };
}

/** @param {ValuedModel} model @param {State} state */
function titleOf(model, state) {
  const letter = (/** @type {Role} */ role) =>
    html(`var.c${role}`, letterOf(state.letters, state.leave, role));
  if (state.leave === "w")
    return mixed`${letter("w")} = Correlation(${letter(model.big)}, ${letter(model.small)})`;
  const [padded, flipped] = [html("sub", "pad"), html("sub", "flip")];
  const operands = mixed`${letter("w")}${padded}, ${letter(model.small)}${flipped}`;
  return [letter(state.leave), " = Correlation(", ...operands, ")"];
}

/**
 * A number of the correlation's axes, in words where the two differ.
 * @param {Exchanged} made
 * @param {(axis: Axis) => number} of
 */
function along({ model: { axes } }, of) {
  const [a, b] = axes.map(of);
  const isLine = axes[0].input === 1 && axes[0].kernel === 1;
  return isLine || a === b ? written(b) : `${written(a)} (rows) and ${written(b)} (columns)`;
}

/**
 * How the kernel's gradient comes about by sliding.
 * @param {ValuedModel} model
 * @param {State} state
 * @param {Exchanged} made
 */
function kernelText(model, state, made) {
  const letter = (/** @type {Role} */ role) => letterOf(state.letters, state.leave, role);
  const [apart, steps] = [along(made, (axis) => axis.dilation), along(made, (axis) => axis.stride)];
  const traded =
    apart === "1" && steps === "1"
      ? ""
      : `: its cells ${apart} apart, in steps of ${steps}; stride and dilation have traded places`;
  const slides = model.swap ? "" : " The lecture writes dL/dW = Correlation(I, LO).";
  const [small, big] = [letter(model.small), letter(model.big)];
  return `The same numbers by sliding ${small} over ${big}${traded}.${slides}`;
}

/**
 * How the gradient of the input (forward, of a transposed convolution: the output) comes about.
 * @param {ValuedModel} model
 * @param {State} state
 * @param {Exchanged} made
 */
function bigText(model, state, made) {
  const small = letterOf(state.letters, state.leave, model.small);
  const [apart, steps] = [along(made, (axis) => axis.spread), along(made, (axis) => axis.dilation)];
  const [before, behind] = [along(made, (axis) => axis.low), along(made, (axis) => axis.high)];
  const parts = [
    "The same numbers by sliding: the kernel",
    apart === "1" ? "" : ` with its taps ${apart} apart and`,
    ` with ${before} zero${before === "1" ? "" : "s"} before it and ${behind} behind, `,
    `and ${small} flipped`,
    steps === "1" ? "." : `, its cells ${steps} apart: the stride has become a dilation.`,
    made.kernels > 1 ? " The channels add up." : "",
    state.leave === "y" && model.values.b.length ? " The bias is added behind it." : "",
    model.swap
      ? ""
      : ` It is the transposed convolution of ${small}: each of its cells lays a copy of the ` +
        "kernel back over the cells that it read, and copies that overlap add up.",
    model.swap ? "" : " The lecture writes dL/dI = Correlation(W_pad, LO_flip).",
  ];
  return parts.join("");
}

/**
 * @param {ValuedModel} model
 * @param {State} state
 * @param {Exchanged} made
 * @returns {(Node | string)[]}
 */
function textOf(model, state, made) {
  const isKernel = state.leave === "w";
  const [, columns] = made.model.axes;
  const letters = isKernel ? ["j", "i", "k"] : ["k", "j", "i′"];
  const colors = isKernel ? [model.big, "w", model.small] : ["w", model.big, model.small];
  const term = (/** @type {number} */ n) => html(`span.c${colors[n]}`, letters[n]);
  const { spread, low, stride, dilation } = columns;
  const [b, p, s, d] = [spread, low, stride, dilation].map(written);
  const terms = mixed`${b}·${term(0)} + ${p} = ${s}·${term(1)} + ${d}·${term(2)}`;
  const relation = html("span.math", ...terms);
  return [
    isKernel ? kernelText(model, state, made) : bigText(model, state, made),
    " It is the one relation again with its letters exchanged: ",
    relation,
    isKernel ? "." : " (i′ counts from the end).",
  ];
}
