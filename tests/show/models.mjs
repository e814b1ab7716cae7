// What the pages compute of some addresses: all values, the address again, and every channel of
// the gradients as the correlation that it is.
import { readFileSync } from "node:fs";

const modules = process.argv[2];
const { configure, Refusal } = await import(`${modules}/shared.js`);
const { fromAddress, toAddress, valued } = await import(`${modules}/numbers.js`);
const { exchanged } = await import(`${modules}/exchange.js`);

const { shared, addresses } = JSON.parse(readFileSync(0, "utf8"));
configure(shared);

function correlationsOf(model, leave) {
  const size = model.sizes[leave][0] * model.sizes[leave][1];
  return Array.from({ length: model.planes[leave] }, (_, plane) => {
    const cell = plane * size + (plane % size);
    const found = exchanged(model, leave, cell);
    if (!found) return null;
    const cells = found.values.y.map((_, n) => n);
    return {
      axes: found.model.axes,
      count: found.kernels,
      ...found.values,
      meets: cells.map((n) =>
        found.model.meets.y[n].map((t) => [found.model.x[t], found.model.w[t]]),
      ),
      asked: cell,
      at: found.at,
      back: cells.map(found.back),
    };
  });
}

function answer(address) {
  const state = fromAddress(address);
  const again = toAddress(state);
  try {
    const model = valued(state);
    const roles = ["x", "w", "y"];
    const correlations = Object.fromEntries(
      roles.map((role) => [role, correlationsOf(model, role)]),
    );
    return { again, values: model.values, sizes: model.sizes, correlations };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { again, refusal: error.message };
  }
}

const finite = (_, value) => (value === -Infinity ? "-inf" : value);
process.stdout.write(JSON.stringify(addresses.map(answer), finite));
