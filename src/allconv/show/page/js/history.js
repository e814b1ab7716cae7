// What can be undone, and done again: the states that were left, in their order.
const MOST = 200;

/**
 * Changes of one act (a field that is open, a stroke of the pen) are undone together. An act is
 * any object; two changes belong together if they bring the same one, one after the other.
 * @returns {Past}
 */
export function makeHistory() {
  /** @type {State[]} */
  let past = [];
  /** @type {State[]} */
  let future = [];
  /** @type {{act: object | null, future: State[]}} */
  let last = { act: null, future: [] };

  /** @param {State[]} from @param {State[]} to @param {State} now */
  const travel = (from, to, now) => {
    const state = from.pop() ?? null;
    last = { act: null, future: [] };
    if (state) to.push(now);
    return state;
  };

  return {
    canUndo: () => past.length > 0,
    canRedo: () => future.length > 0,
    leave(state, act = null) {
      if (act !== null && act === last.act) return;
      last = { act, future };
      past = [...past.slice(1 - MOST), state];
      future = [];
    },
    back: (now) => travel(past, future, now),
    forth: (now) => travel(future, past, now),
    giveUp(act) {
      if (act !== last.act) return null;
      future = last.future;
      last = { act: null, future: [] };
      return past.pop() ?? null;
    },
  };
}
