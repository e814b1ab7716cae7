// All kernels of a locally connected layer at once, each small, in the order of the outputs.
import { weightAt } from "./model.js";
import { shownValues, written } from "./names.js";
import { html, square, svg } from "./paint.js";

const [SIDE, GAP] = [20, 9];
const MOST = 4000; // cells that are drawn, or those of one plane

/** @param {Store} store */
export function multiplesPart(store) {
  const root = svg("svg", { role: "img", "aria-label": "The kernels of all places" });
  const rest = html("p");
  const section = html(
    "section.multiples",
    html("h2", "A kernel for every place"),
    html(
      "p",
      "Locally connected: the same window, but each place has weights of its own. " +
        "Were they all equal, this would be a convolution.",
    ),
    rest,
    html("div.wide", { tabindex: 0, role: "group", "aria-label": "Kernels" }, root),
  );
  root.addEventListener("click", (event) => {
    const { cell } = /** @type {SVGElement} */ (event.target).dataset;
    if (cell !== undefined) store.look({ role: "w", cell: Number(cell) });
  });
  const redraw = (/** @type {ValuedModel} */ model, /** @type {Change} */ change) => {
    if (change === "state") {
      const planes = planesDrawn(model);
      const all = model.planes.w;
      rest.hidden = planes === all;
      rest.textContent = `A place has ${all}, one for each pair of channels; drawn: ${planes}.`;
      draw(root, store, model, planes);
    }
    const place = store.place();
    for (const frame of root.querySelectorAll("[data-place]")) {
      const isShown = Number(/** @type {SVGElement} */ (frame).dataset.place) === place;
      frame.classList.toggle("shown", isShown);
    }
  };
  return store.follow(section, redraw, (model) => model.local);
}

/**
 * As many planes as a page can draw: the largest layers have 115,600 weights.
 * @param {ValuedModel} model
 */
function planesDrawn(model) {
  return Math.min(model.planes.w, Math.max(1, Math.floor((MOST * model.planes.w) / model.count.w)));
}

/**
 * @param {SVGElement} root
 * @param {Store} store
 * @param {ValuedModel} model
 * @param {number} planes
 */
function draw(root, store, model, planes) {
  const [rows, columns] = model.kernel;
  const values = shownValues(model, store.state.leave, "w");
  const [wide, tall] = [columns * SIDE + GAP, rows * SIDE + GAP];
  const width = model.axes[1].output;
  const lines = Math.ceil(model.places / width);
  root.setAttribute("width", String(width * wide + GAP));
  root.setAttribute("height", String(planes * (lines * tall + GAP) + GAP));
  const drawn = [];
  for (let plane = 0; plane < planes; plane++) {
    for (let place = 0; place < model.places; place++) {
      const left = (place % width) * wide + GAP;
      const top = plane * (lines * tall + GAP) + Math.floor(place / width) * tall + GAP;
      const frame = svg("rect", {
        class: "frame w kernel",
        "data-place": place,
        x: left - 3,
        y: top - 3,
        width: columns * SIDE + 6,
        height: rows * SIDE + 6,
        rx: 4,
      });
      drawn.push(frame);
      for (let tap = 0; tap < model.taps; tap++) {
        const cell = weightAt(model, plane, tap, place);
        const [x, y] = [left + (tap % columns) * SIDE, top + Math.floor(tap / columns) * SIDE];
        const text = store.covered && store.state.leave === "w" ? "" : written(values[cell]);
        const size = SIDE * Math.min(0.5, 1.5 / Math.max(text.length, 1));
        drawn.push(...square(x, y, SIDE, text, size, { class: "cell w", "data-cell": cell }));
      }
    }
  }
  root.replaceChildren(...drawn);
}
