// Data that Python writes into every page, so that both languages read the same: `shared.py`.

/** @type {Shared} */
export const shared = /** @type {Shared} */ ({});

/** @param {Shared} data */
export function configure(data) {
  Object.assign(shared, data);
}

/**
 * A sentence of refusal with its values; `{name}` is filled as Python's `str.format` does.
 * @param {string} name
 * @param {Record<string, string | number>} values
 */
export function refusal(name, values) {
  return shared.refusals[name].replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

/** A geometry that cannot be: the message is a sentence for the user. */
export class Refusal extends Error {}
