// The stage on the page: drawn from the store, pointed at, clicked, edited.
import { editCell } from "./edit.js";
import { layoutOf } from "./layout.js";
import { ROLES } from "./model.js";
import { letterOf, panelsOf } from "./names.js";
import { cellUnder, html, painter, svg } from "./paint.js";
import { sceneOf } from "./scene.js";

/** @param {Store} store @param {string} id */
export function stagePart(store, id) {
  const root = svg("svg", { role: "group", "aria-label": "Input, kernel and output" });
  const sorry = html("p.oops", { role: "alert" });
  const box = html("div.stage", root, sorry);
  const { paint, nodeOf } = painter(root, id);
  /** @type {Layout | null} */
  let layout = null;
  let drawnPlace = 0;

  const draw = (/** @type {Change} */ change) => {
    const { model, state } = store;
    box.classList.toggle("refused", store.refusal !== "");
    sorry.textContent = store.refusal;
    sorry.hidden = !store.refusal;
    if (!model || store.refusal) return;
    const panels = panelsOf(model, state);
    const place = store.place();
    if (change === "state" || !layout || place !== drawnPlace) {
      layout = layoutOf(model, place, { width: box.clientWidth || 900 });
      drawnPlace = place;
    }
    const { pair, covered, playing } = store;
    const options = { focus: store.focus(), pair, upto: playing ? state.at : null, covered };
    paint(sceneOf(model, panels, layout, options));
  };
  store.subscribe(draw);

  pointing(store, root, (focus) => {
    if (!store.model || !panelsOf(store.model, store.state)[focus.role].editable) return;
    editCell(store, box, focus, (at) => nodeOf(cellKey(store, at)));
  });
  tabStops(store, box);
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    draw("state");
  }).observe(box);
  return box;
}

/**
 * The key of a cell in scenes; see `cell` in scene.js.
 * @param {Store} store
 * @param {Focus} focus
 */
function cellKey(store, focus) {
  const { model } = store;
  if (focus.role !== "w" || !model?.local) return `${focus.role}:${focus.cell}`;
  const at = Math.floor(focus.cell / model.places);
  const [plane, tap] = [Math.floor(at / model.taps), at % model.taps];
  const [rows, columns] = model.axes;
  const [k0, k1] = [Math.floor(tap / columns.kernel), tap % columns.kernel];
  return `w:${plane}/${rows.dilation * k0},${columns.dilation * k1}`;
}

/**
 * Hovering looks, a click chooses a cell of the result or edits another; on touch screens the
 * first tap looks and the second edits.
 * @param {Store} store
 * @param {SVGElement} root
 * @param {(focus: Focus) => void} edit
 */
function pointing(store, root, edit) {
  root.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "touch" && !store.playing) store.look(cellUnder(event));
  });
  root.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") store.look(null);
  });
  root.addEventListener("click", (event) => {
    const focus = cellUnder(event);
    if (!focus) return;
    store.playing = false;
    if (focus.role === store.state.leave) return store.step(focus.cell);
    const isTouch = /** @type {PointerEvent} */ (event).pointerType === "touch";
    const { looked } = store;
    const isSecond = looked?.role === focus.role && looked.cell === focus.cell;
    if (isTouch && !isSecond) return store.look(focus);
    edit(focus);
  });
}

/**
 * One Tab stop for each array: buttons that are seen when they have the keyboard, arrows move
 * within the array, Enter edits.
 * @param {Store} store
 * @param {HTMLElement} box
 */
function tabStops(store, box) {
  const bar = html("div.stops", { role: "group", "aria-label": "Arrays" });
  const buttons = ROLES.map((role) => {
    const button = html("button", { type: "button", "data-role": role, class: role });
    button.addEventListener("focus", () => {
      if (role === store.state.leave) store.look(null);
      else store.look({ role, cell: 0 });
    });
    button.addEventListener("blur", () => store.look(null));
    bar.append(button);
    return button;
  });
  store.subscribe(() => {
    const { letters, leave } = store.state;
    for (const button of buttons) {
      const role = /** @type {Role} */ (button.dataset.role);
      const does = role === leave ? "arrows step" : "arrows look, Enter edits";
      const text = `${letterOf(letters, leave, role)}: ${does}`;
      if (button.textContent !== text) button.textContent = text;
    }
  });
  box.prepend(bar);
}
