// What the pages draw of some addresses: the scenes that are asked for, and the address again.
import { readFileSync } from "node:fs";

const modules = process.argv[2];
const { configure, Refusal } = await import(`${modules}/shared.js`);
const { fromAddress, toAddress, valued } = await import(`${modules}/numbers.js`);
const { panelsOf } = await import(`${modules}/names.js`);
const { layoutOf } = await import(`${modules}/layout.js`);
const { sceneOf } = await import(`${modules}/scene.js`);

const { shared, questions } = JSON.parse(readFileSync(0, "utf8"));
configure(shared);

/** One question: an address, a width, what a scene shows. */
function answer({ address, width, place, options }) {
  const state = fromAddress(address);
  const again = toAddress(state);
  try {
    const model = valued(state);
    const panels = panelsOf(model, state);
    const layout = layoutOf(model, place, { width });
    const scene = sceneOf(model, panels, layout, options);
    return { again, scene };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { again, refusal: error.message };
  }
}

process.stdout.write(JSON.stringify(questions.map(answer)));
