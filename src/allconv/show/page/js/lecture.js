// The lecture's page: live figures, and answers that are uncovered by the keyboard, too.
import "./figures.js";

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

for (const answer of answers) {
  answer.addEventListener("keydown", press);
  answer.addEventListener("click", settle);
}

document.getElementById("cover")?.addEventListener("click", () => {
  for (const answer of answers) answer.classList.remove("shown");
  settle();
});

/** Live figures are as wide as the window; on paper they shrink to the sheet. */
function shrinkable() {
  for (const root of document.querySelectorAll(".figure svg[width][height]:not([viewBox])")) {
    const [width, height] = ["width", "height"].map((name) => root.getAttribute(name));
    root.setAttribute("viewBox", `0 0 ${width} ${height}`);
    root.classList.add("paper");
  }
}

addEventListener("beforeprint", shrinkable);
addEventListener("afterprint", () => {
  for (const root of document.querySelectorAll("svg.paper")) {
    root.removeAttribute("viewBox");
    root.classList.remove("paper");
  }
});
