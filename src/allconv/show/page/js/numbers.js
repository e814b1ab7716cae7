// The numbers of all arrays of a state: the given ones (drawn until they are edited), the result,
// and the three gradients.
import { meetings, tapsInPadding } from "./geometry.js";
import { modelOf, structureOf, weightParts } from "./model.js";
import { placeOf } from "./names.js";
import { addressOf, fieldsOf, isPool, stateOf } from "./state.js";

/** @typedef {"x" | "w" | "g" | "b"} Given */

/**
 * The model of a state with its values; Refusal where the geometry cannot be.
 * @param {State} state
 * @returns {ValuedModel}
 */
export function valued(state) {
  const model = modelOf(structureOf(state));
  const given = (/** @type {Given} */ name) =>
    coordinates(model, name).map((place) => state.edits[name + place] ?? drawn(name, state, place));
  const x = given("x");
  const w = model.pool ? new Array(model.taps).fill(1) : given("w");
  const g = given("g");
  const b = state.bias ? given("b") : [];
  const divisors = divisorsOf(model, state.countPadding);
  const made = model.pool === "max" ? maxima(model, x, g) : sums(model, x, w, g, b, divisors);
  const gb = state.bias ? biasGradient(model, g) : [];
  return { ...model, dim: state.dim, divisors, values: { x, w, g, b, gb, ...made } };
}

/**
 * By what the sum of each place is divided: empty but for means.
 * @param {Model} model
 * @param {boolean} countPadding
 * @returns {number[]}
 */
function divisorsOf(model, countPadding) {
  if (model.pool !== "mean") return [];
  const [rows, columns] = model.axes;
  const along = (/** @type {Axis} */ axis) => {
    const inside = new Array(axis.output).fill(0);
    for (const [, , i] of meetings(axis)) inside[i] += 1;
    return inside.map((n, i) => (countPadding ? tapsInPadding(axis, i) : Math.max(n, 1)));
  };
  const [down, across] = [along(rows), along(columns)];
  return down.flatMap((a) => across.map((b) => a * b));
}

/**
 * @param {Model} model
 * @param {number[]} x
 * @param {number[]} w
 * @param {number[]} g
 * @param {number[]} b
 * @param {number[]} divisors
 */
function sums(model, x, w, g, b, divisors) {
  const area = model.count.y / model.planes.y;
  const y = Array.from({ length: model.count.y }, (_, i) => b[Math.floor(i / area)] ?? 0);
  const gx = new Array(model.count.x).fill(0);
  const gw = new Array(model.count.w).fill(0);
  const share = (/** @type {number} */ cell) => (divisors.length ? divisors[cell % area] : 1);
  model.x.forEach((at, meeting) => {
    const [weight, cell] = [model.w[meeting], model.y[meeting]];
    y[cell] += x[at] * w[weight];
    gx[at] += (g[cell] / share(cell)) * w[weight];
    gw[weight] += x[at] * g[cell];
  });
  return { y: divisors.length ? y.map((sum, i) => sum / share(i)) : y, gx, gw, best: [] };
}

/**
 * The largest of each window, the first of equal ones; its gradient goes back to that cell.
 * @param {Model} model
 * @param {number[]} x
 * @param {number[]} g
 */
function maxima(model, x, g) {
  const gx = new Array(model.count.x).fill(0);
  const best = model.meets.y.map((list) =>
    list.reduce((won, t) => (won < 0 || x[model.x[t]] > x[model.x[won]] ? t : won), -1),
  );
  const y = best.map((t) => (t < 0 ? -Infinity : x[model.x[t]]));
  best.forEach((t, cell) => {
    if (t >= 0) gx[model.x[t]] += g[cell];
  });
  return { y, gx, gw: new Array(model.count.w).fill(0), best };
}

/** @param {Model} model @param {number[]} g */
function biasGradient(model, g) {
  const area = model.count.y / model.planes.y;
  return Array.from({ length: model.planes.y }, (_, o) =>
    g.slice(o * area, (o + 1) * area).reduce((sum, v) => sum + v, 0),
  );
}

/**
 * Where every cell of a given array lies, "channel.row.column": edits are kept by it, so that they
 * outlive a change of size.
 * @param {Model} model
 * @param {Given} name
 * @returns {string[]}
 */
export function coordinates(model, name) {
  if (name === "b") return Array.from({ length: model.planes.y }, (_, o) => `${o}`);
  const role = name === "g" ? "y" : name;
  const ofPlace = (/** @type {number} */ cell) =>
    role === "w" && model.local ? [weightParts(model, cell)[2]] : [];
  return Array.from({ length: model.count[role] }, (_, cell) =>
    [...placeOf(model, role, cell), ...ofPlace(cell)].join("."),
  );
}

/** The arrays that are given; pooling has no weights. @param {Model} model @returns {Given[]} */
export function givenArrays(model) {
  return model.pool ? ["x", "g", "b"] : ["x", "w", "g", "b"];
}

/**
 * What a cell holds until it is edited: 1, 2, 3 ... on a line, else small whole numbers.
 * @param {Given} name
 * @param {State} state
 * @param {string} place
 */
function drawn(name, state, place) {
  const parts = place.split(".").map(Number);
  if (name === "b") return (parts[0] % 3) - 1;
  if (state.dim === 1 && state.op !== "local" && parts[0] === 0 && name !== "g") {
    return parts[2] + 1;
  }
  const seed = { x: 1, w: 5, g: 3 }[name];
  let mix = 7;
  for (const part of [seed, ...parts]) {
    mix = Math.imul(mix ^ (part + 11), 0x9e3779b1) ^ (mix >>> 13);
  }
  const number = mix >>> 9;
  if (name === "g") return (number % 3) + 1; // no zero, so that every copy of the kernel is seen
  return name === "x" ? number % (isPool(state) ? 10 : 5) : (number % 4) - 1;
}

/**
 * The address of a state with the values of every array of which one was edited.
 * @param {State} state
 */
export function toAddress(state) {
  const address = addressOf(state);
  if (!Object.keys(state.edits).length) return `#${address}`;
  const parts = [address];
  try {
    const model = valued(state);
    for (const name of givenArrays(model)) {
      if (coordinates(model, name).some((place) => name + place in state.edits)) {
        parts.push(`${name}=${model.values[name].join(",")}`);
      }
    }
  } catch {
    // a geometry that cannot be: its settings alone
  }
  return `#${parts.join("&")}`;
}

/**
 * The state of an address, values included; numbers that are none are left as they were drawn.
 * @param {string} address
 * @returns {State}
 */
export function fromAddress(address) {
  const fields = fieldsOf(address);
  const state = stateOf(fields);
  try {
    const model = modelOf(structureOf(state));
    for (const name of givenArrays(model)) {
      const numbers = fields[name]?.split(",") ?? [];
      coordinates(model, name).forEach((place, i) => {
        const value = Number(numbers[i]);
        if (numbers[i]?.trim() && Number.isFinite(value)) state.edits[name + place] = value;
      });
    }
  } catch {
    // a geometry that cannot be keeps no values
  }
  return state;
}
