// The geometry's numbers: type them, use the arrow keys, or drag sideways.
import { html } from "./paint.js";
import { shared } from "./shared.js";
import { isPool, limitsOf } from "./state.js";

const DRAG = 14; // pixels for a step of one

/**
 * @param {Store} store
 * @returns {HTMLElement}
 */
export function controlsPart(store) {
  /** @type {(() => void)[]} */
  const refresh = [];
  const turnedTo = keeper(store);
  const kinds = html("div.kinds", { role: "group", "aria-label": "Kind of layer" });
  for (const op of shared.operators) {
    const press = () => store.set(turnedTo(/** @type {State["op"]} */ (op)));
    const button = html("button", { type: "button", onclick: press }, shared.names.operators[op]);
    refresh.push(() => button.setAttribute("aria-pressed", String(store.state.op === op)));
    kinds.append(button);
  }
  if (shared.examples?.length) kinds.append(examples(store));
  const summary = html("summary");
  const fields = html("div.fields");
  const details = /** @type {HTMLDetailsElement} */ (
    html("details", { open: window.innerWidth > 760 }, summary, fields)
  );
  refresh.push(() => (summary.textContent = inShort(store.state)));
  fields.append(
    ...[
      dimension(store, refresh),
      pairField(store, refresh, "input", "input", () => true),
      pairField(store, refresh, "kernel", "kernel", (state) => state.op !== "linear"),
      pairField(store, refresh, "stride", "stride", (state) => state.op !== "linear"),
      pairField(
        store,
        refresh,
        "dilation",
        "dilation",
        (state) => state.op !== "linear" && state.op !== "avg_pool",
      ),
      paddingField(store, refresh),
      pairField(
        store,
        refresh,
        "spread",
        "input dilation",
        (state) => !isPool(state) && state.op !== "conv_transpose" && state.op !== "linear",
      ),
      pairField(
        store,
        refresh,
        "outputPadding",
        "output padding",
        (state) => state.op === "conv_transpose",
      ),
      channelsField(store, refresh),
      flag(store, refresh, "bias", "bias", (state) => !isPool(state)),
      flag(store, refresh, "ceil", "ceil mode", isPool),
      flag(store, refresh, "countPadding", "padding counts", (state) => state.op === "avg_pool"),
    ],
  );
  store.subscribe((change) => {
    if (change === "state") for (const each of refresh) each();
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
  const select = /** @type {HTMLSelectElement} */ (
    html(
      "select",
      { "aria-label": "Examples" },
      html("option", { value: "" }, "Examples of the lecture …"),
    )
  );
  for (const each of shared.examples)
    select.append(html("option", { value: each.address }, each.title));
  select.addEventListener("change", () => {
    if (select.value) store.open(select.value);
    select.value = "";
  });
  return select;
}

/**
 * @param {string} label
 * @param {() => number} get
 * @param {(value: number) => void} put
 * @param {() => [number, number]} bounds
 * @param {(() => void)[]} refresh
 */
function numberInput(label, get, put, bounds, refresh) {
  const field = /** @type {HTMLInputElement} */ (
    html("input", { type: "number", inputmode: "numeric", "aria-label": label, title: label })
  );
  const send = (/** @type {number} */ value) => {
    const [least, most] = bounds();
    if (Number.isFinite(value)) put(Math.max(least, Math.min(most, Math.round(value))));
  };
  field.addEventListener("input", () => field.value !== "" && send(Number(field.value)));
  const show = () => {
    const [least, most] = bounds();
    [field.min, field.max] = [String(least), String(most)];
    if (document.activeElement !== field || Number(field.value) !== get())
      field.value = String(get());
  };
  field.addEventListener("blur", () => (field.value = String(get())));
  refresh.push(show);
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
 * @param {Store} store
 * @param {(() => void)[]} refresh
 * @param {string} label
 * @param {(state: State) => boolean} isShown
 * @param {...(Node | string)} children
 */
function fieldset(store, refresh, label, isShown, ...children) {
  const set = /** @type {HTMLElement} */ (html("fieldset", html("legend", label), ...children));
  refresh.push(() => (set.hidden = !isShown(store.state)));
  return set;
}

/**
 * @param {Store} store
 * @param {(() => void)[]} refresh
 * @param {"input" | "kernel" | "stride" | "dilation" | "spread" | "outputPadding"} key
 * @param {string} label
 * @param {(state: State) => boolean} isShown
 */
function pairField(store, refresh, key, label, isShown) {
  const bounds = () => limitsOf(store.state)[key];
  const made = ["rows", "columns"].map((name, n) => {
    const put = (/** @type {number} */ value) => {
      const pair = /** @type {Pair} */ (store.state[key].map((old, a) => (a === n ? value : old)));
      store.set({ [key]: pair });
    };
    return numberInput(`${label}, ${name}`, () => store.state[key][n], put, bounds, refresh);
  });
  const times = html("span", { "aria-hidden": "true" }, "×");
  refresh.push(() => {
    made[0].hidden = times.hidden = store.state.dim === 1;
    made[1].setAttribute("aria-label", store.state.dim === 1 ? label : `${label}, columns`);
  });
  return fieldset(store, refresh, label, isShown, made[0], times, made[1]);
}

/**
 * @param {Store} store
 * @param {(() => void)[]} refresh
 */
function dimension(store, refresh) {
  const select = /** @type {HTMLSelectElement} */ (
    html(
      "select",
      { "aria-label": "axes" },
      html("option", { value: 1 }, "1-D"),
      html("option", { value: 2 }, "2-D"),
    )
  );
  select.addEventListener("change", () => store.set({ dim: select.value === "1" ? 1 : 2, at: 0 }));
  refresh.push(() => (select.value = String(store.state.dim)));
  return html("fieldset", select);
}

const SIDES = /** @type {const} */ ([
  ["top", "↑", 0, 0],
  ["bottom", "↓", 0, 1],
  ["left", "←", 1, 0],
  ["right", "→", 1, 1],
]);

/**
 * Padding by name, or by side; a number that is edited turns a name into sides.
 * @param {Store} store
 * @param {(() => void)[]} refresh
 */
function paddingField(store, refresh) {
  const names = [...shared.paddings, "by side"];
  const select = /** @type {HTMLSelectElement} */ (
    html(
      "select",
      { "aria-label": "padding rule" },
      ...names.map((name) => html("option", { value: name }, name)),
    )
  );
  const sidesNow = () => {
    const { state, model } = store;
    if (typeof state.padding !== "string") return state.padding;
    return /** @type {[Pair, Pair]} */ (
      model
        ? model.axes.map((axis) => [axis.low, axis.high])
        : [
            [0, 0],
            [0, 0],
          ]
    );
  };
  select.addEventListener("change", () => {
    store.set({ padding: select.value === "by side" ? sidesNow() : select.value });
  });
  refresh.push(() => {
    const { state } = store;
    select.value = typeof state.padding === "string" ? state.padding : "by side";
    select.hidden = isPool(state);
    const causal = /** @type {HTMLOptionElement} */ (select.querySelector('[value="causal"]'));
    causal.disabled = state.dim === 2;
  });
  const inputs = SIDES.flatMap(([name, arrow, axis, end]) => {
    const put = (/** @type {number} */ value) => {
      const both = isPool(store.state);
      const padding = sidesNow().map((sides, a) =>
        a === axis ? sides.map((old, e) => (both || e === end ? value : old)) : [...sides],
      );
      store.set({ padding: /** @type {[Pair, Pair]} */ (padding) });
    };
    const bounds = () => limitsOf(store.state).padding;
    const field = numberInput(
      `padding, ${name}`,
      () => sidesNow()[axis][end],
      put,
      bounds,
      refresh,
    );
    const sign = html("span", { "aria-hidden": "true", class: "arrow" }, arrow);
    refresh.push(() => {
      const { state } = store;
      field.hidden = sign.hidden = (state.dim === 1 && axis === 0) || (isPool(state) && end === 1);
    });
    return [sign, field];
  });
  return fieldset(store, refresh, "padding", (state) => state.op !== "linear", select, ...inputs);
}

/**
 * @param {Store} store
 * @param {(() => void)[]} refresh
 */
function channelsField(store, refresh) {
  const bounds = () => limitsOf(store.state).channels;
  const [inputs, outputs] = [0, 1].map((n) => {
    const put = (/** @type {number} */ value) => {
      const channels = /** @type {Pair} */ (
        store.state.channels.map((old, c) => (c === n ? value : old))
      );
      store.set({ channels });
    };
    return numberInput(
      n ? "channels out" : "channels in",
      () => store.state.channels[n],
      put,
      bounds,
      refresh,
    );
  });
  const arrow = html("span", { "aria-hidden": "true" }, "→");
  const groups = numberInput(
    "groups",
    () => store.state.groups,
    (value) => store.set({ groups: groupsNear(store.state, value) }),
    () => [1, Math.min(...store.state.channels)],
    refresh,
  );
  const said = html("span", "groups");
  refresh.push(() => {
    outputs.hidden = arrow.hidden = isPool(store.state);
    groups.hidden = said.hidden =
      isPool(store.state) || store.state.op === "linear" || Math.min(...store.state.channels) === 1;
  });
  return fieldset(store, refresh, "channels", () => true, inputs, arrow, outputs, said, groups);
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

/**
 * @param {Store} store
 * @param {(() => void)[]} refresh
 * @param {"bias" | "ceil" | "countPadding"} key
 * @param {string} label
 * @param {(state: State) => boolean} isShown
 */
function flag(store, refresh, key, label, isShown) {
  const box = /** @type {HTMLInputElement} */ (html("input", { type: "checkbox" }));
  box.addEventListener("change", () => store.set({ [key]: box.checked }));
  refresh.push(() => (box.checked = store.state[key]));
  const set = html("fieldset", html("label", box, ` ${label}`));
  refresh.push(() => (set.hidden = !isShown(store.state)));
  return set;
}
