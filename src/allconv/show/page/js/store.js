// The state of one live figure, its model, what is looked at, and what can be undone. Parts of the
// page subscribe; nothing else is shared between them.
import { fromAddress, toAddress, valued } from "./numbers.js";
import { weightParts } from "./model.js";
import { Refusal } from "./shared.js";
import { settled } from "./state.js";

const MOST_UNDONE = 200;

/**
 * @param {State} first
 * @returns {Store}
 */
export function makeStore(first) {
  /** @type {((change: Change) => void)[]} */
  const listeners = [];
  /** @type {State[]} */
  let past = [];
  /** @type {State[]} */
  let future = [];
  /** @type {Store} */
  const store = {
    state: first,
    model: null,
    refusal: "",
    looked: null,
    pair: null,
    playing: false,
    covered: false,
    busy: false,
    subscribe: (listener) => void listeners.push(listener),
    tell: (change) => listeners.forEach((listener) => listener(change)),
    focus: () => store.looked ?? { role: store.state.leave, cell: store.state.at },
    place: () => placeShown(store),
    canUndo: () => past.length > 0,
    canRedo: () => future.length > 0,
    set(change, { step = false } = {}) {
      const next = settled({ ...store.state, ...change });
      if (toAddress(next) === toAddress(store.state)) return;
      if (!step) {
        past = [...past.slice(-MOST_UNDONE), store.state];
        future = [];
      }
      store.state = next;
      refresh();
    },
    step(at) {
      if (!store.model) return;
      store.state = { ...store.state, at };
      store.looked = null;
      store.pair = null;
      store.tell("step");
    },
    leave(role) {
      if (role === "w" && store.model?.pool) return;
      const count = store.model?.count[role] ?? 1;
      const at = role === "y" ? 0 : Math.floor((count - 1) / 2);
      store.looked = null;
      store.set({ leave: role, at }, { step: true });
    },
    look(focus) {
      if (same(focus, store.looked) && store.pair === null) return;
      store.looked = focus;
      store.pair = null;
      store.tell("look");
    },
    point(meeting) {
      if (meeting === store.pair) return;
      store.pair = meeting;
      store.tell("look");
    },
    undo: () => travel(past, future),
    redo: () => travel(future, past),
    open(address) {
      past = [...past.slice(-MOST_UNDONE), store.state];
      future = [];
      store.state = fromAddress(address);
      refresh();
    },
  };

  /**
   * @param {State[]} from
   * @param {State[]} to
   */
  function travel(from, to) {
    const state = from.pop();
    if (!state) return;
    to.push(store.state);
    store.state = state;
    refresh();
  }

  function refresh() {
    compute(store);
    store.tell("state");
  }

  compute(store);
  return store;
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

/**
 * @param {Focus | null} a
 * @param {Focus | null} b
 */
function same(a, b) {
  return a === b || (a !== null && b !== null && a.role === b.role && a.cell === b.cell);
}

/**
 * The place whose kernel a local layer shows.
 * @param {Store} store
 */
function placeShown(store) {
  const { model } = store;
  if (!model?.local) return 0;
  const focus = store.focus();
  if (focus.role === "w") return weightParts(model, focus.cell)[2];
  if (focus.role === "y") return focus.cell % model.places;
  const [meeting] = model.meets[focus.role][focus.cell];
  return meeting === undefined ? 0 : model.y[meeting] % model.places;
}
