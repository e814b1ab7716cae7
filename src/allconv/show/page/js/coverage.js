// How many taps reach each cell of a transposed convolution's output: why checkerboards happen.
import { ghostsOf } from "./layout.js";
import { html, shade, square, svg } from "./paint.js";

const SIDE = 26;

/** @param {Store} store */
export function coveragePart(store) {
  const text = html("p");
  const root = svg("svg", { role: "img", "aria-label": "Taps that reach each cell of the output" });
  const section = html(
    "section.coverage",
    html("h2", "Coverage"),
    text,
    html("div.wide", { tabindex: 0, role: "group", "aria-label": "Coverage" }, root),
  );
  const redraw = (/** @type {ValuedModel} */ model, /** @type {Change} */ change) => {
    if (change !== "state") return;
    text.textContent = saysOf(model);
    draw(root, countsOf(model), model.sizes.y);
  };
  return store.follow(section, redraw, (model) => model.swap);
}

/**
 * Of one channel of the output: the meetings of each cell, over the channels of the input.
 * @param {ValuedModel} model
 * @returns {number[]}
 */
function countsOf(model) {
  const area = model.sizes.y[0] * model.sizes.y[1];
  const channels = model.inputs / model.groups;
  return model.meets.y.slice(0, area).map((list) => list.length / channels);
}

/** @param {ValuedModel} model */
function saysOf(model) {
  const uneven = model.axes.filter((axis) => axis.dilation === 1 && axis.kernel % axis.stride);
  const padded = model.axes.some((axis) => ghostsOf(axis).some((n) => n > 0));
  const edges = padded
    ? " Cells at the edge that padding crops have fewer or none."
    : " Cells near the edge are reached by fewer.";
  if (!uneven.length)
    return (
      "Each cell of the output is reached by as many taps as its neighbours: " +
      `the stride divides the kernel, K mod s = 0.${edges}`
    );
  const [axis] = uneven;
  const rest = axis.kernel % axis.stride;
  return (
    `The kernel of ${axis.kernel} is not a multiple of the stride ${axis.stride} ` +
    `(K mod s = ${rest}), ` +
    "so some cells are reached by more taps than their neighbours: equal weights draw a " +
    "checkerboard. A kernel that the stride divides has none (Odena et al. 2016)."
  );
}

/** @param {SVGElement} root @param {number[]} counts @param {Pair} size */
function draw(root, counts, [height, width]) {
  root.setAttribute("width", String(width * SIDE + 1));
  root.setAttribute("height", String(height * SIDE + 1));
  const most = Math.max(...counts, 1);
  root.replaceChildren(
    ...counts.flatMap((count, at) => {
      const [x, y] = [(at % width) * SIDE, Math.floor(at / width) * SIDE];
      const cell = square(x, y, SIDE, String(count), 11, { class: "heat" });
      cell[0].style.fill = shade("y", (42 * count) / most);
      return cell;
    }),
  );
}
