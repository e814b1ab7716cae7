// The working of the cell that is looked at: what meets it, the products, and the sum.
import { pairsWith, ROLES, weightAt } from "./model.js";
import { indexOf, letterOf, nameOf, placeOf, shownValues, written } from "./names.js";
import { html } from "./paint.js";

const MOST_TERMS = 30;

/**
 * A term of the sum: a meeting, or a tap of the window that stands on padding.
 * @typedef {{meeting: number} | {padding: number}} Term
 */

/** @param {Store} store */
export function sumPart(store) {
  const box = html("div.working");
  const live = html("div.sr", { "aria-live": "polite" });
  const inside = html("div");
  box.append(inside, live);
  return store.follow(box, (model, change) => {
    const { state } = store;
    if (change === "look" && store.pair !== null) return markHot(inside, store.pair);
    const focus = store.focus();
    const step = new Step(store, model, focus);
    const parts = focus.role === state.leave ? step.result() : step.given();
    const says = html("p.says", parts.says);
    inside.replaceChildren(says, parts.row, checkLine(model, state));
    markHot(inside, null);
    if (!store.playing && live.textContent !== parts.spoken) live.textContent = parts.spoken;
  });
}

/** @param {HTMLElement} box @param {number | null} pair */
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
  for (const [, , kernel] of pairsWith(model, focus.role, plane)) {
    for (let at = 0; at < model.taps; at++) {
      const tap = model.flip ? model.taps - 1 - at : at;
      const weight = weightAt(model, kernel, tap, place);
      terms.push(known.get(weight) ?? { padding: weight });
    }
  }
  return terms;
}

/** What is said of a cell that is looked at, of the result or of a given array. */
class Step {
  /** @param {Store} store @param {ValuedModel} model @param {Focus} focus */
  constructor(store, model, focus) {
    this.store = store;
    this.model = model;
    this.focus = focus;
    this.leave = store.state.leave;
    this.met = model.meets[focus.role][focus.cell];
    this.name = nameOf(model, store.state, focus.role, focus.cell);
  }

  /**
   * The value of an array's cell that takes part in a meeting.
   * @param {Role} role
   * @param {number} meeting
   */
  value(role, meeting) {
    return shownValues(this.model, this.leave, role)[this.model[role][meeting]];
  }

  /** A cell with its letter and index, coloured. @param {Role} role @param {number} cell */
  named(role, cell) {
    const { letters, leave } = this.store.state;
    return html(
      `span.c${role}.named`,
      html("var", letterOf(letters, leave, role)),
      html("sub", indexOf(this.model, letters, role, cell)),
    );
  }

  /** The sum of a cell of the result. */
  result() {
    const { model, leave, focus } = this;
    const terms = termsOf(model, focus);
    const value = shownValues(model, leave, focus.role)[focus.cell];
    const total = this.store.covered ? "?" : written(value);
    const isMax = model.pool === "max" && leave === "y";
    // Forward, the whole sum of a mean is divided.
    const isMean = model.pool === "mean" && leave === "y";
    const divisor = isMean ? model.divisors[focus.cell % model.places] : 0;
    const row = html(
      `div.sum.${focus.role}${isMax ? ".max" : ""}`,
      html("span.left", this.named(focus.role, focus.cell), isMax ? " = max of" : " ="),
      divisor > 1 ? html("span.brace", "(") : "",
      ...terms.slice(0, MOST_TERMS).map((term) => this.term(term)),
      rest(terms.length),
      leave === "y" ? this.bias() : "",
      divisor > 1 ? html("span.brace", `) / ${divisor}`) : "",
      html("span.equals", "="),
      html("span.total", total),
    );
    const spoken = `${this.name} = ${this.spoken(terms)} = ${total}`;
    return { says: this.says(), row, spoken };
  }

  bias() {
    const [plane] = placeOf(this.model, "y", this.focus.cell);
    const bias = this.model.values.b[plane];
    return bias === undefined ? "" : this.box(null, ["bias"], [written(bias)], written(bias));
  }

  says() {
    const { model, focus } = this;
    const count = this.met.length;
    if (!count) {
      return focus.role === model.big
        ? "No place of the window reaches this cell."
        : "This place of the window lies in the padding only.";
    }
    if (model.pool === "max") {
      return this.leave === "y"
        ? "What lies under the window; the largest is the output (the first, where two are equal)."
        : "The outputs whose windows saw this cell. Only where it was the largest does the " +
            "gradient come back to it.";
    }
    return `What meets this cell: ${count} product${count > 1 ? "s, added up" : ""}.`;
  }

  /** @param {Term} term */
  term(term) {
    const { model, leave } = this;
    if ("padding" in term) {
      const weight = shownValues(model, leave, "w")[term.padding];
      return this.box(null, ["padding"], ["0 × ", number("w", weight)], "0", "none");
    }
    const { meeting } = term;
    if (model.pool) return this.pooled(meeting);
    const [first, second] = ROLES.filter((role) => role !== leave);
    const [a, b] = [this.value(first, meeting), this.value(second, meeting)];
    const names = [
      this.named(first, model[first][meeting]),
      " ",
      this.named(second, model[second][meeting]),
    ];
    const factors = [number(first, a), " × ", number(second, b)];
    return this.box(meeting, names, factors, written(a * b), a * b === 0 ? "none" : "");
  }

  /** @param {number} meeting */
  pooled(meeting) {
    const { model, leave } = this;
    const other = leave === "y" ? "x" : "y";
    const value = this.value(other, meeting);
    const won = this.won(meeting);
    const names = [this.named(other, model[other][meeting])];
    if (model.pool === "mean") {
      const share = leave === "x" ? model.divisors[model.y[meeting] % model.places] : 1;
      const divided = share > 1 ? ` / ${share}` : "";
      return this.box(meeting, names, [number(other, value), divided], written(value / share));
    }
    const product = leave === "y" ? null : won ? "it won" : "lost: 0";
    const kind = won ? "won" : leave === "x" ? "none" : "";
    return this.box(meeting, names, [number(other, value), ""], product, kind);
  }

  /**
   * Whether what is given in a meeting reaches the output: all but what a maximum leaves out.
   * @param {number} meeting
   */
  won(meeting) {
    const { model } = this;
    return model.pool === "mean" || model.values.best[model.y[meeting]] === meeting;
  }

  /**
   * @param {number | null} meeting
   * @param {(Node | string)[]} names
   * @param {(Node | string)[]} factors
   * @param {string | null} product
   */
  box(meeting, names, factors, product, kind = "") {
    const box = html(
      "span",
      { class: `term ${kind}`, "data-meeting": meeting },
      html("span.name", ...names),
      html("span.factors", ...factors),
      product === null ? "" : html("span.product", product),
    );
    if (meeting !== null) {
      box.addEventListener("pointerenter", () => this.store.point(meeting));
      box.addEventListener("pointerleave", () => this.store.point(null));
    }
    return box;
  }

  /** @param {Term[]} terms */
  spoken(terms) {
    const { model, leave } = this;
    if (!terms.length) return "nothing meets it";
    const roles = ROLES.filter((role) => role !== leave && !(model.pool && role === "w"));
    const spoken = terms.slice(0, MOST_TERMS).map((term) => {
      if ("padding" in term) return "padding";
      return roles.map((role) => written(this.value(role, term.meeting))).join(" times ");
    });
    return spoken.join(model.pool === "max" ? ", " : " plus ");
  }

  /** A given cell, read the other way: the cells of the result that its number goes into. */
  given() {
    const { model, leave, focus, met } = this;
    const value = shownValues(model, leave, focus.role)[focus.cell];
    const second = /** @type {Role} */ (
      ROLES.find((role) => role !== focus.role && role !== leave)
    );
    const own = number(focus.role, value);
    const boxes = met.slice(0, MOST_TERMS).map((meeting) => {
      const names = ["to ", this.named(leave, model[leave][meeting])];
      const factor = number(focus.role, value);
      if (model.pool) {
        const won = this.won(meeting);
        return this.box(meeting, names, [won ? factor : "0"], null, won ? "" : "none");
      }
      const partner = this.value(second, meeting);
      const factors = [factor, " × ", number(second, partner)];
      return this.box(meeting, names, factors, written(value * partner));
    });
    const row = html(
      `div.sum.max.${focus.role}`,
      html("span.left", this.named(focus.role, focus.cell), " = ", own),
      ...boxes,
      rest(met.length),
    );
    const letter = letterOf(this.store.state.letters, leave, leave);
    const count = met.length;
    const says = count
      ? `Read the other way: the ${count} cell${count > 1 ? "s" : ""} of ${letter} that this ` +
        "number goes into. Click to change it."
      : "Nothing uses this number.";
    const spoken = `${this.name} = ${written(value)} reaches ${count} cells of ${letter}`;
    return { says, row, spoken };
  }
}

/** @param {number} count of terms, of which the first are shown */
function rest(count) {
  return count > MOST_TERMS ? html("span.rest", `… ${count - MOST_TERMS} more`) : "";
}

/** @param {Role} role @param {number} value */
function number(role, value) {
  return html(`span.c${role}`, written(value));
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
