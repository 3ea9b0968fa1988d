// Measures labboard's figures on large tables, and beside other dashboards if their harness is there:
//
//   cargo xtask bench [-- --peers DIR] [--rows 1e4,1e5,1e6,1e7] [--out benches/figures.md]
//
// DIR holds the peers (serve.sh, browser.mjs, data/syn_N.parquet, a Python environment in venv): Dash with px.scatter (px), and with
// datashader above 100,000 rows (ds). Each line is measured for both sides in the same run, one after the other. Figures are asked for in
// random windows that nobody asked for before, and counted with their rasters.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [labboard, load, ...flags] = process.argv.slice(2);
const flag = (name, fallback) => (flags.includes(name) ? flags[flags.indexOf(name) + 1] : fallback);
const peers = flag("--peers", "");
const sizes = flag("--rows", "1e4,1e5,1e6,1e7").split(",").map(Number);
const seconds = Number(flag("--seconds", "5"));
const folder = mkdtempSync(join(tmpdir(), "labboard-bench-"));
const lines = [];

function say(line) {
  lines.push(line);
  console.log(line);
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const between = (low, high) => (low + Math.random() * (high - low)).toFixed(6);
const pick = (list) => list[Math.floor(Math.random() * list.length)];

/** Proportional share of memory that the processes below one use, in MB, and what of it is mapped files. */
function memory(root) {
  const parents = new Map();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      parents.set(pid, stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    } catch {
      // It has ended.
    }
  }
  const family = [...parents.keys()].filter((pid) => {
    for (let at = pid; at; at = parents.get(at)) if (at === String(root)) return true;
    return false;
  });
  let [pss, files] = [0, 0];
  for (const pid of family) {
    try {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      pss += Number(/^Pss:\s+(\d+)/m.exec(rollup)[1]) / 1024;
      files += Number(/^Pss_File:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) / 1024;
    } catch {
      // It has ended.
    }
  }
  return { pss, files };
}

function cpuSeconds(root) {
  let ticks = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (pid === String(root) || fields[1] === String(root)) ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has ended.
    }
  }
  return ticks / 100;
}

async function answers(url) {
  for (let i = 0; i < 900; i++) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not there yet.
    }
    await sleep(100);
  }
  throw new Error(`${url} does not answer`);
}

/** Closed loop of `clients` over the requests, one in a line. Resolves to what the load tool prints, with memory and CPU of the server. */
async function measure(address, pid, requests, clients, time = seconds) {
  // Ours are in two parts: the figure, and the raster that it names.
  const rasters = requests[0].startsWith("GET /api/figures/") ? ["--rasters"] : [];
  const file = join(folder, "requests.txt");
  writeFileSync(file, requests.join("\n"));
  const before = cpuSeconds(pid);
  let most = { pss: 0, files: 0 };
  const child = spawn(load, [address, "http", file, "--clients", String(clients), "--seconds", String(time), ...rasters], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (part) => (text += part));
  const watch = setInterval(() => {
    const now = memory(pid);
    if (now.pss - now.files > most.pss - most.files) most = now;
  }, 500);
  await new Promise((done) => child.once("exit", done));
  clearInterval(watch);
  const seen = JSON.parse(text);
  return { ...seen, cpu_ms: ((cpuSeconds(pid) - before) * 1000) / Math.max(1, seen.answered), memory: most };
}

/** A labboard with one table. */
async function ours(rows) {
  const dir = join(folder, `labboard-${rows}`);
  if (peers) {
    const file = join(peers, "data", `syn_${rows}.parquet`);
    execFileSync(labboard, ["import", "--data-dir", dir, "--target", "cat", file], { stdio: "ignore" });
  } else {
    execFileSync(labboard, ["bench", "--rows", String(rows), "--data-dir", dir], { stdio: "ignore" });
  }
  const port = join(folder, "port");
  rmSync(port, { force: true });
  const child = spawn(labboard, ["serve", "--no-demo", "--addr", "127.0.0.1:0", "--port-file", port, "--data-dir", dir], { stdio: "ignore" });
  while (!existsSync(port)) await sleep(20);
  const address = `127.0.0.1:${readFileSync(port, "utf8")}`;
  await answers(`http://${address}/health`);
  const cold = (size = "800x500") => {
    const window = [between(-6, -3), between(3, 6), between(-6, -4), between(4, 6)].join(",");
    return `GET /api/figures/data/1/scatter?x=${pick(["x", "z"])}&y=${pick(["y", "w"])}&color=cat&size=${size}&window=${window}`;
  };
  // The pairs of axes are indexed in the background when they are first drawn; the windows are not known then.
  for (const x of ["x", "z"]) for (const y of ["y", "w"]) for (let i = 0; i < 2; i++) {
    await fetch(`http://${address}/api/figures/data/1/scatter?x=${x}&y=${y}&color=cat&size=800x500`);
    await sleep(rows >= 1e6 ? rows / 4000 : 50);
  }
  return { address, pid: child.pid, cold, stop: () => child.kill() };
}

/** A Dash dashboard with the same table. */
async function theirs(mode, rows) {
  const port = mode === "px" ? 8131 : 8132;
  execFileSync(join(peers, "serve.sh"), [mode, String(port), `syn_${rows}`], { stdio: ["ignore", "ignore", "inherit"] });
  const pid = Number(readFileSync(join(peers, "run", `${mode}-${port}.pid`), "utf8"));
  const address = `127.0.0.1:${port}`;
  const body = (x, y) =>
    JSON.stringify({
      output: "graph.figure",
      outputs: { id: "graph", property: "figure" },
      inputs: [
        { id: "x", property: "value", value: x },
        { id: "y", property: "value", value: y },
        { id: "colour", property: "value", value: "cat" },
        { id: "url", property: "pathname", value: `/data/syn_${rows}` },
      ],
      changedPropIds: ["x.value"],
      parsedChangedPropsIds: ["x.value"],
    });
  const cold = () => `POST /_dash-update-component ${body(pick(["x", "z"]), pick(["y", "w"]))}`;
  return { address, pid, cold, stop: () => process.kill(pid) };
}

const ms = (value) => (value == null ? "–" : value < 10 ? `${value.toFixed(2)} ms` : `${value.toFixed(0)} ms`);
const kB = (bytes) => (bytes == null ? "–" : `${(bytes / 1000).toFixed(0)} kB`);
const MB = (value) => `${value.toFixed(0)} MB`;
const many = (n, make) => Array.from({ length: n }, make);
const row = (what, peer, mine, ratio) => say(`| ${what} | ${peer} | ${mine} | ${ratio} |`);
const ratio = (peer, mine) => (peer ? `1/${(peer / mine).toFixed(1)}` : "");

const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];

/** Click to painted, and a cold visit, of a peer, with its own harness: medians of so many browsers. */
function browser(config, set, base, runs) {
  const out = execFileSync("node", ["browser.mjs", config, ...Object.entries(set).flatMap(([key, value]) => ["--set", `${key}=${value}`]), "--base", base, "--runs", String(runs), "--interactions", "6"], {
    cwd: peers,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 1 << 26,
  });
  return JSON.parse(out.trim().split("\n").at(-1));
}

/** The same of labboard, with the same clock: from the input event to the second frame after the drawing, the canvas of marks included. That harness evaluates texts in
 * the page, which labboard's content security policy forbids. */
async function ourBrowser(address, runs) {
  const seen = [];
  for (let run = 0; run < runs; run++) seen.push(await ourVisit(address));
  return Object.fromEntries(Object.keys(seen[0]).map((key) => [key, middle(seen.map((visit) => visit[key]))]));
}

async function ourVisit(address) {
  const { chromium } = createRequire(join(here, "../end2end/package.json"))("@playwright/test");
  const open = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  const page = await open.newPage({ viewport: { width: 1280, height: 900 } });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  let bytes = 0;
  devtools.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
  await page.addInitScript(() => {
    const drawn = (window.drawn = []);
    const key = Symbol("emit");
    Object.defineProperty(HTMLElement.prototype, "emit", {
      configurable: true,
      get() {
        return this[key];
      },
      set(emit) {
        this[key] = function (event, ...rest) {
          const result = emit.call(this, event, ...rest);
          if (event === "plotly_afterplot" && this.closest("[data-panel=scatter]")) {
            const axis = this.layout?.xaxis?.title?.text ?? "";
            requestAnimationFrame(() =>
              requestAnimationFrame(() => {
                this.querySelector(".gl-canvas-context")?.getContext("2d").getImageData(0, 0, 1, 1);
                drawn.push({ axis, painted: performance.now() });
              }),
            );
          }
          return result;
        };
      },
    });
    addEventListener("change", () => (window.turned = performance.now()), true);
  });
  await page.goto(`http://${address}/data/1?scatter.x=x&scatter.y=y&scatter.color=cat`);
  await page.waitForFunction(() => window.drawn.length > 0, null, { timeout: 120_000 });
  await sleep(500);
  const cold = { cold_bytes: bytes, drawn_ms: await page.evaluate(() => window.drawn[0].painted), fcp_ms: await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime) };
  const [times, loaded] = [[], []];
  for (let i = 0; i < 12; i++) {
    const axis = ["z", "x"][i % 2];
    const before = bytes;
    await page.evaluate(() => (window.drawn.length = 0));
    await page.selectOption('[name="scatter.x"]', axis);
    await page.waitForFunction((axis) => window.drawn.some((entry) => entry.axis === axis), axis, { timeout: 120_000, polling: 10 });
    times.push(await page.evaluate((axis) => window.drawn.find((entry) => entry.axis === axis).painted - window.turned, axis));
    await sleep(250);
    loaded.push(bytes - before);
  }
  await open.close();
  return { ...cold, inter_ms: middle(times), inter_bytes: middle(loaded) };
}

/** Zooms by dragging, and waits for the refined picture. */
async function zooms(address) {
  const { chromium } = createRequire(join(here, "../end2end/package.json"))("@playwright/test");
  const open = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  const page = await open.newPage({ viewport: { width: 1280, height: 900 } });
  const times = [];
  for (let round = 0; round < 8; round++) {
    await page.goto(`http://${address}/data/1?scatter.x=x&scatter.y=y&scatter.color=cat&round=${round}`);
    await page.waitForSelector('[data-panel="scatter"] .host[data-drawn]');
    const plot = await page.locator('[data-panel="scatter"] .nsewdrag').first().boundingBox();
    for (let depth = 0; depth < 3; depth++) {
      const [x, y] = [0.2 + Math.random() * 0.1, 0.25 + Math.random() * 0.1];
      const before = await page.evaluate(() => document.querySelector('[data-panel="scatter"] .js-plotly-plot').layout.images?.[0]?.source ?? "");
      await page.mouse.move(plot.x + x * plot.width, plot.y + y * plot.height);
      await page.mouse.down();
      await page.mouse.move(plot.x + (x + 0.5) * plot.width, plot.y + (y + 0.4) * plot.height, { steps: 3 });
      await page.evaluate(() => addEventListener("mouseup", () => (window.released = performance.now()), { capture: true, once: true }));
      await page.mouse.up();
      const time = await page.evaluate(
        (before) =>
          new Promise((done) => {
            const check = () => {
              const chart = document.querySelector('[data-panel="scatter"] .js-plotly-plot');
              const image = chart.layout.images?.[0]?.source ?? "";
              const shown = image === "" || chart.querySelector("image")?.getAttributeNS("http://www.w3.org/1999/xlink", "href") === image || chart.querySelector("image");
              if (image !== before && shown) requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - window.released)));
              else requestAnimationFrame(check);
            };
            check();
          }),
        before,
      );
      times.push(time);
    }
  }
  await open.close();
  return times.sort((a, b) => a - b);
}

say(`${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0].model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, load ${loadavg()[0].toFixed(1)} at the start`);
say("");
say("| what | peer | labboard | ratio |");
say("|---|---|---|---|");
try {
  for (const rows of sizes) {
    const name = `1e${Math.round(Math.log10(rows))}`;
    const mine = await ours(rows);
    const single = await measure(mine.address, mine.pid, many(4000, () => mine.cold()), 1);
    const modes = !peers ? [] : rows >= 1e7 ? ["ds"] : rows >= 1e6 ? ["px", "ds"] : ["px"];
    const of = (seen) => `${ms(seen.p50_ms)} (p95 ${ms(seen.p95_ms)}), ${seen.cpu_ms.toFixed(1)} CPU ms, ${kB(seen.bytes)}`;
    if (modes.length === 0) row(`figure, cold, 1 client, ${name} rows`, "", of(single), "");
    const beside = {};
    for (const mode of modes) {
      const peer = (beside[mode] = await theirs(mode, rows));
      await measure(peer.address, peer.pid, many(20, () => peer.cold()), 1, 1);
      const seen = await measure(peer.address, peer.pid, many(500, () => peer.cold()), 1, rows >= 1e7 ? 10 : seconds);
      row(`figure, cold, 1 client, ${name} rows`, `${mode} ${of(seen)}`, of(single), ratio(seen.p50_ms, single.p50_ms));
    }
    if (rows === 1e6) {
      const crowd = await measure(mine.address, mine.pid, many(20000, () => mine.cold()), 64);
      const text = (seen) => `${seen.per_second.toFixed(0)} per second, p99 ${ms(seen.p99_ms)}, ${seen.busy} sent away, ${MB(seen.memory.pss - seen.memory.files)}`;
      if (!peers) row(`cold, 64 clients, ${name}`, "", text(crowd), "");
      for (const mode of modes) {
        const seen = await measure(beside[mode].address, beside[mode].pid, many(500, () => beside[mode].cold()), 64, 12);
        row(`cold, 64 clients, ${name}`, `${mode} ${text(seen)}`, text(crowd), `${(crowd.per_second / seen.per_second).toFixed(1)} ×, p99 ${ratio(seen.p99_ms, crowd.p99_ms)}`);
      }
      const hot = [mine.cold()];
      await measure(mine.address, mine.pid, hot, 1, 0.5);
      const one = await measure(mine.address, mine.pid, hot, 1, 3);
      const all = await measure(mine.address, mine.pid, hot, 64, 3);
      row(`asked before, ${name}`, "", `${ms(one.p50_ms)}; 64 clients: ${all.per_second.toFixed(0)} per second`, "");
    }
    if (rows === 1e7) {
      const crowd = await measure(mine.address, mine.pid, many(5000, () => mine.cold()), 16);
      row(`cold, 16 clients, ${name}`, "", `${crowd.per_second.toFixed(0)} per second, p99 ${ms(crowd.p99_ms)}, ${MB(crowd.memory.pss - crowd.memory.files)}`, "");
      const times = await zooms(mine.address);
      row(`zoom of ${name} rows in Chromium to the refined picture`, "", `median ${ms(times[times.length >> 1])}, p95 ${ms(times[Math.floor(times.length * 0.95)])}`, "");
    }
    if (peers && rows !== 1e5) {
      const runs = rows === 1e4 ? 3 : 1;
      const our = await ourBrowser(mine.address, runs);
      for (const mode of modes) {
        const seen = browser("configs/browser_dash.json", { n: rows }, `http://${beside[mode].address}`, runs);
        row(`click to painted, ${name}`, `${mode} ${ms(seen.inter_ms)}`, `${ms(our.inter_ms)}, ${kB(our.inter_bytes)}`, ratio(seen.inter_ms, our.inter_ms));
        if (rows === 1e4) row(`cold visit, ${name}`, `${mode} ${kB(seen.cold_bytes)}, first paint ${ms(seen.fcp_ms)}, drawn ${ms(seen.drawn_ms)}`, `${kB(our.cold_bytes)}, first paint ${ms(our.fcp_ms)}, drawn ${ms(our.drawn_ms)}`, ratio(seen.drawn_ms, our.drawn_ms));
      }
    }
    for (const peer of Object.values(beside)) peer.stop();
    mine.stop();
    await sleep(500);
    rmSync(join(folder, `labboard-${rows}`), { recursive: true, force: true });
  }
} finally {
  say("");
  say(`Load ${loadavg()[0].toFixed(1)} at the end.`);
  const out = flag("--out", "");
  if (out) writeFileSync(resolve(out), `${lines.join("\n")}\n`);
  rmSync(folder, { recursive: true, force: true });
}
