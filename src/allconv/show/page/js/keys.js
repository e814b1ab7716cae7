// The keyboard: arrows step or look, 1 2 3 leave an array out, space plays, Enter edits.
import { editCell } from "./edit.js";
import { placeOf } from "./names.js";
import { toggle } from "./player.js";

const MOVES = /** @type {Record<string, Pair>} */ ({
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
});

/** @param {Store} store @param {HTMLElement} figure @param {HTMLElement} box of the stage */
export function listenToKeys(store, figure, box) {
  figure.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== "z" || target.matches("input, select, textarea")) return;
      if (event.shiftKey) store.redo();
      else store.undo();
      return event.preventDefault();
    }
    if (event.altKey || !store.model || store.refusal || target.matches("input, select, textarea"))
      return;
    if (scrolls(target, event.key)) return;
    const isStop = target.matches(".stops button");
    const role = /** @type {Role} */ (isStop ? target.dataset.role : store.state.leave);
    if (event.key in MOVES) move(store, role, MOVES[event.key]);
    else if (event.key === "Home") store.step(0);
    else if (event.key === "End") store.step(store.model.count[store.state.leave] - 1);
    else if (["1", "2", "3"].includes(event.key))
      store.leave(/** @type {Role} */ ("yxw"[Number(event.key) - 1]));
    else if (event.key === " " && !target.matches("button:not(.stops button), summary, a"))
      toggle(store);
    else if (event.key === "Enter" && isStop && role !== store.state.leave) edit(store, box, role);
    else return;
    event.preventDefault();
  });
}

/**
 * Whether a key moves what is wider than its place, and has the keyboard: left and right scroll it.
 * @param {HTMLElement} target
 * @param {string} key
 */
function scrolls(target, key) {
  if (key !== "ArrowLeft" && key !== "ArrowRight") return false;
  const isPlace = target.matches('[tabindex="0"]:not(button)');
  return isPlace && target.scrollWidth > target.clientWidth;
}

/** @param {Store} store @param {HTMLElement} box @param {Role} role */
function edit(store, box, role) {
  if (role === "w" && store.model?.pool) return;
  const root = /** @type {SVGElement} */ (box.querySelector("svg"));
  const cell = store.looked?.role === role ? store.looked.cell : 0;
  const nodeOf = (/** @type {Focus} */ at) =>
    /** @type {SVGElement | undefined} */ (
      root.querySelector(`[data-cell="${at.role}:${at.cell}"]`) ?? undefined
    );
  editCell(store, box, { role, cell }, nodeOf);
}

/** @param {Store} store @param {Role} role @param {Pair} by */
function move(store, role, [down, across]) {
  const model = /** @type {ValuedModel} */ (store.model);
  store.playing = false;
  const isResult = role === store.state.leave;
  const from = isResult ? store.state.at : store.looked?.role === role ? store.looked.cell : 0;
  const next = neighbour(model, role, from, down, across);
  if (isResult) store.step(next);
  else store.look({ role, cell: next });
}

/**
 * The next cell in a direction, over the end into the next row and plane.
 * @param {ValuedModel} model
 * @param {Role} role
 * @param {number} cell
 * @param {number} down
 * @param {number} across
 */
function neighbour(model, role, cell, down, across) {
  const [height, width] = model.sizes[role];
  const each = role === "w" && model.local ? model.places : 1;
  const planes = model.planes[role];
  let [plane, row, column] = placeOf(model, role, cell);
  row += down;
  column += across;
  if (height === 1 && down) [row, plane] = [0, plane + down];
  if (column < 0 || column >= width)
    [row, column] = [row + Math.sign(across), (column + width) % width];
  if (row < 0 || row >= height)
    [plane, row] = [plane + (row < 0 ? -1 : 1), (row + height) % height];
  plane = (plane + planes) % planes;
  const at = (plane * height + row) * width + column;
  return each === 1 ? at : at * each + (cell % each);
}
