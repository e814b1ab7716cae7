// The one relation b*j + p = s*i + d*k: in letters, with the numbers of each axis, and with those
// of the meeting that is pointed at.
import { letterOf, placeOf, written } from "./names.js";
import { html, mixed } from "./paint.js";

/** @param {Store} store */
export function relationPart(store) {
  const box = html("div.relation.math", { role: "group", "aria-label": "The relation" });
  store.subscribe(() => {
    const { model } = store;
    if (!model) return;
    const [big, small] = [model.big, model.small];
    const [j, i, k] = [letter("j", big), letter("i", small), letter("k", "w")];
    const rows = [html("div.general", ...mixed`b·${j} + p = s·${i} + d·${k}`)];
    for (const [name, n] of axesShown(model, store.pair))
      rows.push(axisRow(model, store.pair, name, n));
    if (store.pair === null) rows.push(legend(store.state, big, small));
    box.replaceChildren(...rows);
  });
  return box;
}

/** @param {string} text @param {Role} role */
function letter(text, role) {
  return html(`span.c${role}`, text);
}

/**
 * The axes that have a row of their own, with their names.
 * @param {ValuedModel} model
 * @param {number | null} pair
 * @returns {[string, 0 | 1][]}
 */
function axesShown(model, pair) {
  if (model.dim === 1) return [["", 1]];
  const numbers = (/** @type {Axis} */ axis) =>
    [axis.spread, axis.low, axis.stride, axis.dilation].join();
  if (pair === null && numbers(model.axes[0]) === numbers(model.axes[1])) return [["both axes", 1]];
  return [
    ["rows", 0],
    ["columns", 1],
  ];
}

/** @param {ValuedModel} model @param {number | null} pair @param {string} name @param {0 | 1} n */
function axisRow(model, pair, name, n) {
  const axis = model.axes[n];
  const at = (/** @type {Role} */ role, /** @type {string} */ usual) => {
    if (pair === null) return letter(usual, role);
    const place = placeOf(model, role, model[role][pair])[n + 1];
    return html(`b.c${role}`, String(role === "w" && model.flip ? axis.kernel - 1 - place : place));
  };
  const number = (/** @type {number} */ value) => html("b", written(value));
  const [b, p, s, d] = [axis.spread, axis.low, axis.stride, axis.dilation].map(number);
  const [j, i, k] = [at(model.big, "j"), at(model.small, "i"), at("w", "k")];
  return html(
    "div",
    { class: pair === null ? "live" : "live hot" },
    name ? html("small", name) : "",
    ...mixed`${b}·${j} + ${p} = ${s}·${i} + ${d}·${k}`,
  );
}

/**
 * Which cell each letter is of; they count from 0, whatever the letters of the arrays.
 * @param {State} state
 * @param {Role} big
 * @param {Role} small
 */
function legend(state, big, small) {
  const array = (/** @type {Role} */ role) =>
    letter(letterOf(state.letters, state.leave, role), role);
  const [j, k, i] = [letter("j", big), letter("k", "w"), letter("i", small)];
  return html(
    "div.live.legend",
    ...mixed`cell ${j} of ${array(big)}, tap ${k} of ${array("w")}, cell ${i} of ${array(small)}`,
    state.letters === "slides" ? ", counted from 0" : "",
  );
}
