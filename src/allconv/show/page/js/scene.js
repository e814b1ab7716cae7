// The stage as a list of primitives: three panels, two ribbons, the window, and what meets the cell
// that is looked at. `stage/scene.py` makes the same list; a test compares them.
import { firstWindow } from "./layout.js";
import { channelPairs, pairsWith, ROLES } from "./model.js";
import { placeOf, written } from "./names.js";
import { shared } from "./shared.js";

/** @typedef {{grid: Grid, box: Box}} Place */

/**
 * @param {Model & {values?: Values}} model
 * @param {Panels} panels
 * @param {Layout} layout
 * @param {SceneOptions} options
 * @returns {Scene}
 */
export function sceneOf(model, panels, layout, options) {
  const { width, height, vertical } = layout;
  return { width, height, vertical, items: new Painter(model, panels, layout, options).items() };
}

/** Makes the primitives of one scene. */
class Painter {
  /**
   * @param {Model & {values?: Values}} model
   * @param {Panels} panels
   * @param {Layout} layout
   * @param {SceneOptions} options
   */
  constructor(model, panels, layout, options) {
    const { focus } = options;
    this.model = model;
    this.panels = panels;
    this.layout = layout;
    this.options = options;
    this.focus = focus;
    this.unit = layout.unit;
    this.sizes = shared.layout;
    /** Whether a window stands for the cell that is looked at. */
    this.isWindow = focus.role === model.small;
    this.meetings = model.meets[focus.role][focus.cell] ?? [];
    const [plane, row, column] = placeOf(model, focus.role, focus.cell);
    const pairs = pairsWith(model, model.small, plane);
    /** The planes of the big side, and the kernels, that the plane of the window meets. */
    this.partners = {
      big: new Set(pairs.map((pair) => pair[model.swap ? 1 : 0])),
      kernels: new Set(pairs.map((pair) => pair[2])),
    };
    const [rows, columns] = model.axes;
    /** Where the window begins, in rows and columns of the big grid. */
    this.start = [
      rows.stride * row + firstWindow(rows),
      columns.stride * column + firstWindow(columns),
    ];
    this.found = this.cellsByPlace();
    this.marked = this.markedCells();
  }

  /** All of them, from below. */
  items() {
    return [
      ...this.ribbons(),
      ...ROLES.flatMap((role) => this.panel(role)),
      ...this.frames(),
      ...(this.options.still ? [] : [...this.dots(), ...this.corners()]),
    ];
  }

  /** The grid and the box of every cell of an array that is drawn, by "role:cell". */
  cellsByPlace() {
    /** @type {Map<string, Place>} */
    const found = new Map();
    for (const role of ROLES) {
      for (const grid of this.layout.panels[role].grids) {
        for (const { cell, row, column } of grid.cells) {
          if (cell === null) continue;
          found.set(`${role}:${cell}`, { grid, box: this.box(grid, row, column) });
        }
      }
    }
    return found;
  }

  /**
   * The box of a cell of a grid, or of so many rows and columns from it on.
   * @param {Grid} grid
   * @param {number} row
   * @param {number} column
   * @returns {Box}
   */
  box(grid, row, column, rows = 1, columns = 1) {
    const { unit } = this;
    const [x, y] = [grid.x + column * unit, grid.y + row * unit];
    return { x, y, width: columns * unit, height: rows * unit };
  }

  /** @param {Grid} grid */
  windowBox(grid) {
    const reaches = this.model.axes.map((axis) => axis.dilation * (axis.kernel - 1) + 1);
    return this.box(grid, this.start[0], this.start[1], reaches[0], reaches[1]);
  }

  /**
   * The classes of cells that are more than they always are, by "role:cell" and, of padding,
   * "role:plane/row,column".
   */
  markedCells() {
    const { model, focus, options } = this;
    /** @type {Map<string, string[]>} */
    const marked = new Map();
    const add = (/** @type {string} */ key, /** @type {string} */ name) =>
      marked.set(key, [...(marked.get(key) ?? []), name]);
    const lit = new Set(this.isWindow ? this.litWindow() : []);
    for (const meeting of this.meetings) {
      for (const role of ROLES) {
        if (role !== focus.role) lit.add(`${role}:${model[role][meeting]}`);
      }
    }
    for (const key of lit) add(key, "lit");
    add(`${focus.role}:${focus.cell}`, "chosen");
    const best = this.isWindow ? (model.values?.best[focus.cell] ?? -1) : -1;
    if (best >= 0) add(`x:${model.x[best]}`, "won");
    const { pair = null } = options;
    if (pair !== null) for (const role of ROLES) add(`${role}:${model[role][pair]}`, "pair");
    return marked;
  }

  /** The window: its padding too, and the whole kernels that it meets. */
  *litWindow() {
    const [rows, columns] = this.model.axes;
    for (const big of this.partners.big) {
      for (let k0 = 0; k0 < rows.kernel; k0++) {
        for (let k1 = 0; k1 < columns.kernel; k1++) {
          const row = this.start[0] + rows.dilation * k0;
          const column = this.start[1] + columns.dilation * k1;
          yield `${this.model.big}:${big}/${row},${column}`;
        }
      }
    }
    for (const grid of this.layout.panels.w.grids) {
      if (!this.partners.kernels.has(grid.plane)) continue;
      for (const at of grid.cells) yield `w:${at.cell}`;
    }
  }

  /**
   * A panel: its plate (a dashed slot where the array is left out), its caption, its cells.
   * @param {Role} role
   * @returns {Primitive[]}
   */
  panel(role) {
    const { sizes } = this;
    const [panel, place] = [this.panels[role], this.layout.panels[role]];
    const width = panel.title.length * sizes.captionLetter;
    const isWide = width > Math.max(place.width, sizes.captionLeast);
    const plate = `${panel.result ? "slot" : "plate"} ${panel.color}`;
    const caption = text(
      `caption:${role}`,
      `caption ${panel.color}`,
      [place.x + place.width / 2, place.y - sizes.captionAbove],
      sizes.captionSize,
      isWide ? panel.short : panel.title,
    );
    const isTagged = place.grids.length > 1 && this.unit >= sizes.tagUnit;
    return [
      rect(`plate:${role}`, plate, grown(place, sizes.plate), sizes.plate + 1),
      { ...caption, letter: panel.letter },
      ...place.grids.flatMap((grid) => [
        ...(isTagged ? [this.tag(role, grid)] : []),
        ...grid.cells.flatMap((at) => this.cell(role, grid, at)),
      ]),
    ];
  }

  /**
   * The channel of a grid, below it; of a kernel "1 → 0": from channel 1 to channel 0.
   * @param {Role} role
   * @param {Grid} grid
   */
  tag(role, grid) {
    const { model, sizes, unit } = this;
    const { first } = this.panels[role];
    const [input, output] = channelPairs(model).find((pair) => pair[2] === grid.plane) ?? [0, 0];
    const kernel = `${input + first} → ${output + first}`;
    const x = grid.x + (grid.columns * unit) / 2;
    const y = grid.y + grid.rows * unit + sizes.tagBelow * unit;
    const said = role === "w" ? kernel : `channel ${grid.plane + first}`;
    return text(`tag:${role}:${grid.plane}`, "tag", [x, y], sizes.tagSize, said);
  }

  /**
   * A cell and the number in it.
   * @param {Role} role
   * @param {Grid} grid
   * @param {GridCell} at
   * @returns {Primitive[]}
   */
  cell(role, grid, at) {
    const { sizes, unit } = this;
    const place = `${role}:${grid.plane}/${at.row},${at.column}`;
    // Of a local layer a kernel's cells keep their keys whatever place they are of.
    const byPlace = at.cell === null || (role === "w" && this.model.local);
    const key = byPlace ? place : `${role}:${at.cell}`;
    const classes = this.classes(role, at, place);
    const isRound = classes.includes("round");
    const number = this.cellText(this.panels[role], at, classes);
    const share = Math.min(sizes.number, sizes.numberWidth / Math.max(number.length, 1));
    const size = unit * share * (isRound ? 0.9 : 1);
    const box = this.box(grid, at.row, at.column);
    const joined = classes.join(" ");
    const radius = isRound ? unit * sizes.round : Math.min(3, unit * 0.1);
    const middle = /** @type {Pair} */ ([
      box.x + unit / 2,
      box.y + unit / 2 + size * sizes.baseline,
    ]);
    return [
      {
        ...rect(key, joined, grown(box, -0.5), radius),
        ...(at.cell === null ? {} : { cell: `${role}:${at.cell}` }),
      },
      text(`${key}:number`, joined.replace("cell", "number"), middle, size, number),
    ];
  }

  /** @param {Role} role @param {GridCell} at @param {string} place */
  classes(role, at, place) {
    const panel = this.panels[role];
    const marks = this.marked.get(place) ?? [];
    if (at.cell === null) return ["cell", panel.color, "ghost", ...marks];
    const classes = ["cell", panel.color];
    if (!this.model.meets[role][at.cell].length) classes.push("dull");
    if (panel.gradient) classes.push("round");
    if (panel.editable) classes.push("editable");
    if (this.isHidden(panel, at.cell)) classes.push("hidden");
    return [...classes, ...new Set([...(this.marked.get(`${role}:${at.cell}`) ?? []), ...marks])];
  }

  /** @param {Panel} panel @param {number} cell */
  isHidden(panel, cell) {
    const { upto = null, covered = false } = this.options;
    return panel.result && (covered || (upto !== null && cell > upto && cell !== this.focus.cell));
  }

  /** @param {Panel} panel @param {GridCell} at @param {string[]} classes */
  cellText(panel, at, classes) {
    if (classes.includes("hidden")) return "";
    const isMax = this.model.pool === "max";
    if (at.cell === null) return isMax || this.unit < this.sizes.ghostUnit ? "" : "0";
    return isMax && panel.color === "w" ? "" : written(panel.values[at.cell]);
  }

  /** The window in the kernel's colour, on every plane that it meets. */
  frames() {
    const grids = this.isWindow ? this.layout.panels[this.model.big].grids : [];
    return grids
      .filter((grid) => this.partners.big.has(grid.plane))
      .map((grid, n) => {
        const box = grown(this.windowBox(grid), 1);
        return rect(`frame:${n}`, `frame ${this.panels.w.color}`, box, 4);
      });
  }

  /**
   * Two ribbons for every three planes that meet: what is wide and what is narrow tells which array
   * is left out.
   */
  ribbons() {
    return this.joinedBoxes().flatMap((boxes, n) => [
      this.ribbon(n, "x", "w", boxes),
      this.ribbon(n, "w", "y", boxes),
    ]);
  }

  /** For every three planes that meet, the box in each that takes part. */
  joinedBoxes() {
    const { model, focus, found } = this;
    /** @type {Map<string, Record<Role, Box>>} */
    const groups = new Map();
    for (const meeting of this.meetings) {
      const places = ROLES.map((role) => found.get(`${role}:${model[role][meeting]}`));
      if (places.includes(undefined)) continue; // a local layer draws the kernels of one place
      const [x, w, y] = /** @type {Place[]} */ (places);
      const key = [x, w, y].map((place) => place.grid.plane).join();
      const known = groups.get(key);
      const boxes = { x: x.box, w: w.box, y: y.box };
      if (this.isWindow) {
        boxes[model.big] = this.windowBox(model.big === "x" ? x.grid : y.grid);
        boxes.w = this.box(w.grid, 0, 0, w.grid.rows, w.grid.columns);
      } else if (known) {
        for (const role of ROLES) {
          if (role !== focus.role) boxes[role] = union(known[role], boxes[role]);
        }
      }
      groups.set(key, boxes);
    }
    return [...groups.values()];
  }

  /**
   * @param {number} n
   * @param {Role} one
   * @param {Role} other
   * @param {Record<Role, Box>} boxes
   * @returns {Primitive}
   */
  ribbon(n, one, other, { [one]: a, [other]: b }) {
    const classes = `ribbon ${this.panels[one].color}${this.panels[other].color}`;
    const points = this.layout.vertical
      ? [a.x, a.y + a.height, b.x, b.y, b.x + b.width, a.x + a.width]
      : [a.x + a.width, a.y, b.x, b.y, b.y + b.height, a.y + a.height];
    const shape = this.layout.vertical ? "down" : "across";
    return { kind: "path", key: `ribbon:${n}:${one}${other}`, classes, points, shape };
  }

  /** Where the window may stand, where that is not everywhere. @returns {Primitive[]} */
  dots() {
    const { model, sizes, unit } = this;
    const [rows, columns] = model.axes;
    if (unit < sizes.dotUnit || (rows.stride === 1 && columns.stride === 1)) return [];
    const classes = `dot ${this.panels[model.small].color}`;
    return this.layout.panels[model.big].grids.flatMap((grid) =>
      Array.from({ length: model.places }, (_, place) => {
        const row = rows.stride * Math.floor(place / columns.output) + firstWindow(rows);
        const column = columns.stride * (place % columns.output) + firstWindow(columns);
        return /** @type {const} */ ({
          kind: "circle",
          key: `dot:${grid.plane}:${place}`,
          classes,
          x: grid.x + column * unit + sizes.dotInset,
          y: grid.y + row * unit + sizes.dotInset,
          radius: sizes.dotRadius,
        });
      }),
    );
  }

  /** The partner's number in the corner of every cell that takes part. */
  corners() {
    const { model, panels, focus, sizes, unit } = this;
    if (unit < sizes.cornerUnit || model.pool === "max" || this.options.covered) return [];
    const on = focus.role === "x" ? "y" : "x";
    const partner = focus.role === "w" ? "y" : "w";
    if (panels[on].result || panels[partner].result) return [];
    /** @type {Primitive[]} */
    const items = [];
    for (const meeting of this.meetings) {
      const place = this.found.get(`${on}:${model[on][meeting]}`);
      const number = written(panels[partner].values[model[partner][meeting]]);
      if (!place || number.length > sizes.cornerLetters) continue;
      const key = `corner:${items.length}`;
      const width = Math.min(number.length * 0.15, 0.5) * unit + 5;
      const [right, top] = [place.box.x + unit, place.box.y];
      const box = { x: right - width - 1, y: top + 1.5, width, height: unit * 0.28 };
      const at = /** @type {Pair} */ ([right - 3.5, top + unit * 0.25 + 1]);
      const size = unit * Math.min(0.25, 0.8 / number.length);
      const shown = text(`${key}:number`, `partner ${panels[partner].color}`, at, size, number);
      items.push(rect(key, "corner", box, 2), { ...shown, anchor: "end" });
    }
    return items;
  }
}

/** @param {string} key @param {string} classes @param {Box} box @param {number} radius */
function rect(key, classes, { x, y, width, height }, radius) {
  return { kind: /** @type {const} */ ("rect"), key, classes, x, y, width, height, radius };
}

/**
 * A text around its middle.
 * @param {string} key
 * @param {string} classes
 * @param {Pair} at
 * @param {number} size
 * @param {string} text
 */
function text(key, classes, [x, y], size, text) {
  return /** @type {const} */ ({ kind: "text", key, classes, x, y, size, anchor: "middle", text });
}

/** A box with so much more on every side. @param {Box} box @param {number} by */
function grown({ x, y, width, height }, by) {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

/** The smallest box around both. @param {Box} a @param {Box} b @returns {Box} */
function union(a, b) {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const right = Math.max(a.x + a.width, b.x + b.width);
  const bottom = Math.max(a.y + a.height, b.y + b.height);
  return { x, y, width: right - x, height: bottom - y };
}
