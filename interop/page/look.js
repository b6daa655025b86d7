// Opens MLflow's web page, as mlruns serves it, in headless Chromium: every view must show what is in the store, ask for nothing
// elsewhere, and meet no error that is not named here. Screenshots are kept.
//
//   node look.js BASE SCREENSHOTS EXPERIMENT RUN RUN RUN
const { chromium } = require("playwright-core");

// What a server without users and without an assistant answers 404.
const missing = ["/ajax-api/2.0/mlflow/users/current", "/ajax-api/3.0/mlflow/assistant/config", "/ajax-api/3.0/mlflow/assistant/providers"];
// What a browser without a graphics card, or the page by itself, complains of.
const harmless = [/Failed to load resource: the server responded with a status of 404/, /ResizeObserver loop/, /GL Driver Message/, /AG Grid: since/, /Deprecat/i,
  /Error while plotting: Error: DOM element provided is null/]; // 2.22 draws a chart that it has just taken away

// How long a view may take: the machine may be busy.
const patience = 60000;

async function main() {
  const [base, out, experiment, ...runs] = process.argv.slice(2);
  const at = `/#/experiments/${experiment}`;
  const artifact = (name) => `${at}/runs/${runs[0]}/artifacts/${name}`;
  const metrics = [...Array(10).keys()].map((k) => `m${k}`);
  const list = (ids) => encodeURIComponent(JSON.stringify(ids));
  const views = [
    ["home", "/", ["iris"]],
    ["experiment", at, ["iris", "run-5"]],
    ["runs", `${at}/runs`, ["run-0", "run-5"]],
    ["filter", `${at}/runs?searchFilter=${encodeURIComponent('params.opt = "adam"')}`, ["run-1", "run-5"], ["run-0"]],
    ["charts", `${at}/runs?compareRunsMode=CHART`, ["run-5", ...metrics]],
    ["run", `${at}/runs/${runs[0]}`, ["run-0", "m9", "sgd"]],
    ["metrics", `${at}/runs/${runs[0]}/model-metrics`, [...metrics, "Step"]],
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
  const shows = async (want, yes = true) =>
    page.waitForFunction(([w, y]) => document.body.innerText.includes(w) === y, [want, yes], { timeout: patience }).catch(() => fail(`${yes ? "does not show" : "shows"} ${want}`));
  const open = async (path) => {
    await page.goto("about:blank");
    await page.goto(base + path);
  };
  const click = async (what) => (typeof what === "string" ? page.locator(what).first() : what).click({ timeout: patience }).catch(() => fail(`has no ${what} to click`));
  const ask = async (method, call, body) =>
    page.evaluate(async ([m, u, b]) => (await fetch(u, { method: m, headers: { "Content-Type": "application/json" }, body: b && JSON.stringify(b) })).json(), [method, `/ajax-api/2.0/mlflow/${call}`, body]);

  for (const [name, path, shown, hidden = []] of views) {
    view = name;
    // Charts that are not in sight are not drawn.
    await page.setViewportSize({ width: 1400, height: shown.length > 9 ? 4000 : 1000 });
    await open(path);
    const text = async () => page.evaluate(() => document.body.innerText);
    for (const want of shown) await shows(want);
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
  await page.setViewportSize({ width: 1400, height: 1000 });

  // What is clicked is changed in the store. A dialog is answered with its last button.
  const yes = async () => click(page.locator("[role=dialog] button:visible").last());
  // MLflow 3 has a list of experiments; before, they stand beside the runs.
  const experiments = async () => {
    await open("/#/experiments");
    await page.waitForFunction(() => /for deletion|Default|Not Found/.test(document.body.innerText), null, { timeout: patience }).catch(() => {});
    if (await page.evaluate(() => document.body.innerText.includes("Not Found"))) await open("/");
  };
  const acts = {
    "edit a tag": async () => {
      for (const value of ["vanilla", "chocolate"]) {
        await open(`${at}/runs/${runs[0]}`);
        await click(page.getByRole("button", { name: /(add|edit) tags/i }));
        await click("[role=dialog] [role=combobox]");
        await page.keyboard.type("flavour");
        await page.keyboard.press("Enter");
        await page.locator("[role=dialog] [aria-label=Value]").fill(value, { timeout: patience });
        await click("[role=dialog] [aria-label='Add tag']");
        await click(page.getByRole("button", { name: "Save tags" }));
        await shows(value);
        const { run } = await ask("GET", `runs/get?run_id=${runs[0]}`);
        if (!run.data.tags.some((t) => t.key === "flavour" && t.value === value)) fail(`the tag is ${JSON.stringify(run.data.tags)}`);
      }
    },
    "delete a run": async () => {
      await open(`${at}/runs`);
      await shows("run-5");
      await click(".ag-row .ag-checkbox-input");
      await click("[data-testid=runs-delete-button]");
      await yes();
      await shows("run-5", false);
    },
    "restore a run": async () => {
      await open(`${at}/runs?lifecycleFilter=Deleted`);
      await shows("run-5");
      await shows("run-4", false);
      await click(".ag-row .ag-checkbox-input");
      await click("[data-testid=runs-restore-button]");
      if (await page.locator("[role=dialog] button:visible").count()) await yes();
      await open(`${at}/runs`);
      await shows("run-5");
    },
    "delete an experiment": async () => {
      await experiments();
      await shows("for deletion");
      const button = (id) => page.locator(`xpath=//*[text()="for deletion"]/ancestor::*[.//*[@data-testid="${id}"]][1]//*[@data-testid="${id}"]`);
      if (await button("delete-experiment-button").count()) {
        await click(button("delete-experiment-button"));
      } else {
        await click(page.locator("[role=row]", { hasText: "for deletion" }).locator("input[type=checkbox]"));
        await click("[data-testid=delete-experiments-button]");
      }
      await yes();
      await experiments();
      await shows("for deletion", false);
    },
    // There is nothing to click for this in any version of the page.
    "restore an experiment": async () => {
      const { experiment } = await ask("GET", "experiments/get-by-name?experiment_name=for%20deletion");
      if (experiment.lifecycle_stage !== "deleted") fail(`the experiment is ${experiment.lifecycle_stage}`);
      await ask("POST", "experiments/restore", { experiment_id: experiment.experiment_id });
      await experiments();
      await shows("for deletion");
    },
  };
  for (const [name, act] of Object.entries(acts)) {
    view = name;
    await act().catch((e) => fail(String(e).slice(0, 300)));
    await page.screenshot({ path: `${out}/${name.replaceAll(" ", "-")}.png` });
    console.log(`done ${name}`);
  }
  await browser.close();
  process.exit(failures ? 1 : 0);
}

main();
