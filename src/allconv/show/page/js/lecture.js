// The lecture's page. Every `.figure[data-address]` becomes a live figure of its own: `data-parts`
// names what it shows besides the stage, in order; the picture that stood there goes. Answers are
// covered, and uncovered one by one.
import { coveragePart } from "./coverage.js";
import { identityPart } from "./identity.js";
import { listenToKeys } from "./keys.js";
import { matrixPart } from "./matrix.js";
import { multiplesPart } from "./multiples.js";
import { fromAddress } from "./numbers.js";
import { html } from "./paint.js";
import { playerPart } from "./player.js";
import { relationPart } from "./relation.js";
import { configure } from "./shared.js";
import { shiftPart } from "./shift.js";
import { sizesPart } from "./sizes.js";
import { stagePart } from "./stage.js";
import { Store } from "./store.js";
import { sumPart } from "./sum.js";
import { tabsPart } from "./tabs.js";

/** @type {Record<string, (store: Store, id: string) => HTMLElement>} */
const PARTS = {
  coverage: coveragePart,
  identity: identityPart,
  matrix: matrixPart,
  multiples: multiplesPart,
  player: playerPart,
  relation: relationPart,
  shift: shiftPart,
  sizes: sizesPart,
  sum: sumPart,
  tabs: tabsPart,
};

/** @param {HTMLElement} figure @param {number} n @returns {Store} */
function mount(figure, n) {
  const id = `figure-${n}`;
  const store = new Store(fromAddress(figure.dataset.address ?? ""));
  const stage = stagePart(store, id);
  stage.id = id;
  const names = (figure.dataset.parts ?? "player sum").split(" ").filter((name) => name in PARTS);
  const made = names.map((name) => PARTS[name](store, id));
  // What chooses stands above the stage, what follows from it below.
  const above = names.flatMap((name, at) =>
    name === "tabs" || name === "relation" ? [made[at]] : [],
  );
  const below = made.filter((part) => !above.includes(part));
  figure.querySelector(".first")?.replaceWith(html("div.mounted", ...above, stage, ...below));
  listenToKeys(store, figure, stage);
  store.tell("state");
  return store;
}

const answers = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".answer")]);

/** What is covered is a button; what is shown is text again. */
function settle() {
  const isCovering = document.documentElement.classList.contains("covered");
  for (const answer of answers) {
    const isCovered = isCovering && !answer.classList.contains("shown");
    if (isCovered) {
      answer.setAttribute("role", "button");
      answer.setAttribute("aria-label", "Show the result");
      answer.tabIndex = 0;
    } else {
      for (const name of ["role", "aria-label", "tabindex"]) answer.removeAttribute(name);
    }
  }
}

/** @param {KeyboardEvent} event */
function press(event) {
  const answer = /** @type {HTMLElement} */ (event.currentTarget);
  if (event.target !== answer || answer.getAttribute("role") !== "button") return;
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  answer.click();
}

/** One switch covers the results of all figures and every answer. @param {Store[]} stores */
function coverAll(stores) {
  for (const answer of answers) {
    answer.addEventListener("keydown", press);
    answer.addEventListener("click", () => {
      answer.classList.toggle("shown");
      settle();
    });
  }
  const button = document.getElementById("cover");
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const isCovered = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isCovered));
    document.documentElement.classList.toggle("covered", isCovered);
    for (const store of stores) {
      store.covered = isCovered;
      store.tell("state");
    }
    for (const answer of answers) answer.classList.remove("shown");
    settle();
  });
}

/** Live figures are as wide as the window; on paper they shrink to the sheet. */
function shrinkable() {
  for (const root of document.querySelectorAll(".figure svg[width][height]:not([viewBox])")) {
    const [width, height] = ["width", "height"].map((name) => root.getAttribute(name));
    root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    root.classList.add("paper");
  }
}

function start() {
  configure(JSON.parse(document.getElementById("shared")?.textContent ?? "{}"));
  const figures = /** @type {HTMLElement[]} */ ([
    ...document.querySelectorAll(".figure[data-address]"),
  ]);
  coverAll(figures.map(mount));
  document.documentElement.classList.add("live");
}

start();
addEventListener("beforeprint", shrinkable);
addEventListener("afterprint", () => {
  for (const root of document.querySelectorAll("svg.paper")) {
    root.removeAttribute("viewBox");
    root.classList.remove("paper");
  }
});
