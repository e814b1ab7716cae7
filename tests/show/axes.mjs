// Every axis of some blocks (a kind, an input, a kernel) by the pages' geometry, as lines of text:
// asked for digests it answers with one a block, asked for a block with its lines.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const modules = process.argv[2];
const { configure, Refusal } = await import(`${modules}/shared.js`);
const { freshState } = await import(`${modules}/state.js`);
const { axesOf } = await import(`${modules}/model.js`);
const { ceiledAxis, exchangedAxis, forwardAxis, meetings, namedPadding, reachOf, transposedAxis } =
  await import(`${modules}/geometry.js`);

const { shared, kind, settings, blocks, lines } = JSON.parse(readFileSync(0, "utf8"));
configure(shared);

const triples = (axis) => meetings(axis).map((triple) => triple.join());
const written = (axis) => {
  const sizes = [axis.input, axis.kernel, axis.output, axis.low, axis.high, axis.extra];
  return `${sizes.join(" ")}|${triples(axis).join(";")}`;
};

function forward(input, kernel, stride, dilation, spread, given) {
  const padding =
    typeof given === "string"
      ? namedPadding(given, reachOf(input, spread), kernel, stride, dilation)
      : given;
  return forwardAxis({ input, kernel, stride, dilation, spread, padding });
}

const kinds = {
  forward: (...given) => written(forward(...given)),
  exchanged: (...given) => {
    const axis = forward(...given);
    const of = (letter) => triples(exchangedAxis(axis, letter)).sort().join(";");
    return `${of("kernel")}|${of("input")}`;
  },
  ceiled: (input, kernel, stride, dilation, padding) =>
    written(ceiledAxis({ input, kernel, stride, dilation, spread: 1, padding })),
  pool: (input, kernel, stride, dilation, padding, ceil) => {
    const numbers = { input, kernel, stride, dilation };
    const state = { ...freshState(), op: "max_pool", dim: 1, ceil };
    for (const [name, number] of Object.entries(numbers)) state[name] = [1, number];
    state.padding = [[0, 0], [padding, padding]]; // prettier-ignore
    return written(axesOf(state)[1]);
  },
  transposed: (output, kernel, stride, dilation, extra, padding) =>
    written(transposedAxis({ output, kernel, stride, dilation, padding, extra, axis: 0 })),
};

function* product([first, ...rest]) {
  for (const one of first) {
    if (!rest.length) yield [one];
    else for (const others of product(rest)) yield [one, ...others];
  }
}

const all = [...product(settings)];
function linesOf([input, kernel]) {
  return all.map((each) => {
    try {
      return kinds[kind](input, kernel, ...each);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return error.message;
    }
  });
}

const digest = (block) => createHash("sha256").update(linesOf(block).join("\n")).digest("hex");
process.stdout.write(JSON.stringify(blocks.map(lines ? linesOf : digest)));
