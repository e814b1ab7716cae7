// One browser for many visits: a visit is a line of JSON on the standard input, its report a line
// on the standard output. `node browser.mjs NODE_MODULES BROWSER`.
//
// A visit has a `url`, `options` (javascript, width, height) and `steps`, objects with a `do`; its
// report has what the steps returned, errors on the console, and what the page asked for besides
// itself.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , packages, browserPath] = process.argv;
const load = createRequire(`${packages}/`);
const puppeteer = load("puppeteer-core").default ?? load("puppeteer-core");
const PATIENCE = 120_000; // milliseconds: more than any visit takes on a slow machine
const axeSource = () => readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

/** What observers of sizes do is done, and drawn. */
const settled = (page) =>
  page.evaluate(async () => {
    for (let n = 0; n < 3; n++) await new Promise(requestAnimationFrame);
  });

/** The element that has the keyboard, as a screen reader is told of it; null: the page itself. */
async function focused(page) {
  const { protocol } = page;
  const { result } = await protocol.send("Runtime.evaluate", {
    expression: "document.activeElement",
  });
  const { objectId } = result;
  const seen = await protocol.send("Runtime.callFunctionOn", {
    objectId,
    returnByValue: true,
    functionDeclaration: `function () {
      const { width, height, left, right } = this.getBoundingClientRect();
      const isInside = right > 0 && left < document.documentElement.clientWidth;
      return [this.localName, width > 0 && height > 0 && isInside];
    }`,
  });
  const [tag, isSeen] = seen.result.value;
  if (tag === "body" || tag === "html") return null;
  const asked = { objectId, fetchRelatives: false };
  const [said] = (await protocol.send("Accessibility.getPartialAXTree", asked)).nodes;
  return { tag, role: said?.role?.value ?? "", name: said?.name?.value ?? "", seen: isSeen };
}

/** Tab, until what has the keyboard is called so. */
async function tabTo(page, { name }) {
  for (let n = 0; n < 300; n++) {
    await page.keyboard.press("Tab");
    const found = await focused(page);
    if (found?.name.startsWith(name)) return found;
  }
  throw new Error(`no Tab stop is called ${name}`);
}

/** All Tab stops of a page, and which controls that are shown are none of them. */
async function walked(page) {
  const count = await page.evaluate(() => {
    const isControl = (element) =>
      element.tabIndex >= 0 && !element.matches(":disabled") && element.checkVisibility();
    globalThis.unreached = new Set([...document.querySelectorAll("body *")].filter(isControl));
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
    return globalThis.unreached.size;
  });
  const stops = [];
  for (let n = 0; n < count + 20; n++) {
    await page.keyboard.press("Tab");
    const found = await focused(page);
    if (!found) break;
    stops.push(found);
    await page.evaluate(() => globalThis.unreached.delete(document.activeElement));
  }
  const missed = await page.evaluate(() => [...globalThis.unreached].map((one) => one.outerHTML));
  return { stops, missed };
}

/** The faults that axe-core finds, of all that it is sure of. */
async function faults(page) {
  await page.evaluate(axeSource());
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.map(({ id, impact, help, nodes }) => ({
      id,
      impact,
      help,
      nodes: nodes.map((node) => node.target.join(" ")),
    }));
  });
}

/** The mouse is pressed over the first element, moved over all of them, and let go. */
async function drag(page, { over }) {
  for (const [n, selector] of over.entries()) {
    const element = await page.$(selector);
    if (n === 0) await element.scrollIntoView();
    const { x, y, width, height } = await element.boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    if (n === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

const STEPS = {
  click: (page, { at }) => page.click(at),
  hover: (page, { at }) => page.hover(at),
  focus: (page, { at }) => page.focus(at),
  drag,
  key: async (page, { key, times = 1, held = [] }) => {
    for (const each of held) await page.keyboard.down(each);
    for (let n = 0; n < times; n++) await page.keyboard.press(key);
    for (const each of held) await page.keyboard.up(each);
  },
  type: (page, { text }) => page.keyboard.type(text),
  evaluate: (page, { code }) => page.evaluate(code),
  wait: (page, { until }) => page.waitForFunction(until, { timeout: 0 }),
  viewport: async (page, { width, height = 900 }) => {
    await page.setViewport({ width, height });
    await settled(page);
  },
  settle: settled,
  media: (page, { features }) =>
    page.emulateMediaFeatures(Object.entries(features).map(([name, value]) => ({ name, value }))),
  screenshot: async (page, { path, whole = false }) => {
    await page.screenshot({ path, fullPage: whole });
  },
  print: async (page, { path }) => {
    const bytes = await page.pdf({ path, format: "A4", printBackground: true });
    return { bytes: bytes.length, begins: Buffer.from(bytes.slice(0, 5)).toString("latin1") };
  },
  open: (page, { url }) => page.goto(url).then(() => null),
  focused,
  tab_to: tabTo,
  walk: walked,
  axe: faults,
};

async function visit(browser, { url, options = {}, steps }, place) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  const [errors, requests, results] = [[], [], []];
  page.on("console", (said) => {
    if (said.type() === "error" || said.type() === "warn") errors.push(said.text());
  });
  page.on("pageerror", (error) => errors.push(String(error?.stack ?? error)));
  page.on("request", (request) => {
    const asked = request.url().replace(/#.*/, "");
    const isPage = request.isNavigationRequest() && request.frame() === page.mainFrame();
    if (!isPage && !/^(data|blob):/.test(asked)) requests.push(asked);
  });
  try {
    await page.setJavaScriptEnabled(options.javascript ?? true);
    await page.setViewport({ width: options.width ?? 1280, height: options.height ?? 900 });
    page.protocol = await page.createCDPSession();
    await page.goto(url);
    for (const step of steps) {
      place.step += 1;
      results.push((await STEPS[step.do](page, step)) ?? null);
    }
    return { results, errors, requests };
  } catch (error) {
    const failed = `step ${results.length}, ${JSON.stringify(steps[results.length])}: ${error}`;
    return { failed, results, errors, requests };
  } finally {
    place.step += 1;
    await context.close();
  }
}

const launch = () =>
  puppeteer.launch({
    executablePath: browserPath,
    protocolTimeout: 0,
    // Its sandbox does not start for root, nor where user namespaces are switched off.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--force-color-profile=srgb",
    ],
  });

/** A visit that does not end is reported with its browser, and the next has another. */
async function guarded(asked) {
  const place = { step: 0 };
  let timer;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, PATIENCE, null);
  });
  const report = await Promise.race([visit(browser, asked, place), patience]);
  clearTimeout(timer);
  if (report) return report;
  browser.process()?.kill("SIGKILL");
  browser = await launch();
  const step = JSON.stringify(asked.steps[place.step - 1] ?? "opening");
  return { failed: `no end after ${PATIENCE / 1000} s: step ${place.step - 1}, ${step}` };
}

let browser = await launch();
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await guarded(JSON.parse(line)))}\n`);
}
await browser.close();
