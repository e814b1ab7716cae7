// What arrays and cells are called, in our letters (counted from 0) or the slides' (from 1), and
// numbers as text.
import { ROLES, weightParts } from "./model.js";
import { shared } from "./shared.js";

/** Four significant digits, with a true minus sign. @param {number} value */
export function written(value) {
  if (value === -Infinity) return "−∞";
  if (value === Infinity) return "∞";
  if (Number.isNaN(value)) return "NaN";
  const rounded = Number.isInteger(value) ? value : Number.parseFloat(value.toPrecision(4));
  const text = Math.abs(rounded) < 1e-12 ? "0" : String(rounded);
  return text.replace("e-", "e−").replace(/^-/, "−");
}

/**
 * Whether the array of a role is shown by its gradient: all but forward, of the result and of what
 * arrives.
 * @param {Role} leave
 * @param {Role} role
 */
export function isGradient(leave, role) {
  return leave !== "y" && (role === "y" || role === leave);
}

/**
 * The letter of what a panel shows: x, w, y, gx, gw, gy; or I, W, O, dL/dI, dL/dW, LO.
 * @param {State["letters"]} letters
 * @param {Role} leave
 * @param {Role} role
 * @returns {string}
 */
export function letterOf(letters, leave, role) {
  const names = shared.names.letters[letters];
  return names[isGradient(leave, role) ? `g${role}` : role];
}

/**
 * Plane, row and column of a cell; of a weight its tap, whatever its place.
 * @param {Model} model
 * @param {Role} role
 * @param {number} cell
 * @returns {[number, number, number]}
 */
export function placeOf(model, role, cell) {
  const [height, width] = model.sizes[role];
  const [plane, at] =
    role === "w" && !model.pool
      ? weightParts(model, cell)
      : [Math.floor(cell / (height * width)), cell % (height * width)];
  return [plane, Math.floor(at / width), at % width];
}

/**
 * The index of a cell as it is written: "0,2", or "1,3" counted from 1.
 * @param {ValuedModel} model
 * @param {State["letters"]} letters
 * @param {Role} role
 * @param {number} cell
 */
export function indexOf(model, letters, role, cell) {
  const from = letters === "slides" ? 1 : 0;
  const [plane, row, column] = placeOf(model, role, cell);
  const index = [];
  if (role === "w") {
    if (!model.pool) index.push(...planeIndex(model, plane));
  } else if (model.planes[role] > 1) {
    index.push(plane);
  }
  if (model.dim === 2) index.push(row);
  index.push(column);
  const counted = index.map((n) => n + from).join(",");
  if (role !== "w" || !model.local) return counted;
  const place = weightParts(model, cell)[2];
  const width = model.axes[1].output;
  const of = model.dim === 2 ? [Math.floor(place / width), place % width] : [place];
  return `${counted} @ ${of.map((n) => n + from).join(",")}`;
}

/**
 * The channels of a plane of weights, in the order of the array's axes; left out where there is
 * one.
 * @param {Model} model
 * @param {number} plane
 */
function planeIndex({ inputs, outputs, groups, swap }, plane) {
  const [first, second] = swap ? [inputs, outputs / groups] : [outputs, inputs / groups];
  const index = [];
  if (first > 1) index.push(Math.floor(plane / second));
  if (second > 1) index.push(plane % second);
  return index;
}

/**
 * A cell with its letter: "x[0,2]".
 * @param {ValuedModel} model
 * @param {Pick<State, "letters" | "leave">} view
 * @param {Role} role
 * @param {number} cell
 */
export function nameOf(model, view, role, cell) {
  const letter = letterOf(view.letters, view.leave, role);
  return `${letter}[${indexOf(model, view.letters, role, cell)}]`;
}

/**
 * The values that a panel shows.
 * @param {ValuedModel} model
 * @param {Role} leave
 * @param {Role} role
 * @returns {number[]}
 */
export function shownValues({ values }, leave, role) {
  if (role === leave) return leave === "y" ? values.y : leave === "x" ? values.gx : values.gw;
  return role === "y" ? values.g : values[role];
}

/** The array that a panel's cells are edited in. @param {Role} role @returns {"x" | "w" | "g"} */
export function givenName(role) {
  return role === "y" ? "g" : role;
}

/** Sizes as they are written: "5 × 5", or "5". @param {ValuedModel} model @param {Pair} size */
export function sizeText(model, size) {
  return model.dim === 1 ? String(size[1]) : size.join(" × ");
}

/**
 * What the three panels of a state show.
 * @param {ValuedModel} model
 * @param {Pick<State, "letters" | "leave">} view
 * @returns {Panels}
 */
export function panelsOf(model, view) {
  const panels = /** @type {Panels} */ ({});
  for (const role of ROLES) {
    const gradient = isGradient(view.leave, role);
    const size = sizeText(model, model.sizes[role]);
    panels[role] = {
      color: role,
      letter: letterOf(view.letters, view.leave, role),
      title: `${titleOf(model, role, gradient)} ${size}`,
      short: `${gradient ? shared.names.short : ""}${size}`,
      values:
        role === "w" && model.pool === "mean"
          ? shares(model)
          : shownValues(model, view.leave, role),
      gradient,
      result: role === view.leave,
      editable: role !== view.leave && !(role === "w" && model.pool !== null),
      first: view.letters === "slides" ? 1 : 0,
    };
  }
  return panels;
}

/**
 * The weights of a mean, where all places divide by the same number; else 1.
 * @param {ValuedModel} model
 */
function shares(model) {
  const [first] = model.divisors;
  const same = model.divisors.every((divisor) => divisor === first);
  return new Array(model.taps).fill(same ? 1 / first : 1);
}

/** @param {Model} model @param {Role} role @param {boolean} gradient @returns {string} */
function titleOf(model, role, gradient) {
  const { titles } = shared.names;
  if (gradient) return titles[`g${role}`];
  if (role !== "w") return titles[role];
  if (model.pool) return titles[model.pool];
  return titles[model.flip ? "flipped" : model.local ? "local" : "w"];
}
