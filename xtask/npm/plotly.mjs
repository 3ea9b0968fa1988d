// Builds the one plotly.js bundle that labboard ships: only the traces that its
// panels draw, with a trace of our own for many marks, and the licences of
// everything that went in.
//
//   node plotly.mjs OUT_DIR

import { readFile, writeFile, mkdir, copyFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const { version } = createRequire(import.meta.url)("plotly.js/package.json");

// plotly's core already holds `scatter`.
const TRACES = ["bar", "box", "heatmap"];

const [out] = process.argv.slice(2);
if (!out) {
  console.error("usage: node plotly.mjs OUT_DIR");
  process.exit(2);
}

const entry = `
const Plotly = require("plotly.js/lib/core");
Plotly.register([${TRACES.map((name) => `require("plotly.js/lib/${name}")`).join(", ")}, require("./marks/trace.mjs").default]);
// As many pixels as the screen has; plotly.js's own choice is twice as many along each side.
Plotly.setPlotConfig({ plotGlPixelRatio: Math.max(1, window.devicePixelRatio) });
// Resolves when a chart is less than two screens away.
Plotly.near = (host) => new Promise((resolve) => {
  const watch = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    resolve();
  }, { rootMargin: "200% 0px" });
  watch.observe(host);
});
module.exports = Plotly;
`;

await mkdir(out, { recursive: true });
const { metafile } = await esbuild.build({
  // The licences are looked up from here.
  absWorkingDir: here,
  stdin: { contents: entry, resolveDir: here, sourcefile: "labboard-plotly.js" },
  outfile: join(out, "plotly.min.js"),
  bundle: true,
  minify: true,
  metafile: true,
  format: "iife",
  globalName: "Plotly",
  target: "es2020",
  charset: "utf8",
  define: { global: "window", "define.amd": "false" },
  // The style sheet is linked by the page: scripts may not write styles under the policy.
  loader: { ".css": "empty" },
  legalComments: "none",
  banner: {
    js: `/*! plotly.js ${version}, partial bundle (scatter, ${TRACES.join(", ")}). Copyright Plotly, Inc., MIT licence; with the packages and licences in plotly.licenses.txt */`,
  },
  logLevel: "warning",
});
await copyFile(join(modules, "plotly.js", "dist", "plotly.css"), join(out, "plotly.css"));
await writeFile(join(out, "plotly.licenses.txt"), await licences(metafile));

/** The name, version and licence text of every package whose code is in the bundle. */
async function licences({ inputs, outputs }) {
  const used = new Set(
    Object.values(outputs).flatMap((output) =>
      Object.entries(output.inputs)
        .filter(([path, { bytesInOutput }]) => bytesInOutput > 0 && inputs[path] && !path.endsWith(".css"))
        .map(([path]) => packageFolder(path))
        .filter(Boolean),
    ),
  );
  const parts = [];
  for (const folder of [...used].sort()) {
    const about = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
    const file = (await readdir(join(here, folder))).find((name) => /^(licen[cs]e|copying)/i.test(name));
    const text = file ? (await readFile(join(here, folder, file), "utf8")).trim() : "(the package carries no licence file)";
    parts.push(`${about.name} ${about.version} (${about.license ?? "no licence field"})\n\n${text}\n`);
  }
  return parts.join(`\n${"-".repeat(80)}\n\n`);
}

function packageFolder(path) {
  const match = path.replace(/^[a-z-]+:/, "").match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
  return match?.[1];
}
