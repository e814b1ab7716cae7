// The layer as a matrix, twice: a row a cell of one array, a column a cell of another; shades are
// taps. The same meetings, looked up by two of their three cells.
import { letterOf, shownValues, written } from "./names.js";
import { centred, html, shade, svg } from "./paint.js";

const [LEAST, MOST, TEXT_FROM, MOST_TEXTS] = [3, 22, 14, 700];
const BAR = 4; // between the vectors and the matrix

/** @typedef {{rows: Role, columns: Role, unit: number, inset: number, mark: SVGElement}} Drawn */

/**
 * @param {Store} store
 * @returns {HTMLElement}
 */
export function matrixPart(store) {
  const title = html("h2");
  const text = html("p");
  const figures = html("div.matrices");
  const section = html("section.matrix", title, text, figures);
  /** @type {Drawn[]} */
  let drawn = [];
  store.subscribe((change) => {
    const { model, state } = store;
    section.hidden = !model || store.refusal !== "";
    if (section.hidden || !model) return;
    if (change === "state") {
      const byWeights = state.leave === "w";
      title.textContent = byWeights ? "As a matrix: by the weights" : "As a matrix";
      text.textContent = saysOf(model, state);
      const columns = /** @type {Role} */ (byWeights ? "w" : model.big);
      const made = [
        matrix(store, model, model.small, columns),
        matrix(store, model, columns, model.small),
      ];
      if (model.swap && !byWeights) made.reverse();
      figures.replaceChildren(...made.map((each) => each.figure));
      drawn = made.map((each) => each.drawn);
    }
    for (const each of drawn) mark(each, model, store.focus(), store.pair);
  });
  return section;
}

/**
 * @param {ValuedModel} model
 * @param {State} state
 */
function saysOf(model, state) {
  if (model.pool === "max") return "Which cells win is a matrix of ones, and it changes with x.";
  if (state.leave === "w") {
    const big = letterOf(state.letters, state.leave, model.big);
    return `Every row is a window of ${big}. Its transpose gives the gradient of the weights.`;
  }
  if (model.swap) return "The matrix of the forward pass is the transpose of a correlation’s.";
  return (
    "Every row is one place of the window, every shade one tap. A change of one cell of x moves " +
    "y by that cell's column, so backward (the chain rule) is the same matrix, transposed."
  );
}

/**
 * @param {Store} store
 * @param {ValuedModel} model
 * @param {Role} rows
 * @param {Role} columns
 */
function matrix(store, model, rows, columns) {
  const entry = /** @type {Role} */ (
    ["x", "w", "y"].find((role) => role !== rows && role !== columns)
  );
  const [height, width] = [model.count[rows], model.count[columns]];
  const unit = unitOf(height, width);
  const bar = Math.max(6, Math.min(20, unit));
  const inset = bar + BAR;
  const root = svg("svg", {
    width: inset + width * unit + 2,
    height: inset + height * unit + 2,
    role: "img",
    "aria-label": `matrix of ${height} rows and ${width} columns`,
  });
  root.append(
    svg("rect", {
      class: "ground",
      x: inset,
      y: inset,
      width: width * unit,
      height: height * unit,
    }),
  );
  root.append(...entries(model, store.state, rows, columns, entry, unit, inset));
  for (let c = 0; c < width; c++)
    root.append(strip(columns, inset + c * unit, 0, Math.max(unit - 1, 1.5), bar - 1));
  for (let r = 0; r < height; r++)
    root.append(strip(rows, 0, inset + r * unit, bar - 1, Math.max(unit - 1, 1.5)));
  const mark = svg("g");
  root.append(mark);
  root.addEventListener("pointermove", (event) => {
    if (store.playing) return;
    const box = root.getBoundingClientRect();
    const c = Math.floor((event.clientX - box.left - inset) / unit);
    const r = Math.floor((event.clientY - box.top - inset) / unit);
    if (c < 0 || r < 0 || c >= width || r >= height) return;
    store.look({ role: rows, cell: r });
    store.point(model.meets[rows][r].find((meeting) => model[columns][meeting] === c) ?? null);
  });
  root.addEventListener("pointerleave", () => store.look(null));
  const caption = html("figcaption", ...captionOf(model, store.state, rows, columns, entry));
  const named = { tabindex: 0, role: "group", "aria-label": caption.textContent };
  const figure = html("figure", named, caption, root);
  return { figure, drawn: { rows, columns, unit, inset, mark } };
}

/**
 * @param {number} height
 * @param {number} width
 */
function unitOf(height, width) {
  const side = 620 / (height + width);
  return Math.max(LEAST, Math.min(MOST, side > 11 ? side : 560 / Math.max(height, width)));
}

/**
 * @param {Role} role
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
function strip(role, x, y, width, height) {
  return svg("rect", { class: `strip ${role}`, x, y, width, height, rx: Math.min(2, width / 2) });
}

/**
 * The entries: a path for each tap, and their numbers where there is room.
 * @param {ValuedModel} model
 * @param {State} state
 * @param {Role} rows
 * @param {Role} columns
 * @param {Role} entry
 * @param {number} unit
 * @param {number} inset
 */
function entries(model, state, rows, columns, entry, unit, inset) {
  const shades = entry === "w" ? model.taps : 1;
  const paths = new Array(shades).fill("");
  const texts = [];
  const side = unit - (unit > 6 ? 1 : 0);
  const values = model.pool
    ? null
    : shownValues(model, state.leave === entry ? "y" : state.leave, entry);
  for (let meeting = 0; meeting < model.x.length; meeting++) {
    if (model.pool === "max" && model.values.best[model.y[meeting]] !== meeting) continue;
    const x = inset + model[columns][meeting] * unit;
    const y = inset + model[rows][meeting] * unit;
    paths[entry === "w" ? tapOf(model, meeting) : 0] += `M${x} ${y}h${side}v${side}h${-side}z`;
    if (unit < TEXT_FROM || model.x.length > MOST_TEXTS) continue;
    const share = model.pool === "mean" ? 1 / model.divisors[model.y[meeting] % model.places] : 1;
    const text = written(values ? values[model[entry][meeting]] : share);
    if (text.length > 4) continue;
    const size = Math.min(unit * 0.55, (unit * 1.6) / text.length, 12);
    texts.push(centred(x, y, side, text, size));
  }
  const depth = (/** @type {number} */ tap) => (shades > 1 ? 16 + (44 * tap) / (shades - 1) : 34);
  return [
    ...paths.map((d, tap) => {
      const path = svg("path", { d });
      path.style.fill = shade(entry, depth(tap));
      return path;
    }),
    ...texts,
  ];
}

/**
 * @param {ValuedModel} model
 * @param {number} meeting
 */
function tapOf(model, meeting) {
  const at = model.local ? Math.floor(model.w[meeting] / model.places) : model.w[meeting];
  return at % model.taps;
}

/**
 * "y = A x", "gx = Aᵀ gy", "gw = Mᵀ gy": which vector is which.
 * @param {ValuedModel} model
 * @param {State} state
 * @param {Role} rows
 * @param {Role} columns
 * @param {Role} entry
 */
function captionOf(model, state, rows, columns, entry) {
  const isForward = rows === (model.swap ? "y" : model.small) && rows === "y" && columns !== "y";
  const letter = (/** @type {Role} */ role, /** @type {boolean} */ gradient) =>
    html(
      `var.c${role}`,
      letterOf(state.letters, gradient ? (role === "w" ? "w" : "x") : "y", role),
    );
  const name = entry === "w" ? "A" : "M";
  return [
    letter(rows, !isForward),
    " = ",
    html(`var.c${entry}`, isForward ? name : `${name}ᵀ`),
    " ",
    letter(columns, !isForward),
  ];
}

/**
 * Outlines of the row, the column, or the entries of a cell, and of the meeting pointed at.
 * @param {Drawn} drawn
 * @param {ValuedModel} model
 * @param {Focus} focus
 * @param {number | null} pair
 */
function mark({ rows, columns, unit, inset, mark: group }, model, focus, pair) {
  const outline = (/** @type {string} */ name, /** @type {number[]} */ [x, y, width, height]) =>
    svg("rect", { class: name, x: x - 1, y: y - 1, width: width + 1, height: height + 1, rx: 2 });
  const at = (/** @type {number} */ meeting) => [
    inset + model[columns][meeting] * unit,
    inset + model[rows][meeting] * unit,
    unit,
    unit,
  ];
  const made = [];
  if (focus.role === rows) {
    made.push(
      outline("outline", [0, inset + focus.cell * unit, inset + model.count[columns] * unit, unit]),
    );
  } else if (focus.role === columns) {
    made.push(
      outline("outline", [inset + focus.cell * unit, 0, unit, inset + model.count[rows] * unit]),
    );
  } else
    made.push(
      ...model.meets[focus.role][focus.cell].map((meeting) => outline("outline", at(meeting))),
    );
  if (pair !== null) made.push(outline("outline pair", at(pair)));
  group.replaceChildren(...made);
}
