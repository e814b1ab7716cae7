// The stage as a list of primitives: three panels, two ribbons, the window, and what meets the cell
// that is looked at. `stage/scene.py` makes the same list; a test compares them.
import { firstWindow } from "./layout.js";
import { channelPairs, ROLES } from "./model.js";
import { placeOf, written } from "./names.js";
import { shared } from "./shared.js";

/**
 * @param {Model & {values?: Values}} model
 * @param {Panels} panels
 * @param {Layout} layout
 * @param {SceneOptions} options
 * @returns {Scene}
 */
export function sceneOf(model, panels, layout, options) {
  const marked = markedCells(model, layout, options);
  const found = cellsByPlace(layout);
  const items = [
    ...ribbons(model, panels, layout, options.focus, found),
    ...ROLES.flatMap((role) => panelItems(model, panels, layout, role, marked, options)),
    ...frames(model, panels, layout, options.focus),
    ...(options.still ? [] : dots(model, panels, layout)),
    ...(options.still ? [] : corners(model, panels, layout, options, found)),
  ];
  const { width, height, vertical } = layout;
  return { width, height, vertical, items };
}

/**
 * Every cell of an array that is drawn, by "role:cell".
 * @param {Layout} layout
 * @returns {Map<string, {grid: Grid, at: GridCell, box: Box}>}
 */
function cellsByPlace(layout) {
  const found = new Map();
  for (const role of ROLES) {
    for (const grid of layout.panels[role].grids) {
      for (const at of grid.cells) {
        if (at.cell === null) continue;
        const box = boxOf(grid, at.row, at.column, at.row, at.column, layout.unit);
        found.set(`${role}:${at.cell}`, { grid, at, box });
      }
    }
  }
  return found;
}

/**
 * The box of some rows and columns of a grid.
 * @param {Grid} grid
 * @param {number} top
 * @param {number} left
 * @param {number} bottom
 * @param {number} right
 * @param {number} unit
 * @returns {Box}
 */
function boxOf(grid, top, left, bottom, right, unit) {
  return {
    x: grid.x + left * unit,
    y: grid.y + top * unit,
    width: (right - left + 1) * unit,
    height: (bottom - top + 1) * unit,
  };
}

/**
 * The planes that a plane of the small side meets: of the big side, and of the weights.
 * @param {Model} model
 * @param {number} plane
 */
function partnersOf(model, plane) {
  const pairs = channelPairs(model).filter((pair) => pair[model.swap ? 0 : 1] === plane);
  return {
    big: new Set(pairs.map((pair) => pair[model.swap ? 1 : 0])),
    kernels: new Set(pairs.map((pair) => pair[2])),
  };
}

/**
 * Where the window of a cell of the small side begins, in rows and columns of the big grid.
 * @param {Model} model
 * @param {number} cell
 * @returns {Pair}
 */
function windowStart(model, cell) {
  const [, row, column] = placeOf(model, model.small, cell);
  const [rows, columns] = model.axes;
  return [rows.stride * row + firstWindow(rows), columns.stride * column + firstWindow(columns)];
}

/**
 * The classes of cells that are more than they always are, by "role:cell" and, of padding,
 * "role:plane/row,column".
 * @param {Model & {values?: Values}} model
 * @param {Layout} layout
 * @param {SceneOptions} options
 * @returns {Map<string, string>}
 */
function markedCells(model, layout, { focus, pair }) {
  /** @type {Map<string, string>} */
  const marked = new Map();
  const add = (/** @type {string} */ key, /** @type {string} */ name) =>
    marked.set(key, `${marked.get(key) ?? ""} ${name}`);
  const meetings = model.meets[focus.role][focus.cell] ?? [];
  const lit = new Set();
  for (const meeting of meetings) {
    for (const role of ROLES) {
      if (role !== focus.role) lit.add(`${role}:${model[role][meeting]}`);
    }
  }
  if (focus.role === model.small) litWindow(model, layout, focus, lit);
  for (const key of lit) add(key, "lit");
  add(`${focus.role}:${focus.cell}`, "chosen");
  const best = focus.role === model.small ? (model.values?.best[focus.cell] ?? -1) : -1;
  if (best >= 0) add(`x:${model.x[best]}`, "won");
  if (pair !== null) for (const role of ROLES) add(`${role}:${model[role][pair]}`, "pair");
  return marked;
}

/**
 * The window of a cell of the small side: its padding too, and the whole kernels that it meets.
 * @param {Model} model
 * @param {Layout} layout
 * @param {Focus} focus
 * @param {Set<string>} lit
 */
function litWindow(model, layout, focus, lit) {
  const [plane] = placeOf(model, focus.role, focus.cell);
  const partners = partnersOf(model, plane);
  const [top, left] = windowStart(model, focus.cell);
  const [rows, columns] = model.axes;
  for (const big of partners.big) {
    for (let k0 = 0; k0 < rows.kernel; k0++) {
      for (let k1 = 0; k1 < columns.kernel; k1++) {
        const [row, column] = [top + rows.dilation * k0, left + columns.dilation * k1];
        lit.add(`${model.big}:${big}/${row},${column}`);
      }
    }
  }
  for (const grid of layout.panels.w.grids) {
    if (!partners.kernels.has(grid.plane)) continue;
    for (const at of grid.cells) lit.add(`w:${at.cell}`);
  }
}

/**
 * A panel: its caption, its plate (a dashed slot where the array is left out), its cells.
 * @param {Model} model
 * @param {Panels} panels
 * @param {Layout} layout
 * @param {Role} role
 * @param {Map<string, string>} marked
 * @param {SceneOptions} options
 * @returns {Primitive[]}
 */
function panelItems(model, panels, layout, role, marked, options) {
  const [panel, place, { unit }] = [panels[role], layout.panels[role], layout];
  const sizes = shared.layout;
  const wide = panel.title.length * sizes.captionLetter > Math.max(place.width, sizes.captionLeast);
  const edge = sizes.plate;
  /** @type {Primitive[]} */
  const items = [
    {
      kind: "rect",
      key: `plate:${role}`,
      classes: `${panel.result ? "slot" : "plate"} ${panel.color}`,
      x: place.x - edge,
      y: place.y - edge,
      width: place.width + 2 * edge,
      height: place.height + 2 * edge,
      radius: edge + 1,
    },
    {
      kind: "text",
      key: `caption:${role}`,
      classes: `caption ${panel.color}`,
      x: place.x + place.width / 2,
      y: place.y - sizes.captionAbove,
      size: sizes.captionSize,
      anchor: "middle",
      text: wide ? panel.short : panel.title,
      letter: panel.letter,
    },
  ];
  for (const grid of place.grids) {
    if (place.grids.length > 1 && unit >= sizes.tagUnit)
      items.push(tag(model, panel, layout, role, grid));
    for (const at of grid.cells)
      items.push(...cell(model, panel, layout, role, grid, at, marked, options));
  }
  return items;
}

/**
 * The channel of a grid, below it.
 * @param {Model} model
 * @param {Panel} panel
 * @param {Layout} layout
 * @param {Role} role
 * @param {Grid} grid
 * @returns {Primitive}
 */
function tag(model, { first }, layout, role, grid) {
  const { unit } = layout;
  return {
    kind: "text",
    key: `tag:${role}:${grid.plane}`,
    classes: "tag",
    x: grid.x + (grid.columns * unit) / 2,
    y: grid.y + grid.rows * unit + shared.layout.tagBelow * unit,
    size: shared.layout.tagSize,
    anchor: "middle",
    text: role === "w" ? kernelTag(model, grid.plane, first) : `channel ${grid.plane + first}`,
  };
}

/**
 * "1 → 0": from input channel 1 to output channel 0.
 * @param {Model} model
 * @param {number} plane
 * @param {number} first
 */
function kernelTag(model, plane, first) {
  const [input, output] = channelPairs(model).find((pair) => pair[2] === plane) ?? [0, 0];
  return `${input + first} → ${output + first}`;
}

/**
 * @param {Model} model
 * @param {Panel} panel
 * @param {Layout} layout
 * @param {Role} role
 * @param {Grid} grid
 * @param {GridCell} at
 * @param {Map<string, string>} marked
 * @param {SceneOptions} options
 * @returns {Primitive[]}
 */
function cell(model, panel, layout, role, grid, at, marked, options) {
  const { unit } = layout;
  const sizes = shared.layout;
  const isGhost = at.cell === null;
  const ghostKey = `${role}:${grid.plane}/${at.row},${at.column}`;
  // Of a local layer a kernel's cells keep their keys whatever place they are of.
  const tap = role === "w" && model.local ? `${grid.plane}/${at.row},${at.column}` : `${at.cell}`;
  const key = isGhost ? ghostKey : `${role}:${tap}`;
  const classes = ["cell", panel.color];
  if (isGhost) classes.push("ghost");
  else {
    if (!model.meets[role][at.cell ?? 0].length) classes.push("dull");
    if (panel.gradient) classes.push("round");
    if (panel.editable) classes.push("editable");
    if (isHidden(panel, at.cell ?? 0, options)) classes.push("hidden");
  }
  const more = [
    marked.get(isGhost ? ghostKey : `${role}:${at.cell}`),
    isGhost ? "" : marked.get(ghostKey),
  ];
  for (const names of more) {
    for (const name of (names ?? "").split(" "))
      if (name && !classes.includes(name)) classes.push(name);
  }
  const joined = classes.join(" ");
  const [x, y] = [grid.x + at.column * unit, grid.y + at.row * unit];
  const radius = classes.includes("round") ? unit * sizes.round : Math.min(3, unit * 0.1);
  const text = cellText(model, panel, at, classes, unit);
  const letters = Math.max(text.length, 1);
  const size =
    unit *
    Math.min(sizes.number, sizes.numberWidth / letters) *
    (classes.includes("round") ? 0.9 : 1);
  return [
    {
      kind: "rect",
      key,
      classes: joined,
      x: x + 0.5,
      y: y + 0.5,
      width: unit - 1,
      height: unit - 1,
      radius,
      ...(isGhost ? {} : { cell: `${role}:${at.cell}` }),
    },
    {
      kind: "text",
      key: `${key}:number`,
      classes: joined.replace("cell", "number"),
      x: x + unit / 2,
      y: y + unit / 2 + size * sizes.baseline,
      size,
      anchor: "middle",
      text,
    },
  ];
}

/**
 * @param {Panel} panel
 * @param {number} cell
 * @param {SceneOptions} options
 */
function isHidden(panel, cell, { upto, covered, focus }) {
  if (!panel.result) return false;
  if (covered) return true;
  return upto !== null && cell > upto && cell !== focus.cell;
}

/**
 * @param {Model} model
 * @param {Panel} panel
 * @param {GridCell} at
 * @param {string[]} classes
 * @param {number} unit
 */
function cellText(model, panel, at, classes, unit) {
  if (classes.includes("hidden")) return "";
  if (at.cell === null) return model.pool === "max" || unit < shared.layout.ghostUnit ? "" : "0";
  if (model.pool === "max" && panel.color === "w") return "";
  return written(panel.values[at.cell]);
}

/**
 * The window in the kernel's colour, on every plane that it meets.
 * @param {Model} model
 * @param {Panels} panels
 * @param {Layout} layout
 * @param {Focus} focus
 * @returns {Primitive[]}
 */
function frames(model, panels, layout, focus) {
  if (focus.role !== model.small) return [];
  const [plane] = placeOf(model, focus.role, focus.cell);
  const { big } = partnersOf(model, plane);
  return layout.panels[model.big].grids
    .filter((grid) => big.has(grid.plane))
    .map((grid, n) => {
      const box = windowBox(model, layout, grid, focus.cell);
      return {
        kind: "rect",
        key: `frame:${n}`,
        classes: `frame ${panels.w.color}`,
        x: box.x - 1,
        y: box.y - 1,
        width: box.width + 2,
        height: box.height + 2,
        radius: 4,
      };
    });
}

/**
 * @param {Model} model
 * @param {Layout} layout
 * @param {Grid} grid
 * @param {number} cell of the small side
 */
function windowBox(model, layout, grid, cell) {
  const [top, left] = windowStart(model, cell);
  const [rows, columns] = model.axes;
  const bottom = top + rows.dilation * (rows.kernel - 1);
  const right = left + columns.dilation * (columns.kernel - 1);
  return boxOf(grid, top, left, bottom, right, layout.unit);
}

/**
 * Two ribbons for every three planes that meet: what is wide and what is narrow tells which array
 * is left out.
 * @param {Model} model
 * @param {Panels} panels
 * @param {Layout} layout
 * @param {Focus} focus
 * @param {Map<string, {grid: Grid, at: GridCell, box: Box}>} found
 * @returns {Primitive[]}
 */
function ribbons(model, panels, layout, focus, found) {
  /** @type {Map<string, Record<Role, Box>>} */
  const groups = new Map();
  for (const meeting of model.meets[focus.role][focus.cell] ?? []) {
    const places = ROLES.map((role) => found.get(`${role}:${model[role][meeting]}`));
    if (places.some((place) => place === undefined)) continue;
    const [x, w, y] = /** @type {{grid: Grid, at: GridCell, box: Box}[]} */ (places);
    const key = [x, w, y].map((place) => place.grid.plane).join();
    const known = groups.get(key);
    if (!known) {
      const boxes = { x: x.box, w: w.box, y: y.box };
      if (focus.role === model.small) {
        const grid = model.big === "x" ? x.grid : y.grid;
        boxes[model.big] = windowBox(model, layout, grid, focus.cell);
        boxes.w = boxOf(w.grid, 0, 0, w.grid.rows - 1, w.grid.columns - 1, layout.unit);
      }
      groups.set(key, boxes);
    } else if (focus.role !== model.small) {
      for (const [role, place] of /** @type {const} */ ([
        ["x", x],
        ["w", w],
        ["y", y],
      ])) {
        if (role !== focus.role) known[role] = union(known[role], place.box);
      }
    }
  }
  return [...groups.values()].flatMap((boxes, n) => [
    ribbon(layout, boxes.x, boxes.w, `ribbon:${n}:xw`, `${panels.x.color}${panels.w.color}`),
    ribbon(layout, boxes.w, boxes.y, `ribbon:${n}:wy`, `${panels.w.color}${panels.y.color}`),
  ]);
}

/**
 * @param {Box} a
 * @param {Box} b
 * @returns {Box}
 */
function union(a, b) {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const right = Math.max(a.x + a.width, b.x + b.width);
  const bottom = Math.max(a.y + a.height, b.y + b.height);
  return { x, y, width: right - x, height: bottom - y };
}

/**
 * @param {Layout} layout
 * @param {Box} a
 * @param {Box} b
 * @param {string} key
 * @param {string} colors
 * @returns {Primitive}
 */
function ribbon(layout, a, b, key, colors) {
  const points = layout.vertical
    ? [a.x, a.y + a.height, b.x, b.y, b.x + b.width, a.x + a.width]
    : [a.x + a.width, a.y, b.x, b.y, b.y + b.height, a.y + a.height];
  const shape = layout.vertical ? "down" : "across";
  return { kind: "path", key, classes: `ribbon ${colors}`, points, shape };
}

/**
 * Where the window may stand, where that is not everywhere.
 * @param {Model} model
 * @param {Panels} panels
 * @param {Layout} layout
 * @returns {Primitive[]}
 */
function dots(model, panels, layout) {
  const [rows, columns] = model.axes;
  const sizes = shared.layout;
  if (layout.unit < sizes.dotUnit || (rows.stride === 1 && columns.stride === 1)) return [];
  return layout.panels[model.big].grids.flatMap((grid) =>
    Array.from({ length: model.places }, (_, place) => {
      const row = rows.stride * Math.floor(place / columns.output) + firstWindow(rows);
      const column = columns.stride * (place % columns.output) + firstWindow(columns);
      return /** @type {Primitive} */ ({
        kind: "circle",
        key: `dot:${grid.plane}:${place}`,
        classes: `dot ${panels[model.small].color}`,
        x: grid.x + column * layout.unit + sizes.dotInset,
        y: grid.y + row * layout.unit + sizes.dotInset,
        radius: sizes.dotRadius,
      });
    }),
  );
}

/**
 * The partner's number in the corner of every cell that takes part.
 * @param {Model} model
 * @param {Panels} panels
 * @param {Layout} layout
 * @param {SceneOptions} options
 * @param {Map<string, {grid: Grid, at: GridCell, box: Box}>} found
 * @returns {Primitive[]}
 */
function corners(model, panels, layout, { focus, covered }, found) {
  const { unit } = layout;
  const sizes = shared.layout;
  if (unit < sizes.cornerUnit || model.pool === "max") return [];
  const on = focus.role === "x" ? "y" : "x";
  const partner = focus.role === "w" ? "y" : "w";
  if (panels[on].result || panels[partner].result || covered) return [];
  /** @type {Primitive[]} */
  const items = [];
  for (const meeting of model.meets[focus.role][focus.cell] ?? []) {
    const place = found.get(`${on}:${model[on][meeting]}`);
    const text = written(panels[partner].values[model[partner][meeting]]);
    if (!place || text.length > sizes.cornerLetters) continue;
    const width = Math.min(text.length * 0.15, 0.5) * unit + 5;
    const right = place.box.x + unit;
    items.push(
      {
        kind: "rect",
        key: `corner:${items.length}`,
        classes: "corner",
        x: right - width - 1,
        y: place.box.y + 1.5,
        width,
        height: unit * 0.28,
        radius: 2,
      },
      {
        kind: "text",
        key: `corner:${items.length}:number`,
        classes: `partner ${panels[partner].color}`,
        x: right - 3.5,
        y: place.box.y + unit * 0.25 + 1,
        size: unit * Math.min(0.25, 0.8 / text.length),
        anchor: "end",
        text,
      },
    );
  }
  return items;
}
