// The working of the cell that is looked at: what meets it, the products, and the sum.
import { channelPairs, weightAt } from "./model.js";
import { indexOf, letterOf, nameOf, placeOf, shownValues, written } from "./names.js";
import { html } from "./paint.js";

const MOST_TERMS = 30;

/**
 * A term of the sum: a meeting, or a tap of the window that stands on padding.
 * @typedef {{meeting: number} | {padding: number}} Term
 */

/**
 * @param {Store} store
 * @returns {HTMLElement}
 */
export function sumPart(store) {
  const box = html("div.working");
  const live = html("div.sr", { "aria-live": "polite" });
  const inside = html("div");
  box.append(inside, live);
  store.subscribe((change) => {
    const { model, state } = store;
    box.hidden = store.refusal !== "";
    if (!model || store.refusal) return;
    if (change === "look" && store.pair !== null) return markHot(inside, store.pair);
    const focus = store.focus();
    const isResult = focus.role === state.leave;
    const parts = isResult ? resultParts(store, model, focus) : givenParts(store, model, focus);
    const says = html("p.says", parts.says);
    inside.replaceChildren(says, parts.row, checkLine(model, state));
    markHot(inside, null);
    if (!store.playing && live.textContent !== parts.spoken) live.textContent = parts.spoken;
  });
  return box;
}

/**
 * @param {HTMLElement} box
 * @param {number | null} pair
 */
function markHot(box, pair) {
  for (const term of box.querySelectorAll("[data-meeting]")) {
    term.classList.toggle(
      "hot",
      pair !== null && /** @type {HTMLElement} */ (term).dataset.meeting === String(pair),
    );
  }
}

/**
 * What meets a cell; taps of its window that stand on padding included.
 * @param {ValuedModel} model
 * @param {Focus} focus
 * @returns {Term[]}
 */
export function termsOf(model, focus) {
  const meetings = model.meets[focus.role][focus.cell].map((meeting) => ({ meeting }));
  if (focus.role !== model.small || model.pool) return meetings;
  const known = new Map(meetings.map((term) => [model.w[term.meeting], term]));
  const [plane] = placeOf(model, focus.role, focus.cell);
  const place = focus.cell % model.places;
  /** @type {Term[]} */
  const terms = [];
  for (const pair of channelPairs(model)) {
    if (pair[model.swap ? 0 : 1] !== plane) continue;
    for (let at = 0; at < model.taps; at++) {
      const tap = model.flip ? model.taps - 1 - at : at;
      const weight = weightAt(model, pair[2], tap, place);
      terms.push(known.get(weight) ?? { padding: weight });
    }
  }
  return terms;
}

/**
 * A cell with its letter and index, coloured.
 * @param {Store} store
 * @param {Role} role
 * @param {number} cell
 */
export function named(store, role, cell) {
  const { state } = store;
  const model = /** @type {ValuedModel} */ (store.model);
  return html(
    "span",
    { class: `c${role} named` },
    html("var", letterOf(state.letters, state.leave, role)),
    html("sub", indexOf(model, state.letters, role, cell)),
  );
}

/**
 * @param {Store} store
 * @param {ValuedModel} model
 * @param {Focus} focus
 */
function resultParts(store, model, focus) {
  const { leave } = store.state;
  const terms = termsOf(model, focus);
  const shown = terms.slice(0, MOST_TERMS).map((term) => resultTerm(store, model, term));
  const total = store.covered ? "?" : written(shownValues(model, leave, focus.role)[focus.cell]);
  const isMax = model.pool === "max" && leave === "y";
  const bias = leave === "y" ? biasTerm(model, focus) : "";
  const divisor = isMax ? 0 : divisorOf(model, leave, focus);
  const row = html(
    "div",
    { class: `sum ${focus.role}${isMax ? " max" : ""}` },
    html("span.left", named(store, focus.role, focus.cell), isMax ? " = max of" : " ="),
    divisor > 1 ? html("span.brace", "(") : "",
    ...shown,
    terms.length > MOST_TERMS ? html("span.rest", `… ${terms.length - MOST_TERMS} more`) : "",
    bias,
    divisor > 1 ? html("span.brace", `) / ${divisor}`) : "",
    html("span.equals", "="),
    html("span.total", total),
  );
  const met = model.meets[focus.role][focus.cell].length;
  const name = nameOf(model, store.state, focus.role, focus.cell);
  const spoken = `${name} = ${spokenTerms(store, model, terms)} = ${total}`;
  return { says: saysOf(model, leave, focus, met), row, spoken };
}

/**
 * @param {ValuedModel} model
 * @param {Focus} focus
 */
function biasTerm(model, focus) {
  const [plane] = placeOf(model, "y", focus.cell);
  const bias = model.values.b[plane];
  if (bias === undefined) return "";
  return html(
    "span.term",
    html("span.name", "bias"),
    html("span.factors", written(bias)),
    html("span.product", written(bias)),
  );
}

/**
 * By what the whole sum is divided: forward, of a mean.
 * @param {ValuedModel} model
 * @param {Role} leave
 * @param {Focus} focus
 */
function divisorOf(model, leave, focus) {
  return model.pool === "mean" && leave === "y" ? model.divisors[focus.cell % model.places] : 0;
}

/**
 * @param {ValuedModel} model
 * @param {Role} leave
 * @param {Focus} focus
 * @param {number} met
 */
function saysOf(model, leave, focus, met) {
  if (!met) {
    return focus.role === model.big
      ? "No place of the window reaches this cell."
      : "This place of the window lies in the padding only.";
  }
  if (model.pool === "max") {
    return leave === "y"
      ? "What lies under the window; the largest is the output (the first, where two are equal)."
      : "The outputs whose windows saw this cell. Only where it was the largest does the " +
          "gradient come back to it.";
  }
  return `What meets this cell: ${met} product${met > 1 ? "s, added up" : ""}.`;
}

/**
 * @param {Store} store
 * @param {ValuedModel} model
 * @param {Term} term
 */
function resultTerm(store, model, term) {
  const { leave } = store.state;
  if ("padding" in term) {
    const weight = shownValues(model, leave, "w")[term.padding];
    return termBox(store, null, ["padding"], ["0 × ", number("w", weight)], "0", "none");
  }
  const { meeting } = term;
  const other = /** @type {Role} */ (leave === "y" ? "x" : "y");
  if (model.pool) {
    const value = shownValues(model, leave, other)[model[other][meeting]];
    const won = model.pool === "mean" || model.values.best[model.y[meeting]] === meeting;
    const share =
      model.pool === "mean" && leave === "x" ? model.divisors[model.y[meeting] % model.places] : 1;
    const product =
      model.pool === "mean"
        ? written(value / share)
        : leave === "y"
          ? null
          : won
            ? "it won"
            : "lost: 0";
    const divided = share > 1 ? ` / ${share}` : "";
    const kind = won ? (model.pool === "max" ? "won" : "") : leave === "x" ? "none" : "";
    return termBox(
      store,
      meeting,
      [named(store, other, model[other][meeting])],
      [number(other, value), divided],
      product,
      kind,
    );
  }
  const [first, second] = /** @type {[Role, Role]} */ (
    ["x", "w", "y"].filter((role) => role !== leave)
  );
  const [a, b] = [first, second].map(
    (role) => shownValues(model, leave, role)[model[role][meeting]],
  );
  const names = [
    named(store, first, model[first][meeting]),
    " ",
    named(store, second, model[second][meeting]),
  ];
  return termBox(
    store,
    meeting,
    names,
    [number(first, a), " × ", number(second, b)],
    written(a * b),
    a * b === 0 ? "none" : "",
  );
}

/**
 * @param {Role} role
 * @param {number} value
 */
function number(role, value) {
  return html(`span.c${role}`, written(value));
}

/**
 * @param {Store} store
 * @param {number | null} meeting
 * @param {(Node | string)[]} names
 * @param {(Node | string)[]} factors
 * @param {string | null} product
 * @param {string} kind
 */
function termBox(store, meeting, names, factors, product, kind) {
  const box = html(
    "span",
    { class: `term ${kind}`, "data-meeting": meeting },
    html("span.name", ...names),
    html("span.factors", ...factors),
    product === null ? "" : html("span.product", product),
  );
  if (meeting !== null) {
    box.addEventListener("pointerenter", () => store.point(meeting));
    box.addEventListener("pointerleave", () => store.point(null));
  }
  return box;
}

/**
 * @param {Store} store
 * @param {ValuedModel} model
 * @param {Term[]} terms
 */
function spokenTerms(store, model, terms) {
  const { leave } = store.state;
  if (!terms.length) return "nothing meets it";
  const spoken = terms.slice(0, MOST_TERMS).map((term) => {
    if ("padding" in term) return "padding";
    const roles = /** @type {Role[]} */ (["x", "w", "y"]).filter(
      (role) => role !== leave && !(model.pool && role === "w"),
    );
    return roles
      .map((role) => written(shownValues(model, leave, role)[model[role][term.meeting]]))
      .join(" times ");
  });
  return spoken.join(model.pool === "max" ? ", " : " plus ");
}

/**
 * A given cell, read the other way: the cells of the result that its number goes into.
 * @param {Store} store
 * @param {ValuedModel} model
 * @param {Focus} focus
 */
function givenParts(store, model, focus) {
  const { leave } = store.state;
  const meetings = model.meets[focus.role][focus.cell];
  const value = shownValues(model, leave, focus.role)[focus.cell];
  const second = /** @type {Role} */ (
    ["x", "w", "y"].find((role) => role !== focus.role && role !== leave)
  );
  const boxes = meetings.slice(0, MOST_TERMS).map((meeting) => {
    const names = ["to ", named(store, leave, model[leave][meeting])];
    if (model.pool) {
      const won = model.pool === "mean" || model.values.best[model.y[meeting]] === meeting;
      return termBox(
        store,
        meeting,
        names,
        [won ? number(focus.role, value) : "0"],
        null,
        won ? "" : "none",
      );
    }
    const partner = shownValues(model, leave, second)[model[second][meeting]];
    return termBox(
      store,
      meeting,
      names,
      [number(focus.role, value), " × ", number(second, partner)],
      written(value * partner),
      "",
    );
  });
  const row = html(
    "div",
    { class: `sum max ${focus.role}` },
    html("span.left", named(store, focus.role, focus.cell), " = ", number(focus.role, value)),
    ...boxes,
    meetings.length > MOST_TERMS ? html("span.rest", `… ${meetings.length - MOST_TERMS} more`) : "",
  );
  const letter = letterOf(store.state.letters, leave, leave);
  const count = meetings.length;
  const says = count
    ? `Read the other way: the ${count} cell${count > 1 ? "s" : ""} of ${letter} that this ` +
      "number goes into. Click to change it."
    : "Nothing uses this number.";
  const name = nameOf(model, store.state, focus.role, focus.cell);
  const spoken = `${name} = ${written(value)} reaches ${count} cells of ${letter}`;
  return { says, row, spoken };
}

/**
 * y·gy = x·gx = w·gw: the one form, seen three times (the bias left out).
 * @param {ValuedModel} model
 * @param {State} state
 */
function checkLine(model, state) {
  if (state.leave === "y") return ""; // what arrives is not in the picture
  const { x, w, g, y, gx, gw, b } = model.values;
  if (y.includes(-Infinity)) return "";
  const area = model.count.y / model.planes.y;
  const sum = y.reduce(
    (total, value, i) => total + (value - (b[Math.floor(i / area)] ?? 0)) * g[i],
    0,
  );
  const names = (/** @type {Role} */ role) => {
    const [plain, gradient] = [
      letterOf(state.letters, "y", role),
      letterOf(state.letters, role === "w" ? "w" : "x", role),
    ];
    return html(`var.c${role}`, `${plain}·${gradient}`);
  };
  const parts = [names("y"), " = ", names("x"), ...(model.pool ? [] : [" = ", names("w")])];
  const dot = (/** @type {number[]} */ p, /** @type {number[]} */ q) =>
    p.reduce((t, v, i) => t + v * q[i], 0);
  const agree = [dot(x, gx), model.pool ? sum : dot(w, gw)].every(
    (t) => Math.abs(t - sum) <= 1e-9 * (1 + Math.abs(sum)),
  );
  const minus = b.length ? " (without the bias)" : "";
  return html(
    "p.check",
    "One sum, seen three times: ",
    ...parts,
    ` = ${written(sum)}${minus}${agree ? "" : " (not equal)"}`,
  );
}
