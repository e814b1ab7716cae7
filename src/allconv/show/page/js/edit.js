// A field over a cell: Enter or Tab keeps the number, Escape gives it up, arrows count live.
import { coordinates } from "./numbers.js";
import { givenName, nameOf, shownValues } from "./names.js";
import { html } from "./paint.js";

const MOST = 9999;

/**
 * @param {Store} store
 * @param {HTMLElement} box
 * @param {SVGElement} root
 * @param {Focus} focus
 * @param {(focus: Focus) => SVGElement | undefined} nodeOf
 */
export function editCell(store, box, root, focus, nodeOf) {
  const { model, state } = store;
  const node = nodeOf(focus);
  if (!model || !node) return;
  store.look(focus);
  store.busy = true;
  const [cell, around] = [node.getBoundingClientRect(), box.getBoundingClientRect()];
  const side = Math.max(cell.width, 34);
  const name = givenName(focus.role);
  const key = name + coordinates(model, name)[focus.cell];
  const before = shownValues(model, state.leave, focus.role)[focus.cell];
  const opener = document.activeElement;
  const field = /** @type {HTMLInputElement} */ (
    html("input", {
      class: "editor",
      type: "text",
      inputmode: "decimal",
      autocomplete: "off",
      "aria-label": `value of ${nameOf(model, state, focus.role, focus.cell)}`,
    })
  );
  field.value = String(before);
  field.style.left = `${cell.left - around.left + box.scrollLeft - 1}px`;
  field.style.top = `${cell.top - around.top - 1}px`;
  field.style.width = field.style.height = `${side + 2}px`;
  let isOpen = true;

  const keep = (/** @type {number} */ value) => {
    const bounded = Math.max(-MOST, Math.min(MOST, value));
    if (
      bounded !==
      shownValues(/** @type {ValuedModel} */ (store.model), store.state.leave, focus.role)[
        focus.cell
      ]
    ) {
      store.set({ edits: { ...store.state.edits, [key]: bounded } });
    }
  };
  const close = (/** @type {boolean} */ isKept) => {
    if (!isOpen) return;
    isOpen = false;
    store.busy = false;
    const value = numberOf(field.value);
    field.remove();
    if (value !== null) keep(isKept ? value : before);
    store.look(null);
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
  };
  const follow = (/** @type {number} */ by) => {
    const cells = model.count[focus.role];
    const next = focus.cell + by;
    close(true);
    if (next < 0 || next >= cells) return;
    editCell(store, box, root, { role: focus.role, cell: next }, nodeOf);
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const count = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") close(true);
    else if (event.key === "Escape") close(false);
    else if (event.key === "Tab") follow(event.shiftKey ? -1 : 1);
    else if (count) {
      field.value = String((numberOf(field.value) ?? 0) + count);
      keep(Number(field.value));
      store.looked = focus;
      store.tell("look");
    } else return;
    event.preventDefault();
  });
  field.addEventListener("blur", () => close(true));
  box.append(field);
  field.focus();
  field.select();
}

/**
 * The number of a text, with either minus sign or a comma for a point; null where it is none.
 * @param {string} text
 */
function numberOf(text) {
  const value = Number(text.trim().replace("−", "-").replace(",", "."));
  return text.trim() && Number.isFinite(value) ? value : null;
}
