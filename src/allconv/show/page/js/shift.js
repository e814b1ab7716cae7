// Equivariance: shift the input, and the output shifts with it, by the stride; where it does not,
// an edge, the stride or a pooling broke it.
import { coordinates, givenArrays, valued } from "./numbers.js";
import { written } from "./names.js";
import { button, html, square, svg } from "./paint.js";

const [SIDE, GAP] = [26, 40];

/** @param {Store} store */
export function shiftPart(store) {
  const text = html("p");
  const root = svg("svg", { role: "img", "aria-label": "The output of the shifted input" });
  /** @type {Pair} */
  let by = [0, 1];
  const fields = html("div.chips", { role: "group", "aria-label": "Shift" });
  const section = html(
    "section.shift",
    html("h2", "Shift the input"),
    text,
    fields,
    html("div.wide", { tabindex: 0, role: "group", "aria-label": "Shifted output" }, root),
  );
  const redraw = (/** @type {ValuedModel} */ model) => {
    const { state } = store;
    if (state.dim === 1) by = [0, by[1]];
    const moved = shifted(state, model, by);
    const found = compare(model, moved, by);
    text.textContent = saysOf(model, by, found);
    draw(root, moved, found);
    fields.replaceChildren(
      ...buttons(state.dim, by, (next) => {
        by = next;
        redraw(model);
      }),
    );
  };
  return store.follow(
    section,
    (model, change) => change === "state" && redraw(model),
    () => store.state.op !== "linear",
  );
}

/** @param {1 | 2} dim @param {Pair} by @param {(by: Pair) => void} choose */
function buttons(dim, by, choose) {
  const axes = dim === 1 ? [1] : [0, 1];
  return axes.flatMap((axis) => [
    `${dim === 1 ? "cells" : axis ? "columns" : "rows"}: `,
    ...[-2, -1, 0, 1, 2].map((value) => {
      const press = () =>
        choose(/** @type {Pair} */ (by.map((old, a) => (a === axis ? value : old))));
      return button(written(value), press, by[axis] === value);
    }),
  ]);
}

/**
 * The same layer on the shifted input; zeros come in.
 * @param {State} state
 * @param {ValuedModel} model
 * @param {Pair} by
 */
function shifted(state, model, by) {
  const [height, width] = model.sizes.x;
  /** @type {Record<string, number>} */
  const edits = { ...state.edits };
  for (const name of givenArrays(model)) {
    const values = model.values[name];
    coordinates(model, name).forEach((place, i) => {
      if (name !== "x") edits[name + place] = values[i];
      else {
        const [plane, row, column] = place.split(".").map(Number);
        const [r, c] = [row - by[0], column - by[1]];
        const isInside = r >= 0 && c >= 0 && r < height && c < width;
        edits[name + place] = isInside ? values[(plane * height + r) * width + c] : 0;
      }
    });
  }
  return valued({ ...state, edits });
}

/**
 * Of every cell of the first channel of the shifted output: whether it is the old one, moved.
 * null: what it should be came in from outside.
 * @param {ValuedModel} model
 * @param {ValuedModel} moved
 * @param {Pair} by
 */
function compare(model, moved, by) {
  const [height, width] = model.sizes.y;
  const step = model.axes.map((axis, n) =>
    model.swap ? by[n] * axis.stride : (by[n] * axis.spread) / axis.stride,
  );
  const whole = step.every(Number.isInteger);
  const [rows, columns] = step;
  return {
    whole,
    cells: Array.from({ length: height * width }, (_, at) => {
      if (!whole) return null;
      const [r, c] = [Math.floor(at / width) - rows, (at % width) - columns];
      if (r < 0 || c < 0 || r >= height || c >= width) return null;
      return model.values.y[r * width + c] === moved.values.y[at];
    }),
  };
}

/**
 * @param {ValuedModel} model
 * @param {Pair} by
 * @param {{whole: boolean, cells: (boolean | null)[]}} found
 */
function saysOf(model, by, found) {
  if (!by[0] && !by[1]) return "Nothing is moved. Choose a shift: zeros come in from the edge.";
  if (!found.whole) {
    const stride = Math.max(...model.axes.map((axis) => axis.stride));
    return (
      `The stride is ${stride}: a shift that is not a multiple of it moves the output by a part ` +
      "of a cell, and equivariance is lost: the output below differs."
    );
  }
  const broken = found.cells.filter((cell) => cell === false).length;
  const kind = model.pool ? "pooling" : model.local ? "locally connected layer" : "layer";
  if (!broken) {
    return (
      "The output has moved with the input, cell by cell (✓): " +
      "the layer is equivariant to this shift."
    );
  }
  const because = model.local
    ? "its weights differ from place to place, so nothing has to follow a shift"
    : "their windows saw the edge, or what came in over it";
  return `${broken} cell${broken > 1 ? "s" : ""} (×) of this ${kind} did not follow: ${because}.`;
}

/**
 * @param {SVGElement} root
 * @param {ValuedModel} moved
 * @param {{whole: boolean, cells: (boolean | null)[]}} found
 */
function draw(root, moved, found) {
  const [inputRows, inputColumns] = moved.sizes.x;
  const [rows, columns] = moved.sizes.y;
  root.setAttribute("width", String((inputColumns + columns) * SIDE + GAP + 1));
  root.setAttribute("height", String(Math.max(inputRows, rows) * SIDE + 1));
  const [x, y] = [moved.values.x.slice(0, inputRows * inputColumns), moved.values.y];
  root.replaceChildren(
    ...cells("x", x, inputColumns, 0, null),
    ...cells("y", y.slice(0, rows * columns), columns, inputColumns * SIDE + GAP, found.cells),
  );
}

/**
 * @param {Role} role
 * @param {number[]} values
 * @param {number} width
 * @param {number} left
 * @param {(boolean | null)[] | null} follows
 */
function cells(role, values, width, left, follows) {
  return values.flatMap((value, at) => {
    const [x, y] = [left + (at % width) * SIDE, Math.floor(at / width) * SIDE];
    const text = written(value);
    const size = Math.min(11, (SIDE * 1.3) / text.length);
    const verdict = follows?.[at] ?? null;
    const kind = `cell ${role}${verdict ? " lit" : ""}`;
    const drawn = square(x + 0.5, y + 0.5, SIDE, text, size, { class: kind });
    if (verdict !== null)
      drawn.push(
        svg(
          "text",
          {
            class: "follows",
            x: x + SIDE - 3,
            y: y + SIDE - 3,
            "font-size": 8,
            "text-anchor": "end",
          },
          verdict ? "✓" : "×",
        ),
      );
    return drawn;
  });
}
