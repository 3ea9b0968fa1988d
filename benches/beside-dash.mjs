// Measures labboard beside a Dash dashboard that shows the same data, in one run, turn by turn:
//
//   node benches/beside-dash.mjs LABBOARD_BINARY PYTHON [--rows 10000,1000000] [--rounds 40]
//
// PYTHON is an interpreter with benches/dash/requirements.txt. What is printed are medians in milliseconds and their
// ratio; the ratio is what counts, because both sides wait for the same machine.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [labboard, python, ...flags] = process.argv.slice(2);
if (!labboard || !python) {
  console.error("usage: node benches/beside-dash.mjs LABBOARD_BINARY PYTHON [--rows 10000,1000000] [--rounds 40]");
  process.exit(2);
}
const flag = (name, fallback) => (flags.includes(name) ? flags[flags.indexOf(name) + 1] : fallback);
const sizes = flag("--rows", "10000,1000000").split(",");
const rounds = Number(flag("--rounds", "40"));

const folder = mkdtempSync(join(tmpdir(), "labboard-bench-"));
const started = [];

function start(command, args, options) {
  const child = spawn(command, args, { stdio: "ignore", detached: true, ...options });
  started.push(child);
  return child;
}

function run(command, args) {
  const done = spawnSync(command, args, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${done.stderr}${done.stdout}`);
  return done.stdout;
}

async function answers(url) {
  for (let i = 0; i < 600; i++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not there yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} does not answer`);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const between = (low, high) => low + Math.random() * (high - low);
const report = (what, ours, theirs) =>
  console.log(
    `${what.padEnd(44)} labboard ${ours.toFixed(1).padStart(8)} ms   Dash ${theirs.toFixed(1).padStart(8)} ms   1/${(theirs / ours).toFixed(1)}`,
  );

async function timed(url, options) {
  const start = performance.now();
  const response = await fetch(url, options);
  const body = await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${url}: ${response.status}`);
  return { ms: performance.now() - start, bytes: body.byteLength };
}

/** The server's part alone: one client, views that nobody asked for before. */
async function figures(base, peer, rows, id) {
  const callback = (x) => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      output: "graph.figure",
      outputs: { id: "graph", property: "figure" },
      inputs: [
        { id: "x", property: "value", value: x },
        { id: "y", property: "value", value: "y" },
        { id: "url", property: "pathname", value: `/${rows}` },
      ],
      changedPropIds: ["x.value"],
    }),
  });
  const axes = ["x", "z"];
  const [ours, theirs, sizes] = [[], [], { ours: [], theirs: [] }];
  for (let round = -3; round < rounds; round++) {
    const x = axes[Math.abs(round) % 2];
    const window = [between(-6, -4), between(4, 6), between(-6, -4), between(4, 6)].join(",");
    const query = `x=${x}&y=y&color=cat&size=800x500&raster=inline&window=${window}`;
    const mine = await timed(`${base}/api/figures/data/${id}/scatter?${query}`, { headers: { "accept-encoding": "identity" } });
    const other = await timed(`${peer}/_dash-update-component`, callback(x));
    // The first rounds warm both sides.
    if (round >= 0) {
      ours.push(mine.ms);
      theirs.push(other.ms);
      sizes.ours.push(mine.bytes);
      sizes.theirs.push(other.bytes);
    }
  }
  report(`figure, cold, 1 client, ${rows} rows`, median(ours), median(theirs));
  console.log(`${"".padEnd(44)} labboard ${String(median(sizes.ours)).padStart(8)} B    Dash ${String(median(sizes.theirs)).padStart(8)} B`);
}

/** Runs before the page's scripts: notes every drawing of plotly.js and when it was painted. */
function watch() {
  const drawn = (window.drawn = []);
  const original = Symbol("emit");
  Object.defineProperty(HTMLElement.prototype, "emit", {
    configurable: true,
    get() {
      return this[original];
    },
    set(emit) {
      this[original] = function (event, ...rest) {
        const result = emit.call(this, event, ...rest);
        if (event === "plotly_afterplot") {
          const title = this.layout?.xaxis?.title;
          const entry = { axis: title?.text ?? title ?? "" };
          // Two frames later the drawing is on the screen; reading a pixel waits for what a canvas still has to do.
          requestAnimationFrame(() =>
            requestAnimationFrame(() => {
              for (const canvas of this.querySelectorAll("canvas")) {
                const plain = canvas.getContext("2d");
                const gl = plain ? null : canvas.getContext("webgl");
                plain?.getImageData(0, 0, 1, 1);
                gl?.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
              }
              drawn.push({ ...entry, painted: performance.now() });
            }),
          );
        }
        return result;
      };
    },
  });
  for (const event of ["pointerdown", "change"]) {
    addEventListener(event, () => (window.turned = performance.now()), true);
  }
}

/** From the visitor's input to the painted chart, alternating between the two pages. */
async function dropdowns(chromium, base, peer, rows, id) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  const open = async (url) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(watch);
    await page.goto(url);
    await page.waitForFunction(() => window.drawn.length > 0, null, { timeout: 120_000 });
    await page.waitForTimeout(500);
    return page;
  };
  const ours = { page: await open(`${base}/data/${id}?scatter.x=x&scatter.y=y&scatter.color=cat`), times: [] };
  const theirs = { page: await open(`${peer}/${rows}`), times: [] };
  const turn = async (side, act, axis) => {
    const { page } = side;
    await page.bringToFront();
    await page.evaluate(() => {
      window.drawn.length = 0;
    });
    await act(page, axis);
    const ms = await page.waitForFunction((axis) => {
      const entry = window.drawn.find((entry) => entry.axis === axis);
      return entry && entry.painted - window.turned;
    }, axis, { polling: 20 });
    side.times.push(await ms.jsonValue());
  };
  for (let round = -2; round < Math.min(rounds, 12); round++) {
    if (round === 0) {
      ours.times.length = 0;
      theirs.times.length = 0;
    }
    const axis = Math.abs(round) % 2 === 0 ? "z" : "x";
    await turn(ours, (page) => page.selectOption('[name="scatter.x"]', axis), axis);
    await turn(theirs, async (page) => {
      await page.click("#x");
      await page.locator(`.dash-dropdown-option:has-text("${axis}")`).first().click();
    }, axis);
  }
  await browser.close();
  report(`dropdown to painted chart, ${rows} rows`, median(ours.times), median(theirs.times));
}

try {
  run(python, [join(here, "dash/data.py"), folder, ...sizes]);
  const data = join(folder, "data");
  run(labboard, ["import", "--data-dir", data, ...sizes.map((rows) => join(folder, `clouds_${rows}.parquet`))]);
  const port = join(folder, "port");
  start(labboard, ["serve", "--data-dir", data, "--no-demo", "--addr", "127.0.0.1:0", "--port-file", port]);
  let base;
  for (let i = 0; !base && i < 100; i++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    try {
      base = `http://127.0.0.1:${readFileSync(port, "utf8").trim()}`;
    } catch {
      // Not there yet.
    }
  }
  await answers(`${base}/health`);
  const peer = "http://127.0.0.1:8101";
  start(python, ["-m", "gunicorn", "-w", "2", "--preload", "--timeout", "300", "-b", "127.0.0.1:8101", "app:server"], {
    cwd: join(here, "dash"),
    env: { ...process.env, CLOUDS: folder, ROWS: sizes.join(","), OMP_NUM_THREADS: "1" },
  });
  await answers(`${peer}/_dash-layout`);
  for (const [at, rows] of sizes.entries()) await figures(base, peer, rows, at + 1);
  const { chromium } = createRequire(join(here, "../end2end/package.json"))("playwright-core");
  await dropdowns(chromium, base, peer, sizes[0], 1);
} finally {
  for (const child of started) {
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch {
      // It has gone already.
    }
  }
  rmSync(folder, { recursive: true, force: true });
}
