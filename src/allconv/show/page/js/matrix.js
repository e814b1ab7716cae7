// The layer as a matrix, twice: a row a cell of one array, a column a cell of another; shades are
// taps. The same meetings, looked up by two of their three cells.
import { ROLES, weightParts } from "./model.js";
import { letterOf, shownValues, written } from "./names.js";
import { centred, html, shade, svg } from "./paint.js";

const [LEAST, MOST, TEXT_FROM, MOST_TEXTS] = [3, 22, 14, 700];
const BAR = 4; // between the vectors and the matrix

/** @param {Store} store */
export function matrixPart(store) {
  const title = html("h2");
  const text = html("p");
  const figures = html("div.matrices");
  const section = html("section.matrix", title, text, figures);
  /** @type {Matrix[]} */
  let drawn = [];
  return store.follow(section, (model, change) => {
    const { state } = store;
    if (change === "state") {
      const byWeights = state.leave === "w";
      title.textContent = byWeights ? "As a matrix: by the weights" : "As a matrix";
      text.textContent = saysOf(model, state);
      const columns = /** @type {Role} */ (byWeights ? "w" : model.big);
      drawn = [
        new Matrix(store, model, model.small, columns),
        new Matrix(store, model, columns, model.small),
      ];
      if (model.swap && !byWeights) drawn.reverse();
      figures.replaceChildren(...drawn.map((each) => each.figure()));
    }
    for (const each of drawn) each.mark(store.focus(), store.pair);
  });
}

/** @param {ValuedModel} model @param {State} state */
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

/** One of the two matrices, and the figure that shows it. */
class Matrix {
  /** @param {Store} store @param {ValuedModel} model @param {Role} rows @param {Role} columns */
  constructor(store, model, rows, columns) {
    this.store = store;
    this.model = model;
    this.rows = rows;
    this.columns = columns;
    this.entry = /** @type {Role} */ (ROLES.find((role) => role !== rows && role !== columns));
    this.height = model.count[rows];
    this.width = model.count[columns];
    const side = 620 / (this.height + this.width);
    const most = side > 11 ? side : 560 / Math.max(this.height, this.width);
    this.unit = Math.max(LEAST, Math.min(MOST, most));
    /** How thick the vectors beside the matrix are. */
    this.bar = Math.max(6, Math.min(20, this.unit));
    this.inset = this.bar + BAR;
    this.marks = svg("g");
  }

  /** The matrix with its caption. */
  figure() {
    const { store, height, width, unit, bar, inset } = this;
    const root = svg("svg", {
      width: inset + width * unit + 2,
      height: inset + height * unit + 2,
      role: "img",
      "aria-label": `matrix of ${height} rows and ${width} columns`,
    });
    const ground = { x: inset, y: inset, width: width * unit, height: height * unit };
    root.append(svg("rect", { class: "ground", ...ground }), ...this.entries());
    const cell = Math.max(unit - 1, 1.5);
    for (let c = 0; c < width; c++)
      root.append(strip(this.columns, { x: inset + c * unit, y: 0, width: cell, height: bar - 1 }));
    for (let r = 0; r < height; r++)
      root.append(strip(this.rows, { x: 0, y: inset + r * unit, width: bar - 1, height: cell }));
    root.append(this.marks);
    root.addEventListener("pointermove", (event) => {
      const box = root.getBoundingClientRect();
      if (!store.playing) this.point(event.clientX - box.left, event.clientY - box.top);
    });
    root.addEventListener("pointerleave", () => store.look(null));
    const caption = html("figcaption", ...this.caption());
    const named = { tabindex: 0, role: "group", "aria-label": caption.textContent };
    return html("figure", named, caption, root);
  }

  /** Look at the row, and the entry, under the pointer. @param {number} x @param {number} y */
  point(x, y) {
    const { store, model, rows, columns, unit, inset } = this;
    const [c, r] = [Math.floor((x - inset) / unit), Math.floor((y - inset) / unit)];
    if (c < 0 || r < 0 || c >= this.width || r >= this.height) return;
    store.look({ role: rows, cell: r });
    store.point(model.meets[rows][r].find((meeting) => model[columns][meeting] === c) ?? null);
  }

  /** Where the entry of a meeting lies. @param {number} meeting @returns {Box} */
  box(meeting) {
    const { model, rows, columns, unit, inset } = this;
    const [x, y] = [model[columns][meeting], model[rows][meeting]];
    return { x: inset + x * unit, y: inset + y * unit, width: unit, height: unit };
  }

  /** The entries: a path for each tap, and their numbers where there is room. */
  entries() {
    const { model, entry, unit } = this;
    const { leave } = this.store.state;
    const shades = entry === "w" ? model.taps : 1;
    const paths = new Array(shades).fill("");
    const texts = [];
    const side = unit - (unit > 6 ? 1 : 0);
    const values = model.pool ? null : shownValues(model, leave === entry ? "y" : leave, entry);
    for (let meeting = 0; meeting < model.x.length; meeting++) {
      if (model.pool === "max" && model.values.best[model.y[meeting]] !== meeting) continue;
      const { x, y } = this.box(meeting);
      const tap = entry === "w" ? weightParts(model, model.w[meeting])[1] : 0;
      paths[tap] += `M${x} ${y}h${side}v${side}h${-side}z`;
      if (unit < TEXT_FROM || model.x.length > MOST_TEXTS) continue;
      const share = model.pool === "mean" ? 1 / model.divisors[model.y[meeting] % model.places] : 1;
      const text = written(values ? values[model[entry][meeting]] : share);
      if (text.length > 4) continue;
      const size = Math.min(unit * 0.55, (unit * 1.6) / text.length, 12);
      texts.push(centred(x, y, side, text, size));
    }
    const shaded = paths.map((d, tap) => {
      const path = svg("path", { d });
      path.style.fill = shade(entry, shades > 1 ? 16 + (44 * tap) / (shades - 1) : 34);
      return path;
    });
    return [...shaded, ...texts];
  }

  /** "y = A x", "gx = Aᵀ gy", "gw = Mᵀ gy": which vector is which. */
  caption() {
    const { rows, columns, entry } = this;
    const { letters } = this.store.state;
    const isForward = rows === "y" && columns !== "y";
    const letter = (/** @type {Role} */ role) => {
      const leave = isForward ? "y" : role === "w" ? "w" : "x";
      return html(`var.c${role}`, letterOf(letters, leave, role));
    };
    const name = entry === "w" ? "A" : "M";
    const matrix = html(`var.c${entry}`, isForward ? name : `${name}ᵀ`);
    return [letter(rows), " = ", matrix, " ", letter(columns)];
  }

  /**
   * Outlines of the row, the column, or the entries of a cell, and of the meeting pointed at.
   * @param {Focus} focus
   * @param {number | null} pair
   */
  mark(focus, pair) {
    const { unit, inset } = this;
    const at = inset + focus.cell * unit;
    const made = [];
    if (focus.role === this.rows) {
      made.push(outline({ x: 0, y: at, width: inset + this.width * unit, height: unit }));
    } else if (focus.role === this.columns) {
      made.push(outline({ x: at, y: 0, width: unit, height: inset + this.height * unit }));
    } else {
      const { meets } = this.model;
      made.push(...meets[focus.role][focus.cell].map((each) => outline(this.box(each))));
    }
    if (pair !== null) made.push(outline(this.box(pair), "outline pair"));
    this.marks.replaceChildren(...made);
  }
}

/** @param {Role} role @param {Box} box */
function strip(role, box) {
  return svg("rect", { class: `strip ${role}`, ...box, rx: Math.min(2, box.width / 2) });
}

/** @param {Box} box */
function outline({ x, y, width, height }, name = "outline") {
  const around = { x: x - 1, y: y - 1, width: width + 1, height: height + 1 };
  return svg("rect", { class: name, ...around, rx: 2 });
}
