// The state of one live figure, its model, what is looked at, and what can be undone. Parts of the
// page subscribe; nothing else is shared between them.
import { makeHistory } from "./history.js";
import { fromAddress, toAddress, valued } from "./numbers.js";
import { weightParts } from "./model.js";
import { Refusal } from "./shared.js";
import { settled } from "./state.js";

/** @param {State} first @returns {Store} */
export function makeStore(first) {
  return new LiveStore(first);
}

/** @implements {Store} */
class LiveStore {
  /** @type {ValuedModel | null} */
  model = null;
  refusal = "";
  /** @type {Focus | null} */
  looked = null;
  /** @type {number | null} */
  pair = null;
  playing = false;
  covered = false;
  busy = false;
  #history = makeHistory();
  /** @type {((change: Change) => void)[]} */
  #listeners = [];

  /** @param {State} first */
  constructor(first) {
    this.state = first;
    compute(this);
  }

  /** @param {(change: Change) => void} listener */
  subscribe(listener) {
    this.#listeners.push(listener);
  }

  /** @param {Change} change */
  tell(change) {
    for (const listener of this.#listeners) listener(change);
  }

  focus() {
    return this.looked ?? { role: this.state.leave, cell: this.state.at };
  }

  place() {
    return placeShown(this);
  }

  canUndo() {
    return this.#history.canUndo();
  }

  canRedo() {
    return this.#history.canRedo();
  }

  /** @param {Partial<State>} change @param {{step?: boolean, act?: object}} options */
  set(change, { step = false, act } = {}) {
    const next = settled({ ...this.state, ...change });
    if (toAddress(next) === toAddress(this.state)) return;
    if (!step) this.#history.leave(this.state, act);
    this.#show(next);
  }

  /** @param {number} at */
  step(at) {
    if (!this.model) return;
    this.state = { ...this.state, at };
    this.looked = null;
    this.pair = null;
    this.tell("step");
  }

  /** @param {Role} role */
  leave(role) {
    if (role === "w" && this.model?.pool) return;
    const count = this.model?.count[role] ?? 1;
    const at = role === "y" ? 0 : Math.floor((count - 1) / 2);
    this.looked = null;
    this.set({ leave: role, at }, { step: true });
  }

  /** @param {Focus | null} focus */
  look(focus) {
    if (this.busy || (same(focus, this.looked) && this.pair === null)) return;
    this.looked = focus;
    this.pair = null;
    this.tell("look");
  }

  /** @param {number | null} meeting */
  point(meeting) {
    if (this.busy || meeting === this.pair) return;
    this.pair = meeting;
    this.tell("look");
  }

  undo() {
    this.#show(this.#history.back(this.state));
  }

  redo() {
    this.#show(this.#history.forth(this.state));
  }

  /** @param {object} act */
  giveUp(act) {
    this.#show(this.#history.giveUp(act));
  }

  /** @param {string} address */
  open(address) {
    this.#history.leave(this.state);
    this.#show(fromAddress(address));
  }

  /** @param {State | null} state */
  #show(state) {
    if (!state) return;
    this.state = state;
    compute(this);
    this.tell("state");
  }
}

/** @param {Store} store */
function compute(store) {
  store.looked = null;
  store.pair = null;
  try {
    store.model = valued(store.state);
    store.refusal = "";
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    store.refusal = error.message;
    return;
  }
  const last = store.model.count[store.state.leave] - 1;
  if (store.state.at > last) store.state = { ...store.state, at: last };
}

/** @param {Focus | null} a @param {Focus | null} b */
function same(a, b) {
  return a === b || (a !== null && b !== null && a.role === b.role && a.cell === b.cell);
}

/** The place whose kernel a local layer shows. @param {Store} store */
function placeShown(store) {
  const { model } = store;
  if (!model?.local) return 0;
  const focus = store.focus();
  if (focus.role === "w") return weightParts(model, focus.cell)[2];
  if (focus.role === "y") return focus.cell % model.places;
  const [meeting] = model.meets[focus.role][focus.cell];
  return meeting === undefined ? 0 : model.y[meeting] % model.places;
}
