// Where the three panels and their cells stand, in pixels. Arrays never move: x, w, y from left to
// right, or from top to bottom where there is little room.
import { reachOf } from "./geometry.js";
import { ROLES, weightAt } from "./model.js";
import { shared } from "./shared.js";

/**
 * Cells of zeros before the first cell and behind the last one that a window can cover.
 * @param {Axis} axis
 * @returns {Pair}
 */
export function ghostsOf(axis) {
  const covered = axis.stride * (axis.output - 1) + reachOf(axis.kernel, axis.dilation);
  const beyond = covered - reachOf(axis.input, axis.spread) - axis.low;
  return [Math.max(axis.low, 0), Math.max(axis.high - axis.extra, beyond, 0)];
}

/** Where the first window begins, in cells of the drawn axis. @param {Axis} axis */
export function firstWindow(axis) {
  return Math.max(axis.low, 0) - axis.low;
}

/**
 * @param {Model} model
 * @param {number} place the place whose kernels a local layer shows
 * @param {{width: number, unit?: number, height?: number}} room
 * @returns {Layout}
 */
export function layoutOf(model, place, room) {
  const { layout } = shared;
  const vertical = room.width < layout.narrow;
  const sides = ROLES.map((role) => sideOf(model, role, place, vertical));
  const across = sides.reduce((sum, side) => sum + side.columns, 0);
  const widest = Math.max(...sides.map((side) => side.columns));
  const tallest = Math.max(...sides.map((side) => side.rows));
  const gap = vertical
    ? layout.gapVertical
    : clamp((room.width - across * layout.gapUnit) / 3, layout.gapLeast, layout.gapMost);
  const unit = unitOf(model, room, { vertical, across, widest, tallest, gap });
  const caption = vertical ? layout.captionVertical : layout.caption;
  const width = vertical
    ? Math.max(widest * unit + layout.margin, room.width)
    : across * unit + 2 * gap + layout.margin;
  const rows = sides.reduce((sum, side) => sum + side.rows, 0);
  const height = vertical
    ? rows * unit + 3 * caption + 2 * gap + layout.foot
    : tallest * unit + caption + layout.foot;
  const panelPlaces = /** @type {Layout["panels"]} */ ({});
  let [left, top] = [layout.margin / 2, caption + layout.head];
  ROLES.forEach((role, n) => {
    const side = sides[n];
    const x = vertical ? (width - side.columns * unit) / 2 : left;
    const y = vertical ? top : caption + ((tallest - side.rows) * unit) / 2;
    panelPlaces[role] = placed(side, x, y, unit);
    left += side.columns * unit + gap;
    top += side.rows * unit + caption + gap;
  });
  return { unit, vertical, width, height, panels: panelPlaces };
}

/**
 * @param {Model} model
 * @param {{width: number, unit?: number, height?: number}} room
 * @param {{vertical: boolean, across: number, widest: number, tallest: number, gap: number}} size
 */
function unitOf(model, room, { vertical, across, widest, tallest, gap }) {
  const { layout } = shared;
  if (vertical) {
    const fitting = Math.min(layout.unitVertical, (room.width - layout.margin) / widest);
    return Math.max(fitting, layout.unitLeast);
  }
  const isLine = model.sizes.x[0] === 1 && model.sizes.y[0] === 1 && model.kernel[0] === 1;
  const usual = room.unit ?? (isLine ? layout.unitLine : layout.unit);
  const height = Math.max(room.height ?? layout.height, tallest * layout.unitLeast);
  const fitting = Math.min((room.width - layout.margin - 2 * gap) / across, height / tallest);
  return Math.max(Math.min(usual, fitting), layout.unitLeast);
}

/** @param {number} value @param {number} least @param {number} most */
function clamp(value, least, most) {
  return Math.max(least, Math.min(most, value));
}

/** @typedef {{rows: number, columns: number, grids: Grid[]}} Side grids at places in cells */

/**
 * The grids of a panel, in cells: channels below each other, or beside each other where panels
 * stack; kernels by input and output channel.
 * @param {Model} model
 * @param {Role} role
 * @param {number} place
 * @param {boolean} vertical
 * @returns {Side}
 */
function sideOf(model, role, place, vertical) {
  const gap = shared.layout.planeGap;
  const grids = role === "w" ? kernels(model, place) : planesOf(model, role);
  const [{ rows, columns }] = grids;
  let [across, down] = [1, 1];
  for (const grid of grids) {
    const [first, second] = role === "w" ? kernelPlace(model, grid.plane) : [grid.plane, 0];
    const [line, column] = vertical ? [second, first] : [first, second];
    grid.y = line * (rows + gap);
    grid.x = column * (columns + gap);
    down = Math.max(down, line + 1);
    across = Math.max(across, column + 1);
  }
  return {
    rows: down * (rows + gap) - (grids.length > 1 ? 0 : gap), // tags stand below
    columns: across * columns + (across - 1) * gap,
    grids,
  };
}

/**
 * The line (input channel of its group) and column (output channel) of a kernel.
 * @param {Model} model
 * @param {number} plane
 * @returns {Pair}
 */
export function kernelPlace({ inputs, outputs, groups, swap, pool }, plane) {
  if (pool) return [0, 0];
  const [each, made] = [inputs / groups, outputs / groups];
  if (!swap) return [plane % each, Math.floor(plane / each)];
  const input = Math.floor(plane / made);
  return [input % each, Math.floor(input / each) * made + (plane % made)];
}

/** @param {Model} model @param {number} place @returns {Grid[]} */
function kernels(model, place) {
  const [rows, columns] = model.axes;
  const grids = [];
  for (let plane = 0; plane < model.planes.w; plane++) {
    const cells = [];
    for (let k0 = 0; k0 < rows.kernel; k0++) {
      for (let k1 = 0; k1 < columns.kernel; k1++) {
        const at = k0 * columns.kernel + k1;
        const tap = model.flip ? model.taps - 1 - at : at;
        cells.push({
          row: rows.dilation * k0,
          column: columns.dilation * k1,
          cell: weightAt(model, plane, tap, place),
        });
      }
    }
    const height = reachOf(rows.kernel, rows.dilation);
    const width = reachOf(columns.kernel, columns.dilation);
    grids.push({ plane, rows: height, columns: width, x: 0, y: 0, cells });
  }
  return grids;
}

/** @param {Model} model @param {Role} role @returns {Grid[]} */
function planesOf(model, role) {
  const [height, width] = model.sizes[role];
  const isBig = role === model.big;
  const grids = [];
  for (let plane = 0; plane < model.planes[role]; plane++) {
    grids.push(isBig ? paddedGrid(model, plane, height, width) : plainGrid(plane, height, width));
  }
  return grids;
}

/** @param {number} plane @param {number} height @param {number} width @returns {Grid} */
function plainGrid(plane, height, width) {
  const cells = Array.from({ length: height * width }, (_, at) => ({
    row: Math.floor(at / width),
    column: at % width,
    cell: plane * height * width + at,
  }));
  return { plane, rows: height, columns: width, x: 0, y: 0, cells };
}

/**
 * The side that windows slide over: with its padding and the zeros of its spread.
 * @param {Model} model
 * @param {number} plane
 * @param {number} height
 * @param {number} width
 * @returns {Grid}
 */
function paddedGrid(model, plane, height, width) {
  const [rows, columns] = model.axes;
  const [top, bottom] = ghostsOf(rows);
  const [left, right] = ghostsOf(columns);
  const down = reachOf(rows.input, rows.spread) + top + bottom;
  const across = reachOf(columns.input, columns.spread) + left + right;
  /** @type {GridCell[]} */
  const cells = [];
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      const j0 = (row - top) / rows.spread;
      const j1 = (column - left) / columns.spread;
      const isReal =
        Number.isInteger(j0) &&
        Number.isInteger(j1) &&
        j0 >= 0 &&
        j1 >= 0 &&
        j0 < height &&
        j1 < width;
      cells.push({ row, column, cell: isReal ? (plane * height + j0) * width + j1 : null });
    }
  }
  return { plane, rows: down, columns: across, x: 0, y: 0, cells };
}

/**
 * @param {Side} side
 * @param {number} x
 * @param {number} y
 * @param {number} unit
 * @returns {PanelPlace}
 */
function placed(side, x, y, unit) {
  const grids = side.grids.map((grid) => ({ ...grid, x: x + grid.x * unit, y: y + grid.y * unit }));
  return { x, y, width: side.columns * unit, height: side.rows * unit, grids };
}
