// The operator page: the parts put together around one store.
import { callsPart } from "./calls.js";
import { controlsPart } from "./controls.js";
import { coveragePart } from "./coverage.js";
import { drawPart } from "./draw.js";
import { identityPart } from "./identity.js";
import { listenToKeys } from "./keys.js";
import { matrixPart } from "./matrix.js";
import { multiplesPart } from "./multiples.js";
import { fromAddress, toAddress } from "./numbers.js";
import { html } from "./paint.js";
import { playerPart } from "./player.js";
import { relationPart } from "./relation.js";
import { configure } from "./shared.js";
import { shiftPart } from "./shift.js";
import { sizesPart } from "./sizes.js";
import { stagePart } from "./stage.js";
import { stepsPart } from "./steps.js";
import { Store } from "./store.js";
import { sumPart } from "./sum.js";
import { tabsPart } from "./tabs.js";
import { toolsPart } from "./tools.js";

/** @param {string} id */
function data(id) {
  return JSON.parse(document.getElementById(id)?.textContent ?? "null");
}

/** The address of the page wins over the state that it was written with. @param {string} written */
function firstState(written) {
  return fromAddress(/[#&]op=/.test(location.hash) ? location.hash : written);
}

/** @param {Store} store */
function keepAddress(store) {
  let last = "";
  store.subscribe((change) => {
    if (change === "look" || store.playing) return;
    const address = toAddress(store.state);
    if (address === last) return;
    last = address;
    try {
      history.replaceState(null, "", address);
    } catch {
      // a frame without an address of its own
    }
  });
  window.addEventListener("hashchange", () => {
    const { hash } = location;
    if (hash === last) return;
    const field = document.querySelector(".editor");
    if (field instanceof HTMLElement) field.blur(); // its cell may be none of the next state's
    store.open(hash);
  });
}

function start() {
  configure(data("shared"));
  const page = data("page");
  const store = new Store(firstState(page.address));
  const main = /** @type {HTMLElement} */ (document.getElementById("explain"));
  const stage = stagePart(store, "stage");
  const root = /** @type {SVGElement} */ (stage.querySelector("svg"));
  const panel = html(
    "div",
    { id: "view", role: "tabpanel" },
    stage,
    playerPart(store),
    sumPart(store),
  );
  main.replaceChildren(
    controlsPart(store),
    tabsPart(store, "view"),
    panel,
    toolsPart(store, () => root),
    drawPart(store, root),
    identityPart(store, "stage"),
    html("div.two", matrixPart(store), sizesPart(store)),
    multiplesPart(store),
    coveragePart(store),
    shiftPart(store),
    callsPart(store, page.calls),
    stepsPart(store),
  );
  document.getElementById("relation")?.replaceChildren(relationPart(store));
  listenToKeys(store, document.body, stage);
  keepAddress(store);
  store.tell("state");
  document.documentElement.classList.add("live");
}

start();
