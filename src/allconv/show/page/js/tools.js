// Undo, redo, the link of what is shown, pictures as files, the slides' letters, covered results.
import { toAddress } from "./numbers.js";
import { button, html } from "./paint.js";
import { savePng, saveSvg } from "./save.js";

/** @param {Store} store @param {() => SVGElement} stage */
export function toolsPart(store, stage) {
  const said = html("span.soft", { role: "status" });
  const tell = (/** @type {string} */ text) => {
    said.textContent = text;
    setTimeout(() => said.textContent === text && (said.textContent = ""), 4000);
  };
  // aria-disabled, not disabled: the keyboard stays where it is.
  const undo = button("Undo", () => store.canUndo() && store.undo());
  const redo = button("Redo", () => store.canRedo() && store.redo());
  const turn = () => store.set({ letters: store.state.letters === "slides" ? "ours" : "slides" });
  const letters = button("the slides’ letters", turn, false);
  const hide = () => {
    store.covered = !store.covered;
    store.tell("state");
  };
  const cover = button("cover results", hide, false);
  const name = () => store.state.op.replace("_", "-");
  const box = html(
    "div.tools",
    { role: "group", "aria-label": "Tools" },
    undo,
    redo,
    button("Copy link", () => copy(linkOf(store), tell)),
    button("Save SVG", () => saveSvg(stage(), name())),
    button("Save PNG", () => savePng(stage(), name()).catch((error) => tell(error.message))),
    letters,
    cover,
    said,
  );
  store.subscribe((change) => {
    if (change !== "state") return;
    undo.setAttribute("aria-disabled", String(!store.canUndo()));
    redo.setAttribute("aria-disabled", String(!store.canRedo()));
    letters.setAttribute("aria-pressed", String(store.state.letters === "slides"));
    cover.setAttribute("aria-pressed", String(store.covered));
  });
  return box;
}

/**
 * The address of what is shown; in a frame without one of its own the settings alone.
 * @param {Store} store
 */
function linkOf(store) {
  const here = location.href.split("#")[0];
  return here.startsWith("about:") ? toAddress(store.state) : here + toAddress(store.state);
}

/** @param {string} text @param {(text: string) => void} tell */
async function copy(text, tell) {
  try {
    await navigator.clipboard.writeText(text);
    tell("The link is copied.");
  } catch {
    const field = html("textarea.sr", { "aria-label": "link" });
    field.value = text;
    document.body.append(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    tell(
      isCopied
        ? "The link is copied."
        : "This browser does not let the page copy; the address bar has the link.",
    );
  }
}
