// The same layer in other frameworks: the texts are made by Python, for the geometry that the page
// was written with, and are shown while that geometry is.
import { addressOf, stateOf, fieldsOf } from "./state.js";
import { html } from "./paint.js";

/**
 * @param {Store} store
 * @param {{address: string, calls: {name: string, text: string}[]}} written
 * @returns {HTMLElement}
 */
export function callsPart(store, written) {
  const list = html("div", { class: "tabs", role: "tablist", "aria-label": "Framework" });
  const code = html("pre", { role: "tabpanel", tabindex: 0, id: "call" });
  const note = html("p", { class: "soft" }, "Written for the layer that this page began with. ");
  const back = html("button", { type: "button", onclick: () => store.open(written.address) }, "Back to it");
  note.append(back);
  const section = html("section", { class: "calls" }, html("h2", {}, "In other frameworks"), note, list, code);
  let chosen = 0;
  const buttons = written.calls.map((call, n) => {
    const press = () => choose(n);
    const button = html("button", { type: "button", role: "tab", "aria-controls": "call", onclick: press }, call.name);
    list.append(button);
    return button;
  });
  const choose = (/** @type {number} */ n) => {
    chosen = n;
    buttons.forEach((button, at) => {
      button.setAttribute("aria-selected", String(at === n));
      button.tabIndex = at === n ? 0 : -1;
    });
    code.textContent = written.calls[n].text;
    code.setAttribute("aria-label", written.calls[n].name);
  };
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    choose((chosen + by + buttons.length) % buttons.length);
    buttons[chosen].focus();
  });
  const geometry = (/** @type {State} */ state) => addressOf({ ...state, leave: "y", at: 0, letters: "ours" });
  const first = geometry(stateOf(fieldsOf(written.address)));
  store.subscribe((change) => {
    if (change !== "state") return;
    section.hidden = !written.calls.length;
    note.hidden = geometry(store.state) === first;
  });
  if (buttons.length) choose(0);
  return section;
}
