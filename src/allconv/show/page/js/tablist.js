// A list of tabs: one Tab stop, and arrows that choose the tab beside it.
import { html } from "./paint.js";

/**
 * @param {string} classes
 * @param {string} label
 * @param {(tab: HTMLButtonElement) => void} choose called for the tab that an arrow leads to
 * @returns {HTMLElement} still without tabs
 */
export function tabList(classes, label, choose) {
  const list = html("div", { class: classes, role: "tablist", "aria-label": label });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const open = tabsOf(list).filter((tab) => !tab.disabled);
    const at = open.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
    const next = open[(at + by + open.length) % open.length];
    choose(next);
    next.focus();
  });
  return list;
}

/**
 * Mark the tab that is chosen, the only one that Tab comes to.
 * @param {HTMLElement} list
 * @param {(tab: HTMLButtonElement) => boolean} isChosen
 */
export function markTab(list, isChosen) {
  for (const tab of tabsOf(list)) {
    const isMarked = isChosen(tab);
    tab.setAttribute("aria-selected", String(isMarked));
    tab.tabIndex = isMarked ? 0 : -1;
  }
}

/** @param {HTMLElement} list @returns {HTMLButtonElement[]} */
function tabsOf(list) {
  return [...list.querySelectorAll("button")];
}
