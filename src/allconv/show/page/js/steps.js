// The step as a table, and the result with it: for screen readers, and for those who like tables.
import { ROLES } from "./model.js";
import { termsOf } from "./sum.js";
import { letterOf, nameOf, shownValues, written } from "./names.js";
import { html } from "./paint.js";

/** @param {Store} store */
export function stepsPart(store) {
  const box = html("div.tables", { tabindex: 0, role: "group", "aria-label": "Tables" });
  const details = html(
    "details",
    html("summary", "This step, and the whole result, as tables"),
    box,
  );
  const section = html("section.steps", details);
  const draw = (/** @type {ValuedModel | null} */ model) => {
    if (!model || !details.open || store.playing) return;
    box.replaceChildren(stepTable(store, model), ...resultTables(store, model));
  };
  details.addEventListener("toggle", () => draw(store.model));
  return store.follow(section, (model, change) => change !== "look" && draw(model));
}

/** @param {Store} store @param {ValuedModel} model */
function stepTable(store, model) {
  const { state } = store;
  const focus = { role: state.leave, cell: state.at };
  const roles = ROLES.filter((role) => role !== state.leave && !(model.pool && role === "w"));
  const rows = termsOf(model, focus).map((term) => {
    if ("padding" in term)
      return ["padding", written(shownValues(model, state.leave, "w")[term.padding]), "0"];
    const cells = roles.map((role) => {
      const cell = model[role][term.meeting];
      const value = shownValues(model, state.leave, role)[cell];
      return `${nameOf(model, state, role, cell)} = ${written(value)}`;
    });
    const product = roles.reduce(
      (p, role) => p * shownValues(model, state.leave, role)[model[role][term.meeting]],
      1,
    );
    return [...cells, ...(roles.length > 1 ? [written(product)] : [])];
  });
  const heads = [
    ...roles.map((role) => letterOf(state.letters, state.leave, role)),
    ...(roles.length > 1 ? ["product"] : []),
  ];
  const total = store.covered
    ? "?"
    : written(shownValues(model, state.leave, state.leave)[state.at]);
  const caption = `${nameOf(model, state, state.leave, state.at)} = ${total}`;
  return table(caption, heads, rows);
}

/** @param {Store} store @param {ValuedModel} model */
function resultTables(store, model) {
  const { leave, letters } = store.state;
  if (leave === "w" && model.local) return [];
  const [height, width] = model.sizes[leave];
  const values = shownValues(model, leave, leave);
  return Array.from({ length: model.planes[leave] }, (_, plane) => {
    const rows = Array.from({ length: height }, (_, row) =>
      values
        .slice((plane * height + row) * width, (plane * height + row + 1) * width)
        .map((value) => (store.covered ? "?" : written(value))),
    );
    const channel = model.planes[leave] > 1 ? `, channel ${plane}` : "";
    const name = letterOf(letters, leave, leave) + channel;
    return table(name, [], rows);
  });
}

/** @param {string} caption @param {string[]} heads @param {string[][]} rows */
function table(caption, heads, rows) {
  return html(
    "table",
    html("caption", caption),
    ...(heads.length
      ? [html("thead", html("tr", ...heads.map((head) => html("th", { scope: "col" }, head))))]
      : []),
    html("tbody", ...rows.map((row) => html("tr", ...row.map((cell) => html("td.number", cell))))),
  );
}
