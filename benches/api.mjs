// Measures labboard's REST API as a publisher and a reader see it:
//
//   node benches/api.mjs LABBOARD_BINARY [--runs 10000] [--clients 8] [--rows 1000000] [--table-runs 100000]
//
// Runs are published by that many clients at once, each with 1,000 predictions, evaluated and durable when they are answered. Then
// the list of evaluations, a table of ROWS rows as ARFF and as Parquet with the server's peak of memory, and the page of a task
// with TABLE-RUNS runs (0 leaves any of these out).

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [labboard, ...flags] = process.argv.slice(2);
if (!labboard) {
  console.error("usage: node benches/api.mjs LABBOARD_BINARY [--runs 10000] [--clients 8] [--rows 1000000] [--table-runs 100000]");
  process.exit(2);
}
const flag = (name, fallback) => Number(flags.includes(name) ? flags[flags.indexOf(name) + 1] : fallback);
const runs = flag("--runs", 10000);
const clients = flag("--clients", 8);
const rows = flag("--rows", 1_000_000);
const tableRuns = flag("--table-runs", 100_000);
const PREDICTIONS = 1000;

const folder = mkdtempSync(join(tmpdir(), "labboard-api-"));
const data = join(folder, "data");
const agent = new Agent({ keepAlive: true, maxSockets: clients });
let server;
let base;
let key;

async function start() {
  const portFile = join(folder, "port");
  rmSync(portFile, { force: true });
  server = spawn(labboard, ["serve", "--no-demo", "--data-dir", data, "--addr", "127.0.0.1:0", "--port-file", portFile], { stdio: "ignore" });
  while (!existsSync(portFile)) await new Promise((resolve) => setTimeout(resolve, 10));
  base = `http://127.0.0.1:${readFileSync(portFile, "utf8")}`;
  key ??= readFileSync(join(data, "owner-key"), "utf8").trim();
}

async function stop() {
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  await ended;
}

/** The whole answer, and when its first byte came, in milliseconds. */
function send(method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const sent = request(`${base}${path}`, { method, headers, agent }, (answer) => {
      const chunks = [];
      let first;
      answer.on("data", (chunk) => {
        first ??= performance.now() - begun;
        chunks.push(chunk);
      });
      answer.on("error", reject);
      answer.on("end", () => {
        const content = Buffer.concat(chunks);
        if (answer.statusCode !== 200) return reject(new Error(`${method} ${path}: ${answer.statusCode} ${content}`));
        resolve({ content, first, all: performance.now() - begun });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const get = (path) => send("GET", path, {});

function post(path, files) {
  const boundary = "labboard-bench";
  const parts = Object.entries({ api_key: key, ...files }).flatMap(([name, content]) => {
    const file = name === "api_key" ? "" : `; filename="${name}"`;
    return [Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`), Buffer.from(content), Buffer.from("\r\n")];
  });
  const body = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
  return send("POST", `/api/v1/xml/${path}`, { "content-type": `multipart/form-data; boundary=${boundary}`, "content-length": body.length }, body);
}

const id = ({ content }) => Number(/<oml:(?:id|run_id)>(\d+)</.exec(content)[1]);
const XML = 'xmlns:oml="http://openml.org/openml"';
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const report = (what, value) => console.log(`${what.padEnd(64)} ${value}`);
const ms = (value) => `${value.toFixed(1)} ms`;

const truth = (row) => (row % 3 ? "yes" : "no");
const COLOURS = ["red", "green", "blue"];
/** Ten numbers, a colour and the class in each row: a hundred bytes. */
const table = (rows) => {
  const numbers = Array.from({ length: 10 }, (_, at) => `@attribute x${at} numeric\n`).join("");
  const values = (row) => Array.from({ length: 10 }, (_, at) => (at % 2 ? Math.sin(row * (at + 1)).toFixed(5) : (row * 7919 + at) % 10007));
  const lines = Array.from({ length: rows }, (_, row) => `${values(row)},${COLOURS[row % 3]},${truth(row)}`);
  return `@relation t\n${numbers}@attribute colour {${COLOURS}}\n@attribute class {no,yes}\n@data\n${lines.join("\n")}\n`;
};

function description(name, format) {
  return `<oml:data_set_description ${XML}><oml:name>${name}</oml:name><oml:description>of a benchmark</oml:description><oml:format>${format}</oml:format><oml:default_target_attribute>class</oml:default_target_attribute></oml:data_set_description>`;
}

/** A task on a table of so many rows. */
async function newTask(name, rows) {
  const dataset = id(await post("data", { description: description(name, "ARFF"), dataset: table(rows) }));
  const inputs = { source_data: dataset, target_feature: "class", estimation_procedure: 1, evaluation_measures: "predictive_accuracy" };
  const xml = Object.entries(inputs).map(([name, value]) => `<oml:input name="${name}">${value}</oml:input>`).join("");
  const task = id(await post("task", { description: `<oml:task_inputs ${XML}><oml:task_type_id>1</oml:task_type_id>${xml}</oml:task_inputs>` }));
  const splits = String((await get(`/api_splits/get/${task}/Task_${task}_splits.arff`)).content);
  const places = splits.split("\n").filter((line) => line.startsWith("TEST")).map((line) => line.split(",").slice(1).map(Number));
  return { task, places };
}

async function newFlow(name) {
  const xml = `<oml:flow ${XML}><oml:name>${name}</oml:name><oml:external_version>1</oml:external_version><oml:description>d</oml:description><oml:language>English</oml:language><oml:dependencies>none</oml:dependencies><oml:parameter><oml:name>k</oml:name><oml:data_type></oml:data_type><oml:default_value></oml:default_value><oml:description></oml:description></oml:parameter></oml:flow>`;
  return id(await post("flow", { description: xml }));
}

function predictions(places, seed) {
  const lines = places.map(([row, repeat, fold]) => {
    const sure = 0.5 + (((row * 31 + seed * 17) % 50) / 100);
    const said = (row * 13 + seed) % 11 ? truth(row) : truth(row + 1);
    return `${repeat},${fold},${row},${said},${truth(row)},${said === "no" ? sure : 1 - sure},${said === "no" ? 1 - sure : sure}`;
  });
  return `@relation p\n@attribute repeat numeric\n@attribute fold numeric\n@attribute row_id numeric\n@attribute prediction {no,yes}\n@attribute correct {no,yes}\n@attribute confidence.no numeric\n@attribute confidence.yes numeric\n@data\n${lines.join("\n")}\n`;
}

/** Publishes `count` runs from all clients at once; the time that each took. */
async function publish({ task, places }, flow, count) {
  // Making the files is no part of publishing them.
  const files = Array.from({ length: 16 }, (_, seed) => predictions(places, seed));
  const times = [];
  let next = 0;
  const client = async () => {
    for (let run = next++; run < count; run = next++) {
      const setting = `<oml:parameter_setting><oml:name>k</oml:name><oml:value>${run % 50}</oml:value></oml:parameter_setting>`;
      const xml = `<oml:run ${XML}><oml:task_id>${task}</oml:task_id><oml:flow_id>${flow}</oml:flow_id>${setting}</oml:run>`;
      times.push((await post("run", { description: xml, predictions: files[run % files.length] })).all);
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  return { seconds: (performance.now() - begun) / 1000, times };
}

const status = (name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))[1]) / 1024;
const resetPeak = () => spawnSync("sh", ["-c", `echo 5 > /proc/${server.pid}/clear_refs`]);

try {
  await start();
  const flow = await newFlow("bench");
  if (runs) {
    const task = await newTask("thousand", PREDICTIONS);
    await publish(task, flow, 200);
    const { seconds, times } = await publish(task, flow, runs);
    report(`${runs} runs of ${PREDICTIONS} predictions, ${clients} clients`, `${(runs / seconds).toFixed(0)} per second, median ${ms(median(times))}`);
    const path = `/api/v1/json/evaluation/list/function/predictive_accuracy/limit/10000`;
    for (const format of ["xml", "json"]) {
      const answers = [];
      for (let round = 0; round < 7; round++) answers.push(await get(path.replace("json", format)));
      const count = String(answers[0].content).split(format === "xml" ? "<oml:evaluation>" : '"run_id"').length - 1;
      report(`evaluation/list of ${count}, ${format}`, `${ms(median(answers.map((a) => a.all)))}, first byte ${ms(median(answers.map((a) => a.first)))}`);
    }
  }
  if (rows) {
    const arff = table(rows);
    let kept;
    for (const format of ["ARFF", "parquet"]) {
      const file = format === "ARFF" ? arff : (await get("/parquet/DATASET/dataset_DATASET.pq".replaceAll("DATASET", String(kept)))).content;
      await stop();
      await start();
      const before = status("VmRSS");
      resetPeak();
      const made = await post("data", { description: description(`million_${format}`, format), dataset: file });
      const dataset = id(made);
      kept ??= dataset;
      report(`${rows} rows as ${format} (${(file.length / 1e6).toFixed(0)} MB), parsed and described`, `${(made.all / 1000).toFixed(2)} s`);
      report(`  memory: before, peak`, `${before.toFixed(0)} MB, ${status("VmHWM").toFixed(0)} MB`);
      report(`  its page, first byte`, ms((await get(`/data/${dataset}`)).first));
    }
  }
  if (tableRuns) {
    const task = await newTask("ten", 10);
    const { seconds } = await publish(task, flow, tableRuns);
    report(`${tableRuns} runs of 10 predictions, ${clients} clients`, `${(tableRuns / seconds).toFixed(0)} per second`);
    const figure = `/api/figures/task/${task.task}/evaluations?measure=predictive_accuracy`;
    for (const round of ["first", "second"]) {
      await stop();
      await start();
      const cold = await get(round === "first" ? `/task/${task.task}` : figure);
      report(round === "first" ? `page of the task with ${tableRuns} runs, after a start` : "its figure, after a start", `first byte ${ms(cold.first)}, all ${ms(cold.all)}`);
    }
    await publish(task, flow, 1);
    report("its figure, after one more run", ms((await get(figure)).all));
  }
} finally {
  await stop();
  rmSync(folder, { recursive: true, force: true });
}
