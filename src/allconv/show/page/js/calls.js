// The same layer as a call: of this package for any geometry, of other frameworks (whose texts are
// made by Python) for the layers that the page was written with.
import { valued } from "./numbers.js";
import { addressOf, fieldsOf, isPool, stateOf } from "./state.js";
import { html } from "./paint.js";
import { markTab, tabList } from "./tablist.js";

/** @typedef {{name: string, text: string}} Call */

/** @param {Store} store @param {{address: string, calls: Call[]}[]} written */
export function callsPart(store, written) {
  const known = new Map(
    written.map(({ address, calls }) => [geometry(stateOf(fieldsOf(address))), calls]),
  );
  const { list, code, show } = callTabs();
  const note = html("p.soft");
  const section = html("section.calls", html("h2", "As a call"), list, code, note);
  return store.follow(section, (_, change) => {
    if (change !== "state") return;
    const others = known.get(geometry(store.state));
    show([
      { name: "allconv", text: ownCall(store.state) },
      { name: "command line", text: command(store.state) },
      ...(others ?? []),
    ]);
    note.textContent = `${shapeText(store.state)}. ${others ? "" : BESIDE}`;
  });
}

/**
 * A tab for each call. The name that was chosen is kept while other calls are shown, too: where
 * none has it the first stands for it.
 */
function callTabs() {
  const code = html("pre", { role: "tabpanel", tabindex: 0, id: "call" });
  let chosen = "allconv";
  /** @type {Call[]} */
  let calls = [];

  const choose = (/** @type {string} */ name) => {
    chosen = name;
    const call = calls.find((each) => each.name === chosen) ?? calls[0];
    markTab(list, (tab) => tab.textContent === call.name);
    code.textContent = call.text;
    code.setAttribute("aria-label", call.name);
  };
  const tab = (/** @type {Call} */ { name }) =>
    html(
      "button",
      { type: "button", role: "tab", "aria-controls": "call", onclick: () => choose(name) },
      name,
    );
  const list = tabList("tabs", "Framework", (button) => choose(button.textContent ?? ""));
  const show = (/** @type {Call[]} */ given) => {
    calls = given;
    list.replaceChildren(...calls.map(tab));
    choose(chosen);
  };
  return { list, code, show };
}

const BESIDE =
  "The command writes this page with PyTorch, TensorFlow, JAX, ONNX and SciPy beside it.";

/** What decides the call: all but what is looked at. @param {State} state */
function geometry(state) {
  return addressOf({ ...state, leave: "y", at: 0, letters: "ours" });
}

/**
 * The settings that are not the usual ones, as Python writes them.
 * @param {State} state
 * @returns {[string, string][]}
 */
function settingsOf(state) {
  const tuple = (/** @type {Pair} */ pair) =>
    state.dim === 1 || pair[0] === pair[1] ? String(pair[1]) : `(${pair.join(", ")})`;
  /** @type {[string, string][]} */
  const settings = [];
  const usual = isPool(state) ? state.kernel : [1, 1];
  if (state.stride.join() !== usual.join()) settings.push(["stride", tuple(state.stride)]);
  const padding = paddingText(state);
  if (padding !== "0") settings.push(["padding", padding]);
  if (state.outputPadding.some(Boolean))
    settings.push(["output_padding", tuple(state.outputPadding)]);
  if (state.dilation.some((d) => d > 1)) settings.push(["dilation", tuple(state.dilation)]);
  if (state.groups > 1) settings.push(["groups", String(state.groups)]);
  if (state.spread.some((b) => b > 1)) settings.push(["input_dilation", tuple(state.spread)]);
  if (state.op === "true_conv") settings.push(["flip", "True"]);
  if (state.ceil) settings.push(["ceil_mode", "True"]);
  if (!state.countPadding) settings.push(["count_include_pad", "False"]);
  return settings;
}

/** @param {State} state */
function paddingText({ padding, dim, op }) {
  if (typeof padding === "string") return padding === "valid" ? "0" : `"${padding}"`;
  const sides = dim === 1 ? [padding[1]] : padding;
  const lows = sides.map(([low]) => low);
  const isEven = sides.every(([low, high]) => low === high);
  const isPooled = op === "max_pool" || op === "avg_pool";
  if ((isEven || isPooled) && new Set(lows).size === 1) return String(lows[0]);
  if (isPooled) return `(${lows.join(", ")})`;
  return `(${sides.map(([low, high]) => `(${low}, ${high})`).join(", ")}${dim === 1 ? "," : ""})`;
}

const FUNCTIONS = {
  conv: "conv",
  true_conv: "conv",
  conv_transpose: "conv_transpose",
  local: "locally_connected",
};

/** The shape of x, as functions take it. @param {State} state */
function shapeText({ channels, input, dim }) {
  return `x is (1, ${[channels[0], ...input.slice(2 - dim)].join(", ")}): a batch of one image`;
}

/** @param {State} state */
function ownCall(state) {
  const rest = settingsOf(state)
    .map(([name, value]) => `, ${name}=${value}`)
    .join("");
  const bias = state.bias ? ", b" : "";
  if (state.op === "linear")
    return `y = F.linear(x.reshape(1, -1), w.reshape(${state.channels[1]}, -1)${bias})`;
  if (isPool(state)) {
    const size = state.dim === 1 ? state.kernel[1] : `(${state.kernel.join(", ")})`;
    return `y = F.${state.op}${state.dim}d(x, ${size}${rest})`;
  }
  const name = FUNCTIONS[/** @type {keyof typeof FUNCTIONS} */ (state.op)];
  return `y = F.${name}${state.dim}d(x, w${bias}${rest})`;
}

/** @param {State} state */
function command(state) {
  const size = (/** @type {Pair} */ pair) => (state.dim === 1 ? String(pair[1]) : pair.join("x"));
  const options = settingsOf(state).map(([name, value]) => {
    const flag = `--${name.replaceAll("_", "-")}`;
    if (value === "True") return flag;
    if (value === "False") return `--no-${name.replaceAll("_", "-")}`;
    if (name === "padding" && value.startsWith("((")) {
      const sides = /** @type {[Pair, Pair]} */ (state.padding).slice(2 - state.dim);
      return `${flag} ${sides.map((side) => side.join(":")).join(",")}`;
    }
    return `${flag} ${value.replace(/[()"]/g, "").replaceAll(", ", ",")}`;
  });
  const kind = state.op === "true_conv" ? "conv" : state.op;
  const sizes = numbersOf(state) ?? [`--input-size ${size(state.input)}`];
  if (state.op !== "linear" && !sizes.some((each) => each.startsWith("--kernel "))) {
    sizes.push(`--kernel-size ${size(state.kernel)}`);
  }
  if (state.channels.join() !== "1,1") sizes.push(`--channels ${state.channels.join("-")}`);
  return `allconv show ${[kind, ...sizes, ...options].join(" ")} -o page.html`;
}

/**
 * The options that give the numbers of the page, where one was edited and they fit a line: layers
 * of one channel without bias.
 * @param {State} state
 * @returns {string[] | null}
 */
function numbersOf(state) {
  const isPlain = state.channels.join() === "1,1" && !state.bias && state.op !== "local";
  if (!isPlain || state.op === "linear" || !Object.keys(state.edits).length) return null;
  const { values, sizes } = valued(state);
  const text = (/** @type {number[]} */ array, /** @type {Pair} */ [height, width]) =>
    Array.from({ length: height }, (_, row) =>
      array.slice(row * width, (row + 1) * width).join(" "),
    ).join(" / ");
  const input = `--input "${text(values.x, sizes.x)}"`;
  return isPool(state) ? [input] : [input, `--kernel "${text(values.w, sizes.w)}"`];
}
