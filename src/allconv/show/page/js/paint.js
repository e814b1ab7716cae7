// A scene as SVG, changed in place: nodes are kept by their keys, never rebuilt under the pointer.
const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes and children.
 * @template {string} Kind
 * @param {Kind} kind its name, and after dots its classes: "span.left"
 * @param {...(Record<string, unknown> | Node | string)} inside its children, perhaps attributes;
 *   of these `onclick` and its like are listeners, and null is none
 * @returns {Named<Kind>}
 */
export function html(kind, ...inside) {
  const [name, ...classes] = kind.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const each of inside) {
    if (typeof each === "string" || each instanceof Node) element.append(each);
    else attribute(element, each);
  }
  return /** @type {Named<Kind>} */ (element);
}

/**
 * A button with a text.
 * @param {string} text
 * @param {() => void} press
 * @param {boolean} [isPressed] of one that stays pressed
 */
export function button(text, press, isPressed) {
  const pressed = isPressed === undefined ? null : String(isPressed);
  return html("button", { type: "button", "aria-pressed": pressed, onclick: press }, text);
}

/**
 * A text with elements in it, for `html`: mixed`b·${letter} + p`.
 * @param {TemplateStringsArray} texts
 * @param {...(Node | string)} inside
 */
export function mixed(texts, ...inside) {
  return texts.flatMap((text, n) => (n < inside.length ? [text, inside[n]] : [text]));
}

/**
 * The same for SVG.
 * @param {string} name
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function svg(name, attributes = {}, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, name));
  attribute(element, attributes);
  element.append(...children);
  return element;
}

/**
 * Text in the middle of a square.
 * @param {number} x
 * @param {number} y
 * @param {number} side
 * @param {string} text
 * @param {number} size of its letters
 * @param {Record<string, unknown>} [attributes]
 * @returns {SVGElement}
 */
export function centred(x, y, side, text, size, attributes = {}) {
  const at = { x: x + side / 2, y: y + side / 2 + size * 0.36 };
  return svg("text", { ...attributes, ...at, "font-size": size, "text-anchor": "middle" }, text);
}

/**
 * A cell with its number.
 * @param {number} x
 * @param {number} y
 * @param {number} side
 * @param {string} text
 * @param {number} size of its letters
 * @param {Record<string, unknown>} attributes
 * @returns {SVGElement[]}
 */
export function square(x, y, side, text, size, attributes) {
  return [
    svg("rect", { ...attributes, x, y, width: side - 1, height: side - 1, rx: 2 }),
    centred(x, y, side, text, size, { class: "number" }),
  ];
}

/** @param {Element} element @param {Record<string, unknown>} attributes */
function attribute(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * What an event is about: the [role, place] of the cell under the pointer, or null.
 * @param {Event} event
 * @returns {Focus | null}
 */
export function cellUnder(event) {
  const { target } = event;
  if (!(target instanceof SVGElement) || !target.dataset.cell?.includes(":")) return null;
  const [role, cell] = target.dataset.cell.split(":");
  return { role: /** @type {Role} */ (role), cell: Number(cell) };
}

/** A role's colour laid on paper. @param {Role} role @param {number} percent */
export function shade(role, percent) {
  return `color-mix(in srgb, var(--${role}) ${Math.round(percent)}%, var(--paper))`;
}

/**
 * The path of a ribbon, a curve out of one box into another.
 * @param {number[]} points
 * @param {string} shape
 */
export function pathOf(points, shape) {
  const p = points.map((value) => Math.round(value * 100) / 100);
  if (shape === "down") {
    const [x1, y1, x2, y2, right2, right1] = p;
    const y = (y1 + y2) / 2;
    return (
      `M${x1} ${y1}C${x1} ${y} ${x2} ${y} ${x2} ${y2}L${right2} ${y2}` +
      `C${right2} ${y} ${right1} ${y} ${right1} ${y1}Z`
    );
  }
  const [x1, y1, x2, y2, bottom2, bottom1] = p;
  const x = (x1 + x2) / 2;
  return (
    `M${x1} ${y1}C${x} ${y1} ${x} ${y2} ${x2} ${y2}L${x2} ${bottom2}` +
    `C${x} ${bottom2} ${x} ${bottom1} ${x1} ${bottom1}Z`
  );
}

/** The attributes of a primitive. @param {Primitive} item @returns {Record<string, string>} */
function attributesOf(item) {
  const round = (/** @type {number} */ value) => String(Math.round(value * 100) / 100);
  switch (item.kind) {
    case "rect":
      return {
        class: item.classes,
        x: round(item.x),
        y: round(item.y),
        width: round(item.width),
        height: round(item.height),
        rx: round(item.radius),
      };
    case "text":
      return {
        class: item.classes,
        x: round(item.x),
        y: round(item.y),
        "font-size": round(item.size),
        "text-anchor": item.anchor,
      };
    case "circle":
      return { class: item.classes, cx: round(item.x), cy: round(item.y), r: round(item.radius) };
    default:
      return { class: item.classes, d: pathOf(item.points, item.shape) };
  }
}

/**
 * A node, and what it was last told.
 * @typedef {{node: SVGElement, last: Record<string, string>, text: string}} Drawn
 */

/**
 * Let a node show a primitive: what has not changed is not written again.
 * @param {Drawn} drawn
 * @param {Primitive} item
 * @param {string} id of the stage, which its gradients bear
 */
function update(drawn, item, id) {
  const { node, last } = drawn;
  if (item.kind === "rect" && item.cell && node.dataset.cell !== item.cell) {
    node.dataset.cell = item.cell;
  }
  const attributes = attributesOf(item);
  for (const name in attributes) {
    if (last[name] !== attributes[name]) node.setAttribute(name, attributes[name]);
  }
  drawn.last = attributes;
  if (item.kind === "path") {
    const [, colors] = item.classes.split(" ");
    node.style.fill = `url(#${id}-${colors})`;
  }
  if (item.kind === "text") write(drawn, item.letter ?? "", item.text);
}

/** @param {Drawn} drawn @param {string} letter @param {string} text */
function write(drawn, letter, text) {
  const both = `${letter}\n${text}`;
  if (drawn.text === both) return;
  drawn.text = both;
  const children = letter ? [svg("tspan", { class: "letter" }, letter), `  ${text}`] : [text];
  drawn.node.replaceChildren(...children);
}

/**
 * The layer that a primitive is drawn in: ribbons below, marks above all else.
 * @param {Primitive} item
 */
function layerOf(item) {
  if (item.kind === "path") return "ribbons";
  return /^(frame|dot|corner|partner)/.test(item.classes) ? "marks" : "panels";
}

/** @param {SVGElement} root @param {Scene} scene */
function resize(root, { width, height }) {
  for (const [name, value] of Object.entries({ width, height })) {
    const rounded = String(Math.round(value * 100) / 100);
    if (root.getAttribute(name) !== rounded) root.setAttribute(name, rounded);
  }
}

/**
 * What draws scenes into an SVG element, each over the one before.
 * @param {SVGElement} root
 * @param {string} id distinguishes the gradients of several stages in a page
 */
export function painter(root, id) {
  const layers = { ribbons: svg("g"), panels: svg("g"), marks: svg("g") };
  const gradients = svg("defs");
  root.append(gradients, layers.ribbons, layers.panels, layers.marks);
  /** @type {Map<string, Drawn>} */
  const known = new Map();

  const drawnOf = (/** @type {Primitive} */ item) => {
    let drawn = known.get(item.key);
    if (!drawn) {
      drawn = { node: svg(item.kind), last: {}, text: "" };
      known.set(item.key, drawn);
      layers[layerOf(item)].append(drawn.node);
    }
    return drawn;
  };
  const paint = (/** @type {Scene} */ scene) => {
    resize(root, scene);
    gradientsOf(gradients, id, scene);
    const seen = new Set(scene.items.map((item) => item.key));
    for (const item of scene.items) update(drawnOf(item), item, id);
    for (const [key, { node }] of known) {
      if (seen.has(key)) continue;
      node.remove();
      known.delete(key);
    }
  };
  return { paint, nodeOf: (/** @type {string} */ key) => known.get(key)?.node };
}

/**
 * One gradient for each pair of colours that a ribbon joins.
 * @param {SVGElement} defs
 * @param {string} id
 * @param {Scene} scene
 */
function gradientsOf(defs, id, scene) {
  const wanted = new Set(
    scene.items.flatMap((item) => (item.kind === "path" ? [item.classes.split(" ")[1]] : [])),
  );
  const key = `${[...wanted].sort().join()} ${scene.vertical}`;
  if (defs.dataset.key === key) return;
  defs.dataset.key = key;
  defs.replaceChildren(
    ...[...wanted].map((colors) =>
      svg(
        "linearGradient",
        { id: `${id}-${colors}`, x2: scene.vertical ? 0 : 1, y2: scene.vertical ? 1 : 0 },
        svg("stop", { "stop-color": `var(--${colors[0]})` }),
        svg("stop", { offset: 1, "stop-color": `var(--${colors[1]})` }),
      ),
    ),
  );
}
