// The three views as tabs; their icons are the silhouettes of what is wide and what is narrow.
import { letterOf } from "./names.js";
import { pathOf, html, svg } from "./paint.js";
import { markTab, tabList } from "./tablist.js";

/** @type {Record<Role, {title: string, heights: number[]}>} */
const VIEWS = {
  y: { title: "Forward", heights: [30, 18, 6] },
  x: { title: "Gradient of the input", heights: [6, 18, 30] },
  w: { title: "Gradient of the weights", heights: [30, 6, 30] },
};
const LEFT = [2, 32, 64];
const MIDDLE = 17;

/** @param {Store} store @param {string} id of the panel that the tabs control */
export function tabsPart(store, id) {
  const buttons = /** @type {Role[]} */ (["y", "x", "w"]).map((role) => tab(store, role, id));
  const roleOf = (/** @type {HTMLElement} */ button) => /** @type {Role} */ (button.dataset.role);
  const list = tabList("views", "What is left out", (button) => store.leave(roleOf(button)));
  list.append(...buttons);
  store.subscribe((change) => {
    if (change !== "state") return;
    markTab(list, (button) => roleOf(button) === store.state.leave);
    for (const button of buttons) {
      const role = roleOf(button);
      const isPool = role === "w" && Boolean(store.model?.pool);
      button.disabled = isPool;
      const says = /** @type {HTMLElement} */ (button.querySelector("small"));
      const letter = letterOf(store.state.letters, "y", role);
      says.textContent = isPool ? "pooling has no weights" : `leave out ${letter}`;
    }
  });
  return list;
}

/** @param {Store} store @param {Role} role @param {string} id */
function tab(store, role, id) {
  const { title } = VIEWS[role];
  return html(
    "button",
    {
      type: "button",
      role: "tab",
      "data-role": role,
      class: role,
      "aria-controls": id,
      onclick: () => {
        store.playing = false;
        store.leave(role);
      },
    },
    silhouette(role),
    html("span", title, html("small")),
  );
}

/** @param {Role} left */
function silhouette(left) {
  const { heights } = VIEWS[left];
  const widths = heights.map((height) => Math.max(height * 0.4, 6));
  const picture = svg("svg", { viewBox: "0 0 78 34", "aria-hidden": "true" });
  for (const n of [0, 1]) {
    const [x1, x2] = [LEFT[n] + widths[n], LEFT[n + 1]];
    const [a, b] = [heights[n] / 2, heights[n + 1] / 2];
    const points = [x1, MIDDLE - a, x2, MIDDLE - b, MIDDLE + b, MIDDLE + a];
    picture.append(svg("path", { class: `beam ${"xw"[n]}`, d: pathOf(points, "across") }));
  }
  ["x", "w", "y"].forEach((role, n) =>
    picture.append(
      svg("rect", {
        class: role === left ? `out ${role}` : role,
        x: LEFT[n],
        y: MIDDLE - heights[n] / 2,
        width: widths[n],
        height: heights[n],
        rx: role === left ? 3 : 1.5,
      }),
    ),
  );
  return picture;
}
