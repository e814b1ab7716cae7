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
const axeSource = () => readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

/** The element that has the keyboard, as a screen reader is told of it. */
async function focused(page) {
  const handle = await page.evaluateHandle(() => {
    const element = document.activeElement;
    return element === document.body || element === document.documentElement ? null : element;
  });
  const element = handle.asElement();
  if (!element) return null;
  const said = await page.accessibility.snapshot({ root: element, interestingOnly: false });
  const [tag, seen] = await element.evaluate((node) => {
    const { width, height, left, right } = node.getBoundingClientRect();
    const inside = right > 0 && left < document.documentElement.clientWidth;
    return [node.tagName.toLowerCase(), width > 0 && height > 0 && inside];
  });
  return { tag, role: said?.role ?? "", name: said?.name ?? "", seen };
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

const STEPS = {
  click: (page, { at }) => page.click(at),
  hover: (page, { at }) => page.hover(at),
  focus: (page, { at }) => page.focus(at),
  key: async (page, { key, times = 1, held = [] }) => {
    for (const each of held) await page.keyboard.down(each);
    for (let n = 0; n < times; n++) await page.keyboard.press(key);
    for (const each of held) await page.keyboard.up(each);
  },
  type: (page, { text }) => page.keyboard.type(text),
  evaluate: (page, { code }) => page.evaluate(code),
  wait: (page, { until }) => page.waitForFunction(until, { timeout: 0 }),
  viewport: (page, { width, height = 900 }) => page.setViewport({ width, height }),
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
  axe: faults,
};

async function visit(browser, { url, options = {}, steps }) {
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
    await page.goto(url);
    for (const step of steps) results.push((await STEPS[step.do](page, step)) ?? null);
    return { results, errors, requests };
  } catch (error) {
    const failed = `step ${results.length}, ${JSON.stringify(steps[results.length])}: ${error}`;
    return { failed, results, errors, requests };
  } finally {
    await context.close();
  }
}

const browser = await puppeteer.launch({
  executablePath: browserPath,
  protocolTimeout: 0,
  // Its sandbox does not start for root, nor where user namespaces are switched off.
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
});
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await visit(browser, JSON.parse(line)))}\n`);
}
await browser.close();
