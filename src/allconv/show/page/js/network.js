// The page of a network: one drawing and one layer at a time, and the unit that is pointed at.
// Without it everything stands below each other.
"use strict";

(() => {
  /** The numbers in an attribute. @param {Element} element @param {string} name */
  const numbers = (element, name) => (element.getAttribute(name) ?? "").split(" ").map(Number);

  /** Show one element of a kind. @param {string} kind @param {Element | null} chosen */
  const show = (kind, chosen) => {
    for (const each of document.querySelectorAll(`.${kind}.shown`)) each.classList.remove("shown");
    chosen?.classList.add("shown");
  };

  /** The element that the address names, or null. */
  const named = () => {
    const id = location.hash.slice(1);
    return /^(layer|group)-\d+$/.test(id) ? document.getElementById(id) : null;
  };

  const follow = () => {
    const target = named();
    const layer = target?.classList.contains("layer") ? target : null;
    const drawing = layer
      ? document.getElementById(
          (layer.querySelector(".back a")?.getAttribute("href") ?? "#").slice(1),
        )
      : (target ?? document.querySelector(".drawing"));
    show("drawing", drawing);
    if (layer || !document.querySelector(".layer.shown")) {
      show("layer", layer ?? document.querySelector(".layer"));
    }
    for (const each of document.querySelectorAll(".graph .here")) {
      each.classList.remove("here");
      each.removeAttribute("aria-current");
    }
    const shown = document.querySelector(".layer.shown");
    for (const box of shown ? document.querySelectorAll(`.graph a[href="#${shown.id}"]`) : []) {
      box.classList.add("here");
      box.setAttribute("aria-current", "true");
    }
    // On a wide screen both are in sight already, so that only what was chosen gets the focus.
    target?.focus({ preventScroll: matchMedia("(min-width: 900px)").matches });
  };

  /**
   * The cells that a unit sees, those of the padding left out.
   * @param {number} unit @param {number[]} reach stride, first and last of unit 0
   * @param {number} size
   */
  const cells = (unit, [stride, low, high], size) => [
    Math.max(Math.ceil(stride * unit + low), 0),
    Math.min(Math.floor(stride * unit + high), size - 1) + 1,
  ];

  /** The unit whose middle is nearest. @param {number} at @param {number[]} reach */
  const nearest = (at, [stride, low, high]) =>
    stride > 0 ? Math.round((at - (low + high) / 2) / stride) : 0;

  /**
   * Let a picture show what one of its units sees, and say it.
   * @param {SVGSVGElement} picture @param {number} row @param {number} column
   */
  const paint = (picture, row, column) => {
    const { width, height } = picture.viewBox.baseVal;
    const [rows, columns] = numbers(picture, "data-units");
    const [top, bottom] = cells(row, numbers(picture, "data-rows"), height);
    const [left, right] = cells(column, numbers(picture, "data-columns"), width);
    const frame = picture.querySelector(".seen");
    frame?.setAttribute("x", String(left));
    frame?.setAttribute("y", String(top));
    frame?.setAttribute("width", String(Math.max(right - left, 0)));
    frame?.setAttribute("height", String(Math.max(bottom - top, 0)));
    picture
      .querySelector(".unseen")
      ?.setAttribute("d", `M0 0H${width}V${height}H0ZM${left} ${top}H${right}V${bottom}H${left}Z`);
    const said =
      `Unit ${row}, ${column} of ${rows} × ${columns} sees rows ${top} to ${bottom - 1} ` +
      `and columns ${left} to ${right - 1}`;
    picture.setAttribute("aria-label", said);
    const caption = picture.parentElement?.querySelector("figcaption");
    if (caption) caption.textContent = `${said}.`;
  };

  /** What is said of the keyboard, to those who hear a picture. @param {SVGSVGElement} picture */
  const hint = (picture) => {
    const text = document.createElement("span");
    text.className = "sr";
    text.textContent = " Arrow keys choose another unit.";
    picture.insertAdjacentElement("afterend", text);
  };

  /** Let a picture show the unit that is clicked, or comes next. @param {SVGSVGElement} picture */
  const follows = (picture) => {
    const units = numbers(picture, "data-units");
    let [row, column] = units.map((count) => Math.floor(count / 2));

    /** @param {number} toRow @param {number} toColumn */
    const choose = (toRow, toColumn) => {
      [row, column] = [toRow, toColumn].map((to, n) => Math.min(Math.max(to, 0), units[n] - 1));
      paint(picture, row, column);
    };

    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const { width, height } = picture.viewBox.baseVal;
      const y = ((event.clientY - box.top) / box.height) * height - 0.5;
      const x = ((event.clientX - box.left) / box.width) * width - 0.5;
      choose(
        nearest(y, numbers(picture, "data-rows")),
        nearest(x, numbers(picture, "data-columns")),
      );
    });
    /** @type {Record<string, [number, number]>} */
    const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    picture.tabIndex = 0;
    picture.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      choose(row + move[0], column + move[1]);
    });
    hint(picture);
  };

  document.documentElement.classList.add("live");
  for (const each of document.querySelectorAll(".drawing, .layer")) {
    if (each instanceof HTMLElement) each.tabIndex = -1;
  }
  for (const picture of document.querySelectorAll("svg.sees")) {
    if (picture instanceof SVGSVGElement) follows(picture);
  }
  addEventListener("hashchange", follow);
  follow();
})();
