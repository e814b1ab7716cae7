// One's own input: drawn with the mouse, or taken from a small image.
import { coordinates } from "./numbers.js";
import { button, cellUnder, html } from "./paint.js";

const LEVELS = 9; // an image's white

/** @param {Store} store @param {SVGElement} root of the stage */
export function drawPart(store, root) {
  const box = html(
    "div.tools",
    { role: "group", "aria-label": "Your own input" },
    ...penOf(store, root),
    ...imageOf(store),
  );
  store.subscribe((change) => {
    if (change === "state") box.hidden = store.state.leave === "x" || store.refusal !== "";
  });
  return box;
}

/**
 * The button of the pen, what it draws with, and what the pointer does while it is on.
 * @param {Store} store
 * @param {SVGElement} root
 * @returns {HTMLElement[]}
 */
function penOf(store, root) {
  let isOn = false;
  const brush = html("input", {
    type: "number",
    value: 1,
    min: -99,
    max: 99,
    "aria-label": "number to draw with",
  });
  const clear = button("Clear", () => fill(store, () => 0));
  const fields = html("span", { hidden: true }, " with ", brush, " ", clear);
  const turn = () => {
    isOn = !isOn;
    pen.setAttribute("aria-pressed", String(isOn));
    fields.hidden = !isOn;
    root.classList.toggle("drawing", isOn);
  };
  const pen = button("Draw the input", turn, false);
  drawing(store, root, () => (isOn ? Number(brush.value) || 0 : null));
  root.addEventListener("click", (event) => isOn && event.stopImmediatePropagation(), {
    capture: true,
  });
  return [pen, fields];
}

/**
 * Cells of the input that the pressed pointer comes to are set; a stroke is undone as one.
 * @param {Store} store
 * @param {SVGElement} root
 * @param {() => number | null} value what they are set to; null: the pen is off
 */
function drawing(store, root, value) {
  let stroke = {};
  const put = (/** @type {PointerEvent} */ event) => {
    const [focus, number] = [cellUnder(event), value()];
    if (number === null || focus?.role !== "x" || !event.buttons || !store.model) return false;
    if (store.state.leave === "x") return false;
    const place = coordinates(store.model, "x")[focus.cell];
    store.set({ edits: { ...store.state.edits, [`x${place}`]: number } }, { act: stroke });
    return true;
  };
  // A stroke may begin outside the stage.
  document.addEventListener("pointerdown", () => (stroke = {}), { capture: true });
  root.addEventListener("pointerdown", (event) => {
    if (!put(event)) return;
    /** @type {SVGElement} */ (event.target).releasePointerCapture?.(event.pointerId);
    event.preventDefault();
  });
  root.addEventListener("pointerover", put);
}

/**
 * The button that asks for an image, and what is said of it.
 * @param {Store} store
 * @returns {HTMLElement[]}
 */
function imageOf(store) {
  const file = html("input", {
    type: "file",
    accept: "image/*",
    class: "sr",
    tabindex: -1,
    "aria-label": "image",
  });
  const said = html("span.soft", { role: "status" });
  const choose = button("Input from an image …", () => file.click());
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (!chosen) return;
    try {
      await takeImage(store, chosen);
      said.textContent = "Grey values from 0 (black) to 9 (white).";
    } catch {
      said.textContent = "This file is not an image that the browser can read.";
    }
  });
  return [choose, file, said];
}

/** @param {Store} store @param {(plane: number, row: number, column: number) => number} value */
function fill(store, value) {
  if (!store.model) return;
  const edits = { ...store.state.edits };
  for (const place of coordinates(store.model, "x")) {
    const [plane, row, column] = place.split(".").map(Number);
    edits[`x${place}`] = value(plane, row, column);
  }
  store.set({ edits });
}

/**
 * The middle of an image in the size of the input: its grey values, or a colour a channel.
 * @param {Store} store
 * @param {Blob} chosen
 */
async function takeImage(store, chosen) {
  if (!store.model) return;
  const image = await createImageBitmap(chosen);
  const [height, width] = store.model.sizes.x;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  const scale = Math.min(image.width / width, image.height / height);
  const [cutWidth, cutHeight] = [width * scale, height * scale];
  context.drawImage(
    image,
    (image.width - cutWidth) / 2,
    (image.height - cutHeight) / 2,
    cutWidth,
    cutHeight,
    0,
    0,
    width,
    height,
  );
  const { data } = context.getImageData(0, 0, width, height);
  const isColour = store.model.planes.x >= 3;
  fill(store, (plane, row, column) => {
    const at = 4 * (row * width + column);
    const grey = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    const level = isColour && plane < 3 ? data[at + plane] : grey;
    return Math.round((level * LEVELS) / 255);
  });
}
