// The geometry's numbers: type them, use the arrow keys, or drag sideways.
import { html } from "./paint.js";
import { shared } from "./shared.js";
import { isPool, limitsOf } from "./state.js";

const DRAG = 14; // pixels for a step of one

/** @param {Store} store */
export function controlsPart(store) {
  const fields = new Fields(store);
  const turnedTo = keeper(store);
  const kinds = html("div.kinds", { role: "group", "aria-label": "Kind of layer" });
  for (const op of shared.operators) {
    const press = () => store.set(turnedTo(/** @type {State["op"]} */ (op)));
    const button = html("button", { type: "button", onclick: press }, shared.names.operators[op]);
    fields.now(() => button.setAttribute("aria-pressed", String(store.state.op === op)));
    kinds.append(button);
  }
  if (shared.examples?.length) kinds.append(examples(store));
  const summary = html("summary");
  fields.now(() => (summary.textContent = inShort(store.state)));
  const all = html("div.fields", ...fields.all());
  const details = html("details", { open: window.innerWidth > 760 }, summary, all);
  store.subscribe((change) => {
    if (change === "state") for (const each of fields.refresh) each();
  });
  const form = html("form.controls", { "aria-label": "Geometry" }, kinds, details);
  form.addEventListener("submit", (event) => event.preventDefault());
  return form;
}

/**
 * What changes with the kind of layer. A linear layer has a window as large as its input; the one
 * that it replaced comes back with the next kind.
 * @param {Store} store
 * @returns {(op: State["op"]) => Partial<State>}
 */
function keeper(store) {
  /** @type {Partial<State>} */
  let kept = {};
  return (op) => {
    const { state } = store;
    const { kernel, stride, dilation, spread, padding, groups } = state;
    const isLinear = state.op === "linear";
    if (!isLinear) kept = { kernel, stride, dilation, spread, padding, groups };
    return { ...(isLinear && op !== "linear" ? kept : {}), op, at: 0 };
  };
}

/** @param {State} state */
function inShort(state) {
  const pair = (/** @type {Pair} */ value) =>
    state.dim === 1 ? String(value[1]) : value.join("×");
  const padding = typeof state.padding === "string" ? state.padding : "padding by side";
  return [
    `${state.dim}-D`,
    pair(state.input),
    `kernel ${pair(state.kernel)}`,
    `stride ${pair(state.stride)}`,
    padding,
  ].join(" · ");
}

/** @param {Store} store */
function examples(store) {
  const select = html(
    "select",
    { "aria-label": "Examples" },
    html("option", { value: "" }, "Examples of the lecture …"),
  );
  for (const each of shared.examples)
    select.append(html("option", { value: each.address }, each.title));
  select.addEventListener("change", () => {
    if (select.value) store.open(select.value);
    select.value = "";
  });
  return select;
}

/** @typedef {(state: State) => boolean} Shown */

const SIDES = /** @type {const} */ ([
  ["top", "↑", 0, 0],
  ["bottom", "↓", 0, 1],
  ["left", "←", 1, 0],
  ["right", "→", 1, 1],
]);

/** The fields of the form, and what is to be done when the state has changed. */
class Fields {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** @type {(() => void)[]} */
    this.refresh = [];
  }

  /** @param {() => void} then what is done whenever the state has changed */
  now(then) {
    this.refresh.push(then);
  }

  /** All of them, in their order. */
  all() {
    const isSliding = (/** @type {State} */ state) => state.op !== "linear";
    const isTransposed = (/** @type {State} */ state) => state.op === "conv_transpose";
    const isDilated = (/** @type {State} */ state) => isSliding(state) && state.op !== "avg_pool";
    return [
      this.dimension(),
      this.pair("input", "input", () => true),
      this.pair("kernel", "kernel", isSliding),
      this.pair("stride", "stride", isSliding),
      this.pair("dilation", "dilation", isDilated),
      this.padding(),
      this.pair(
        "spread",
        "input dilation",
        (state) => !isPool(state) && !isTransposed(state) && isSliding(state),
      ),
      this.pair("outputPadding", "output padding", isTransposed),
      this.channels(),
      this.flag("bias", "bias", (state) => !isPool(state)),
      this.flag("ceil", "ceil mode", isPool),
      this.flag("countPadding", "padding counts", (state) => state.op === "avg_pool"),
    ];
  }

  /**
   * A number to be typed, or dragged sideways.
   * @param {string} label
   * @param {() => number} get
   * @param {(value: number) => void} put
   * @param {() => [number, number]} bounds
   */
  number(label, get, put, bounds) {
    const field = html("input", {
      type: "number",
      inputmode: "numeric",
      "aria-label": label,
      title: label,
    });
    const send = (/** @type {number} */ value) => {
      const [least, most] = bounds();
      if (Number.isFinite(value)) put(Math.max(least, Math.min(most, Math.round(value))));
    };
    field.addEventListener("input", () => field.value !== "" && send(Number(field.value)));
    field.addEventListener("blur", () => (field.value = String(get())));
    this.now(() => {
      const [least, most] = bounds();
      [field.min, field.max] = [String(least), String(most)];
      if (document.activeElement !== field || Number(field.value) !== get())
        field.value = String(get());
    });
    /** @type {{x: number, value: number, moved: boolean} | null} */
    let drag = null;
    field.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse") drag = { x: event.clientX, value: get(), moved: false };
    });
    field.addEventListener("pointermove", (event) => {
      if (!drag || !event.buttons) return;
      const by = Math.round((event.clientX - drag.x) / DRAG);
      if (!by && !drag.moved) return;
      drag.moved = true;
      field.setPointerCapture(event.pointerId);
      send(drag.value + by);
    });
    field.addEventListener("pointerup", () => (drag = null));
    return field;
  }

  /**
   * A field with its name that is hidden where it has no meaning.
   * @param {Shown} isShown
   * @param {...(Node | string)} children
   */
  set(isShown, ...children) {
    const set = html("fieldset", ...children);
    this.now(() => (set.hidden = !isShown(this.store.state)));
    return set;
  }

  /**
   * @param {"input" | "kernel" | "stride" | "dilation" | "spread" | "outputPadding"} key
   * @param {string} label
   * @param {Shown} isShown
   */
  pair(key, label, isShown) {
    const { store } = this;
    const bounds = () => limitsOf(store.state)[key];
    const made = ["rows", "columns"].map((name, n) => {
      const put = (/** @type {number} */ value) =>
        store.set({ [key]: changed(store.state[key], n, value) });
      return this.number(`${label}, ${name}`, () => store.state[key][n], put, bounds);
    });
    const times = html("span", { "aria-hidden": "true" }, "×");
    this.now(() => {
      made[0].hidden = times.hidden = store.state.dim === 1;
      made[1].setAttribute("aria-label", store.state.dim === 1 ? label : `${label}, columns`);
    });
    return this.set(isShown, html("legend", label), made[0], times, made[1]);
  }

  dimension() {
    const { store } = this;
    const options = [1, 2].map((value) => html("option", { value }, `${value}-D`));
    const select = html("select", { "aria-label": "axes" }, ...options);
    select.addEventListener("change", () =>
      store.set({ dim: select.value === "1" ? 1 : 2, at: 0 }),
    );
    this.now(() => (select.value = String(store.state.dim)));
    return html("fieldset", select);
  }

  /** Padding by name, or by side; a number that is edited turns a name into sides. */
  padding() {
    const { store } = this;
    const options = [...shared.paddings, "by side"].map((value) =>
      html("option", { value }, value),
    );
    const select = html("select", { "aria-label": "padding rule" }, ...options);
    select.addEventListener("change", () => {
      store.set({ padding: select.value === "by side" ? this.sides() : select.value });
    });
    this.now(() => {
      const { state } = store;
      select.value = typeof state.padding === "string" ? state.padding : "by side";
      select.hidden = isPool(state);
      const causal = /** @type {HTMLOptionElement} */ (select.querySelector('[value="causal"]'));
      causal.disabled = state.dim === 2;
    });
    const isShown = (/** @type {State} */ state) => state.op !== "linear";
    const sides = SIDES.flatMap(([name, arrow, axis, end]) => this.side(name, arrow, axis, end));
    return this.set(isShown, html("legend", "padding"), select, ...sides);
  }

  /** The padding by side as it is now. */
  sides() {
    const { state, model } = this.store;
    if (typeof state.padding !== "string") return state.padding;
    const sides = /** @type {Pair[]} */ (model?.axes.map((axis) => [axis.low, axis.high]) ?? []);
    return /** @type {[Pair, Pair]} */ ([sides[0] ?? [0, 0], sides[1] ?? [0, 0]]);
  }

  /** @param {string} name @param {string} arrow @param {0 | 1} axis @param {0 | 1} end */
  side(name, arrow, axis, end) {
    const { store } = this;
    const put = (/** @type {number} */ value) => {
      const sides = this.sides();
      const own = isPool(store.state) ? [value, value] : changed(sides[axis], end, value);
      store.set({ padding: /** @type {[Pair, Pair]} */ (changed(sides, axis, own)) });
    };
    const bounds = () => limitsOf(store.state).padding;
    const field = this.number(`padding, ${name}`, () => this.sides()[axis][end], put, bounds);
    const sign = html("span.arrow", { "aria-hidden": "true" }, arrow);
    this.now(() => {
      const { state } = store;
      field.hidden = sign.hidden = (state.dim === 1 && axis === 0) || (isPool(state) && end === 1);
    });
    return [sign, field];
  }

  channels() {
    const { store } = this;
    const bounds = () => limitsOf(store.state).channels;
    const [inputs, outputs] = ["channels in", "channels out"].map((label, n) => {
      const put = (/** @type {number} */ value) =>
        store.set({ channels: changed(store.state.channels, n, value) });
      return this.number(label, () => store.state.channels[n], put, bounds);
    });
    const arrow = html("span", { "aria-hidden": "true" }, "→");
    const least = () => Math.min(...store.state.channels);
    const groups = this.number(
      "groups",
      () => store.state.groups,
      (value) => store.set({ groups: groupsNear(store.state, value) }),
      () => [1, least()],
    );
    const said = html("span", "groups");
    this.now(() => {
      const { state } = store;
      outputs.hidden = arrow.hidden = isPool(state);
      groups.hidden = said.hidden = isPool(state) || state.op === "linear" || least() === 1;
    });
    const legend = html("legend", "channels");
    return this.set(() => true, legend, inputs, arrow, outputs, said, groups);
  }

  /** @param {"bias" | "ceil" | "countPadding"} key @param {string} label @param {Shown} isShown */
  flag(key, label, isShown) {
    const { store } = this;
    const box = html("input", { type: "checkbox" });
    box.addEventListener("change", () => store.set({ [key]: box.checked }));
    this.now(() => (box.checked = store.state[key]));
    return this.set(isShown, html("label", box, ` ${label}`));
  }
}

/**
 * A pair with another value at a place.
 * @template T
 * @param {[T, T]} pair
 * @param {number} place
 * @param {T} value
 */
function changed(pair, place, value) {
  return /** @type {[T, T]} */ (pair.map((old, n) => (n === place ? value : old)));
}

/**
 * The nearest number of groups, in the direction that is asked for, that divides both channels.
 * @param {State} state
 * @param {number} wanted
 */
function groupsNear({ channels: [inputs, outputs], groups }, wanted) {
  const by = wanted < groups ? -1 : 1;
  for (let n = wanted; n >= 1 && n <= Math.min(inputs, outputs); n += by) {
    if (inputs % n === 0 && outputs % n === 0) return n;
  }
  return groups;
}
