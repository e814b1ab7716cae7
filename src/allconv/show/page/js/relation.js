// The one relation b*j + p = s*i + d*k: in letters, with the numbers of each axis, and with those
// of the meeting that is pointed at.
import { letterOf, placeOf, written } from "./names.js";
import { html } from "./paint.js";

/** @param {Store} store */
export function relationPart(store) {
  const box = html("div.relation.math", { role: "group", "aria-label": "The relation" });
  store.subscribe(() => {
    const { model } = store;
    if (!model) return;
    const [big, small] = [model.big, model.small];
    const general = [
      "b·",
      letter("j", big),
      " + p = s·",
      letter("i", small),
      " + d·",
      letter("k", "w"),
    ];
    const rows = [html("div.general", ...general)];
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
  return html(
    "div",
    { class: pair === null ? "live" : "live hot" },
    name ? html("small", name) : "",
    number(axis.spread),
    "·",
    at(model.big, "j"),
    " + ",
    number(axis.low),
    " = ",
    number(axis.stride),
    "·",
    at(model.small, "i"),
    " + ",
    number(axis.dilation),
    "·",
    at("w", "k"),
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
  return html(
    "div.live.legend",
    "cell ",
    letter("j", big),
    " of ",
    array(big),
    ", tap ",
    letter("k", "w"),
    " of ",
    array("w"),
    ", cell ",
    letter("i", small),
    " of ",
    array(small),
    state.letters === "slides" ? ", counted from 0" : "",
  );
}
