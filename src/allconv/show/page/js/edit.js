// A field over a cell: Enter or Tab keeps the number, Escape gives it up, arrows count live.
import { coordinates } from "./numbers.js";
import { givenName, nameOf, shownValues } from "./names.js";
import { html } from "./paint.js";

const MOST = 9999;

/**
 * @param {Store} store
 * @param {HTMLElement} box
 * @param {Focus} focus
 * @param {(focus: Focus) => SVGElement | undefined} nodeOf
 */
export function editCell(store, box, focus, nodeOf) {
  const { model, state } = store;
  const node = nodeOf(focus);
  if (!model || !node) return;
  store.playing = false;
  store.look(focus);
  store.busy = true;
  const opener = document.activeElement;
  const name = nameOf(model, state, focus.role, focus.cell);
  const edit = editOf(store, model, focus);
  const field = fieldOf(`value of ${name}`, edit.before);
  const resizing = new ResizeObserver(() => lay(field, nodeOf(focus) ?? node, box));
  let isOpen = true;

  const close = (/** @type {boolean} */ isKept) => {
    if (!isOpen) return;
    isOpen = false;
    store.busy = false;
    resizing.disconnect();
    const value = numberOf(field.value);
    field.remove();
    if (!isKept || value === edit.before) edit.giveUp();
    else if (value !== null) edit.put(value);
    store.look(null);
  };
  const closeByKey = (/** @type {boolean} */ isKept) => {
    close(isKept);
    giveBack(store, opener, focus);
  };
  const count = (/** @type {number} */ by) => {
    const value = bounded((numberOf(field.value) ?? 0) + by);
    field.value = String(value);
    edit.put(value);
    store.looked = focus;
    store.tell("look");
  };
  const follow = (/** @type {number} */ by) => {
    const cell = focus.cell + by;
    closeByKey(true);
    if (cell < 0 || cell >= model.count[focus.role]) return;
    editCell(store, box, { role: focus.role, cell }, nodeOf);
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") closeByKey(true);
    else if (event.key === "Escape") closeByKey(false);
    else if (event.key === "Tab") follow(event.shiftKey ? -1 : 1);
    else if (event.key === "ArrowUp") count(1);
    else if (event.key === "ArrowDown") count(-1);
    else return;
    event.preventDefault();
  });
  // The keyboard is where the reader has put it: it is not taken back.
  field.addEventListener("blur", () => close(true));
  lay(field, node, box);
  box.append(field);
  resizing.observe(box);
  field.focus();
  field.select();
}

/**
 * What changes one cell. All that it is set to while its field is open is one act.
 * @param {Store} store
 * @param {ValuedModel} model
 * @param {Focus} focus
 */
function editOf(store, model, { role, cell }) {
  const name = givenName(role);
  const key = name + coordinates(model, name)[cell];
  const now = () => shownValues(store.model ?? model, store.state.leave, role)[cell];
  const act = {};
  return {
    before: now(),
    put(/** @type {number} */ number) {
      const value = bounded(number);
      if (value === now()) return;
      store.set({ edits: { ...store.state.edits, [key]: value } }, { act });
    },
    giveUp: () => store.giveUp(act),
  };
}

/** @param {string} label @param {number} value */
function fieldOf(label, value) {
  const field = html("input.editor", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    "aria-label": label,
  });
  field.value = String(value);
  return field;
}

/**
 * Lay the field over its cell, as large as that, or larger.
 * @param {HTMLElement} field
 * @param {SVGElement} node
 * @param {HTMLElement} box
 */
function lay(field, node, box) {
  const [cell, around] = [node.getBoundingClientRect(), box.getBoundingClientRect()];
  const side = Math.max(cell.width, 34);
  field.style.left = `${cell.left - around.left + box.scrollLeft - 1}px`;
  field.style.top = `${cell.top - around.top - 1}px`;
  field.style.width = field.style.height = `${side + 2}px`;
}

/**
 * The keyboard returns to what opened a field; the array's Tab stop goes on from the cell.
 * @param {Store} store
 * @param {Element | null} opener
 * @param {Focus} focus
 */
function giveBack(store, opener, focus) {
  if (!(opener instanceof HTMLElement) || !opener.isConnected) return;
  opener.focus({ preventScroll: true });
  if (opener.matches(".stops button")) store.look(focus);
}

/** @param {number} value */
function bounded(value) {
  return Math.max(-MOST, Math.min(MOST, value));
}

/**
 * The number of a text, with either minus sign or a comma for a point; null for other text.
 * @param {string} text
 */
function numberOf(text) {
  const value = Number(text.trim().replace("−", "-").replace(",", "."));
  return text.trim() && Number.isFinite(value) ? value : null;
}
