// Audits the pages that come in as JSON, [{name, url, session}], one after the other as a telephone would load them;
// gives one JSON line per page: its scores of 0 to 100, and what cost points.
import { readFileSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";
import puppeteer from "puppeteer-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const CATEGORIES = ["performance", "accessibility", "best-practices"];

// What an audit complains of first: an element, a line of the console, or a kind of issue.
const where = ({ details }) => (details?.items ?? []).map((one) => one.node?.selector ?? one.description ?? one.issueType)
  .filter((one) => typeof one === "string").slice(0, 3).join(", ");

const chrome = await launch({ chromeFlags: FLAGS, chromePath: process.env.CHROME_PATH, logLevel: "silent" });
const browser = await puppeteer.connect({ browserURL: `http://127.0.0.1:${chrome.port}` });
const [window] = await browser.pages();
try {
  for (const { name, url, session } of JSON.parse(readFileSync(0, "utf8"))) {
    // Lighthouse throws caches away before each page, and leaves cookies.
    if (session) await window.setCookie({ name: "session", value: session, url });
    else await window.deleteCookie({ name: "session", url });
    const audit = () => lighthouse(url, {
      port: chrome.port, output: "json", logLevel: "error", onlyCategories: CATEGORIES,
    });
    let { lhr } = await audit();
    if (lhr.categories.performance.score === null) ({ lhr } = await audit()); // A trace that was cut off says nothing.
    const scores = Object.fromEntries(CATEGORIES.map((id) => [id, Math.round((lhr.categories[id].score ?? 0) * 100)]));
    const lost = CATEGORIES.flatMap((id) => lhr.categories[id].auditRefs
      .filter(({ id: rule, weight }) => weight > 0 && (lhr.audits[rule].score ?? 1) < 0.9)
      .map(({ id: rule }) => `${rule} ${lhr.audits[rule].displayValue || where(lhr.audits[rule])}`.trim()));
    const led = new URL(lhr.finalDisplayedUrl ?? url).pathname;
    const failed = lhr.runtimeError?.message ?? (led === new URL(url).pathname ? undefined : `led on to ${led}`);
    if (failed) CATEGORIES.forEach((id) => { scores[id] = 0; });
    const bytes = lhr.audits["total-byte-weight"].numericValue;
    console.log(JSON.stringify({ page: name, ...scores, bytes, lost, failed }));
  }
} finally {
  await browser.disconnect();
  chrome.kill();
}
