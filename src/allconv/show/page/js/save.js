// The stage as a file: an SVG that stands alone, with its colours written into it, or a PNG.
import { svg } from "./paint.js";

const STYLES = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "opacity",
  "font-weight",
  "font-style",
  "font-family",
];

/** A copy of a drawn SVG whose styles are attributes. @param {SVGElement} root @returns {string} */
export function standaloneSvg(root) {
  const copy = /** @type {SVGElement} */ (root.cloneNode(true));
  const [from, to] = [root.querySelectorAll("*"), copy.querySelectorAll("*")];
  from.forEach((node, n) => {
    const style = getComputedStyle(node);
    for (const name of STYLES) {
      const value = style.getPropertyValue(name);
      if (value && value !== "none 0px") to[n].setAttribute(name, value.replace(/"/g, "'"));
    }
    if (node.localName === "stop") to[n].setAttribute("stop-color", style.stopColor);
    to[n].removeAttribute("style");
    if (node.localName === "path" && node.getAttribute("class")?.startsWith("ribbon")) {
      const fill = /** @type {SVGElement} */ (node).style.fill.replace(/"/g, "");
      to[n].setAttribute("fill", fill);
    }
  });
  const [width, height] = [Number(root.getAttribute("width")), Number(root.getAttribute("height"))];
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const fill = getComputedStyle(document.documentElement).backgroundColor;
  copy.prepend(svg("rect", { width, height, fill }));
  return new XMLSerializer().serializeToString(copy);
}

/** @param {SVGElement} root @param {string} name */
export function saveSvg(root, name) {
  save(new Blob([standaloneSvg(root)], { type: "image/svg+xml" }), `${name}.svg`);
}

/**
 * Twice as large as it is shown.
 * @param {SVGElement} root
 * @param {string} name
 * @returns {Promise<void>}
 */
export function savePng(root, name) {
  const image = new Image();
  const canvas = document.createElement("canvas");
  canvas.width = 2 * Number(root.getAttribute("width"));
  canvas.height = 2 * Number(root.getAttribute("height"));
  return new Promise((resolve, reject) => {
    image.addEventListener("error", () => reject(new Error("the picture cannot be drawn")));
    image.addEventListener("load", () => {
      canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => {
        if (blob) save(blob, `${name}.png`);
        resolve();
      });
    });
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standaloneSvg(root))}`;
  });
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
