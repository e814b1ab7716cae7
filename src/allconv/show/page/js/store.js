// The state of one live figure, its model, what is looked at, and what can be undone. Parts of the
// page subscribe; nothing else is shared between them.
import { makeHistory } from "./history.js";
import { fromAddress, toAddress, valued } from "./numbers.js";
import { weightParts } from "./model.js";
import { Refusal } from "./shared.js";
import { settled } from "./state.js";

export class Store {
  /** @type {ValuedModel | null} */
  model = null;
  refusal = "";
  /** @type {Focus | null} */
  looked = null;
  /** @type {number | null} */
  pair = null;
  playing = false;
  covered = false;
  /** A field is open; what is looked at stays until it is closed. */
  busy = false;
  #history = makeHistory();
  /** @type {((change: Change) => void)[]} */
  #listeners = [];

  /** @param {State} first */
  constructor(first) {
    this.state = first;
    this.#compute();
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

  /** The place whose kernel a local layer shows. */
  place() {
    const { model } = this;
    if (!model?.local) return 0;
    const { role, cell } = this.focus();
    if (role === "w") return weightParts(model, cell)[2];
    if (role === "y") return cell % model.places;
    const [meeting] = model.meets[role][cell];
    return meeting === undefined ? 0 : model.y[meeting] % model.places;
  }

  /**
   * Let a part follow the state: it is hidden where the geometry cannot be, or it has nothing to
   * show, and drawn anew otherwise.
   * @template {HTMLElement} Part
   * @param {Part} part
   * @param {(model: ValuedModel, change: Change) => void} draw
   * @param {(model: ValuedModel) => boolean} isShown
   */
  follow(part, draw, isShown = () => true) {
    this.subscribe((change) => {
      const model = this.refusal ? null : this.model;
      part.hidden = !model || !isShown(model);
      if (model && !part.hidden) draw(model, change);
    });
    return part;
  }

  canUndo() {
    return this.#history.canUndo();
  }

  canRedo() {
    return this.#history.canRedo();
  }

  /**
   * @param {Partial<State>} change
   * @param {{step?: boolean, act?: object}} options `step`: not to be undone; `act`: undone
   *   together with what else is of that act
   */
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

  /** As if an act had not been. @param {object} act */
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
    this.#compute();
    this.tell("state");
  }

  #compute() {
    this.looked = null;
    this.pair = null;
    try {
      this.model = valued(this.state);
      this.refusal = "";
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refusal = error.message;
      return;
    }
    const last = this.model.count[this.state.leave] - 1;
    if (this.state.at > last) this.state = { ...this.state, at: last };
  }
}

/** @param {Focus | null} a @param {Focus | null} b */
function same(a, b) {
  return a === b || (a !== null && b !== null && a.role === b.role && a.cell === b.cell);
}
