// Steps through the cells of the result: back, play, forward, and a slider.
import { nameOf } from "./names.js";
import { html, svg } from "./paint.js";

const ICONS = {
  back: "M9 0L3 6L9 12Z",
  play: "M2 0L12 6L2 12Z",
  pause: "M2 0H5V12H2ZM7 0H10V12H7Z",
  forward: "M3 0L9 6L3 12Z",
};
const [FASTEST, SLOWEST, WHOLE] = [220, 900, 14000]; // milliseconds: of a step, and of all

/** The timer that plays a figure. @type {WeakMap<Store, number>} */
const timers = new WeakMap();

/** @param {Store} store */
export function playerPart(store) {
  const slider = html("input", { type: "range", min: 0, step: 1, "aria-label": "step" });
  const said = html("output");
  const back = button("back", () => stepBy(store, -1));
  const forward = button("forward", () => stepBy(store, 1));
  const play = button("play", () => toggle(store));
  slider.addEventListener("input", () => {
    store.playing = false;
    store.step(Number(slider.value));
  });
  store.subscribe(() => {
    const { model, state } = store;
    if (!model) return;
    slider.max = String(model.count[state.leave] - 1);
    slider.value = String(state.at);
    slider.style.setProperty("--color", `var(--${state.leave})`);
    const name = nameOf(model, state, state.leave, state.at);
    said.textContent = `${name} · ${state.at + 1} of ${model.count[state.leave]}`;
    slider.setAttribute("aria-valuetext", said.textContent);
    const icon = store.playing ? "pause" : "play";
    if (play.getAttribute("aria-label") !== icon) {
      play.setAttribute("aria-label", icon);
      play.replaceChildren(drawing(icon));
    }
  });
  return html(
    "div.player",
    { role: "group", "aria-label": "Steps" },
    back,
    play,
    forward,
    slider,
    said,
  );
}

/** @param {Store} store @param {number} by */
export function stepBy(store, by) {
  const { model, state } = store;
  if (!model || store.refusal) return;
  const count = model.count[state.leave];
  store.step((state.at + by + count) % count);
}

/** @param {Store} store */
export function toggle(store) {
  const { model, state } = store;
  if (!model || store.refusal) return;
  store.playing = !store.playing;
  window.clearInterval(timers.get(store));
  if (!store.playing) return store.tell("step");
  const last = model.count[state.leave] - 1;
  store.step(state.at >= last ? 0 : state.at);
  const pause = Math.max(FASTEST, Math.min(SLOWEST, WHOLE / (last + 1)));
  const timer = window.setInterval(() => {
    const now = store.state;
    const end = (store.model?.count[now.leave] ?? 1) - 1;
    if (!store.playing || now.at >= end || store.refusal) {
      clearInterval(timer);
      store.playing = false;
      store.tell("step");
    } else stepBy(store, 1);
  }, pause);
  timers.set(store, timer);
}

/** @param {keyof typeof ICONS} name @param {() => void} press */
function button(name, press) {
  return html("button", { type: "button", "aria-label": name, onclick: press }, drawing(name));
}

/** @param {keyof typeof ICONS} name */
function drawing(name) {
  return svg(
    "svg",
    { viewBox: "0 0 12 12", "aria-hidden": "true" },
    svg("path", { d: ICONS[name] }),
  );
}
