// What a history of the pages answers to lists of calls, each a name and what it is given. States
// are whatever they are; acts are given by a name, and each name is one object.
import { readFileSync } from "node:fs";

const { makeHistory } = await import(`${process.argv[2]}/history.js`);

function answers(calls) {
  const history = makeHistory();
  const acts = {};
  const act = (name) => (name === undefined ? undefined : (acts[name] ??= {}));
  return calls.map(([name, ...given]) => {
    if (name === "leave") return history.leave(given[0], act(given[1])) ?? null;
    if (name === "giveUp") return history.giveUp(act(given[0]));
    return history[name](...given);
  });
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(answers)));
