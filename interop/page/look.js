// Opens MLflow's web page, as mlruns serves it, in headless Chromium: every view must show what is in the store, ask for nothing
// elsewhere, and meet no error that is not named here. Screenshots are kept.
//
//   node look.js BASE SCREENSHOTS EXPERIMENT RUN RUN RUN
const { chromium } = require("playwright-core");

// What a server without users and without an assistant answers 404.
const missing = ["/ajax-api/2.0/mlflow/users/current", "/ajax-api/3.0/mlflow/assistant/config", "/ajax-api/3.0/mlflow/assistant/providers"];
// What a browser without a graphics card, or the page by itself, complains of.
const harmless = [/Failed to load resource: the server responded with a status of 404/, /ResizeObserver loop/, /GL Driver Message/, /AG Grid: since/, /Deprecat/i];

async function main() {
  const [base, out, experiment, ...runs] = process.argv.slice(2);
  const at = `/#/experiments/${experiment}`;
  const artifact = (name) => `${at}/runs/${runs[0]}/artifacts/${name}`;
  const list = (ids) => encodeURIComponent(JSON.stringify(ids));
  const views = [
    ["home", "/", ["iris"]],
    ["experiment", at, ["iris", "run-5"]],
    ["runs", `${at}/runs`, ["run-0", "run-5"]],
    ["filter", `${at}/runs?searchFilter=${encodeURIComponent('params.opt = "adam"')}`, ["run-1", "run-5"], ["run-0"]],
    ["charts", `${at}/runs?compareRunsMode=CHART`, ["run-5"]],
    ["run", `${at}/runs/${runs[0]}`, ["run-0", "m9", "sgd"]],
    ["metrics", `${at}/runs/${runs[0]}/model-metrics`, ["m0", "m3", "Step"]],
    ["text", artifact("notes/x.txt"), ["x.txt"]],
    ["image", artifact("img.png"), ["img.png"]],
    ["html", artifact("page.html"), ["page.html"]],
    ["csv", artifact("t.csv"), ["t.csv"]],
    ["compare", `/#/compare-runs?runs=${list(runs)}&experiments=${list([experiment])}`, ["Comparing 3 Runs", "lr"]],
    ["models", "/#/models", ["Registered Models"]],
  ];
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  let view = "";
  let failures = 0;
  const fail = (what) => {
    failures++;
    console.log(`FAIL ${view}: ${what}`);
  };
  page.on("console", (m) => {
    if (m.type() === "error" && !harmless.some((h) => h.test(m.text()))) fail(`console: ${m.text()}`);
  });
  page.on("pageerror", (e) => fail(`exception: ${e}`));
  page.on("response", (r) => {
    if (r.status() >= 400 && !missing.includes(new URL(r.url()).pathname)) fail(`${r.status()} ${r.request().method()} ${r.url()}`);
  });
  page.on("request", (r) => {
    if (![base, "data:", "blob:"].some((own) => r.url().startsWith(own))) fail(`asks ${r.url()}`);
  });
  for (const [name, path, shown, hidden = []] of views) {
    view = name;
    await page.goto("about:blank");
    await page.goto(base + path);
    const text = async () => page.evaluate(() => document.body.innerText);
    for (const want of shown) {
      await page.waitForFunction((w) => document.body.innerText.includes(w), want, { timeout: 20000 }).catch(() => fail(`does not show ${want}`));
    }
    await page.waitForTimeout(1500);
    for (const not of hidden) {
      if ((await text()).includes(not)) fail(`shows ${not}`);
    }
    if (name === "html") {
      const frames = await Promise.all(page.frames().map((f) => f.evaluate(() => document.body && document.body.innerText).catch(() => "")));
      if (!frames.some((f) => f && f.includes("SCRIPT RAN"))) fail("the figure does not run in its frame");
    }
    await page.screenshot({ path: `${out}/${name}.png` });
    console.log(`ok   ${name}`);
  }
  await browser.close();
  process.exit(failures ? 1 : 0);
}

main();
