// A trace for many marks. It stands in for plotly.js's `scattergl` and draws on the same canvases without WebGL: as many marks as a figure
// may have are drawn in less time than it takes to make a WebGL context.
//
// Of `scattergl` it knows what labboard's figures have: `mode: "markers"`, marks of one symbol, size and opacity for each trace, a colour for
// each trace or numbers on a scale of colours, and subplots that do not overlap.

import Drawing from "plotly.js/src/components/drawing";
import { DESELECTDIM } from "plotly.js/src/constants/interactions";
import basePlotModule from "plotly.js/src/plots/cartesian";
import { getFromId } from "plotly.js/src/plots/cartesian/axis_ids";
import { calcAxisExpansion, calcMarkerSize } from "plotly.js/src/traces/scatter/calc";
import calcColorscale from "plotly.js/src/traces/scatter/colorscale_calc";
import colorbar from "plotly.js/src/traces/scatter/marker_colorbar";
import attributes from "plotly.js/src/traces/scattergl/attributes";
import supplyDefaults from "plotly.js/src/traces/scattergl/defaults";
import formatLabels from "plotly.js/src/traces/scattergl/format_labels";
import { hoverPoints } from "plotly.js/src/traces/scattergl/hover";
import { blend, rgba } from "./raster.mjs";

/** Pixels of an exported chart for each of the page. */
const EXPORTED = 2;
/** A scale of colours is drawn in so many. */
const SHADES = 256;

function calc(gd, trace) {
  const axes = [
    (trace._xA = getFromId(gd, trace.xaxis, "x")),
    (trace._yA = getFromId(gd, trace.yaxis, "y")),
  ];
  const [x, y] = axes.map((axis) => axis.makeCalcdata(trace, axis._id[0]));
  trace._x = x;
  trace._y = y;
  calcColorscale(gd, trace);
  calcAxisExpansion(gd, trace, ...axes, x, y, calcMarkerSize(trace, trace._length));
  const [alongX, alongY] = [x, y].map((values, at) => Float64Array.from(values, (value) => axes[at].c2l(value) ?? NaN));
  // `x`, `y` and `ids` are what plotly.js's hover and its order of categories read.
  const ids = Array.from({ length: trace._length }, (_, at) => at);
  return [{ x: false, y: false, trace, t: { x, y, ids, alongX, alongY, selected: null } }];
}

function plot(gd, subplot, drawn) {
  if (!drawn.length && !subplot._scene) return;
  subplot._scene ??= new Scene(subplot);
  subplot._scene.take(gd, drawn);
  // plotly.js asks for a drawing next, but not where all traces are hidden.
  if (!drawn.length) subplot._scene.draw();
}

/** The marks of a subplot, with the functions that plotly.js calls. */
class Scene {
  constructor(subplot) {
    this.subplot = subplot;
  }

  take(gd, drawn) {
    const { xaxis, yaxis } = this.subplot;
    const canvas = gd._fullLayout._glcanvas.node();
    const exported = gd._context._exportedPlot;
    this.ratio = exported ? EXPORTED : gd._context.plotGlPixelRatio;
    if (exported) sizeTo(canvas, gd._fullLayout, this.ratio);
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.range = [xaxis._rl[0], yaxis._rl[0], xaxis._rl[1], yaxis._rl[1]];
    this.traces = drawn.map(([{ trace, t }]) => {
      t.selected = trace.selectedpoints ? chosen(trace._length, trace.selectedpoints) : null;
      return { t, marks: look(trace, this.ratio) };
    });
  }

  /** Axes move, in the units of a linear axis: x and y of one corner, and of the other. */
  update({ range }) {
    this.range = range;
  }

  draw() {
    const { xaxis, yaxis } = this.subplot;
    const [x0, y0, x1, y1] = this.range;
    const edges = [xaxis._offset, yaxis._offset, xaxis._offset + xaxis._length, yaxis._offset + yaxis._length];
    const [left, top, right, bottom] = edges.map((edge) => Math.round(edge * this.ratio));
    const image = new ImageData(Math.max(1, right - left), Math.max(1, bottom - top));
    const [perX, perY] = [(xaxis._length * this.ratio) / (x1 - x0), (yaxis._length * this.ratio) / (y1 - y0)];
    const place = {
      x: [edges[0] * this.ratio - left - x0 * perX, perX],
      y: [edges[3] * this.ratio - top + y0 * perY, -perY],
    };
    const put = ({ t, marks }, strength) => blend(image, { ...marks, x: t.alongX, y: t.alongY, strength }, place);
    // What is not selected lies below what is.
    for (const trace of this.traces.filter(({ t }) => t.selected)) {
      const faint = trace.marks.strength * DESELECTDIM;
      put(trace, (at) => (trace.t.selected[at] ? 0 : faint));
    }
    for (const trace of this.traces) {
      const { selected } = trace.t;
      put(trace, selected ? (at) => (selected[at] ? trace.marks.strength : 0) : () => trace.marks.strength);
    }
    this.context.putImageData(image, left, top);
  }

  destroy() {
    this.subplot._scene = null;
  }
}

function sizeTo(canvas, { width, height }, ratio) {
  if (canvas.width === width * ratio) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
}

/** How the marks of a trace look, as `blend` wants to know it. */
function look({ marker, opacity }, ratio) {
  const symbol = Drawing.symbolNumber(marker.symbol);
  const open = symbol % 200 >= 100;
  const radius = (marker.size / 2) * ratio;
  return {
    path: Drawing.symbolFuncs[symbol % 100](radius, 0, 0),
    radius,
    line: open ? (marker.line.width || 1) * ratio : 0,
    strength: marker.opacity * opacity,
    ...colouring(marker),
  };
}

function colouring(marker) {
  if (typeof marker.color === "string") return { colour: () => 0, colours: rgba([marker.color]) };
  const { cmin, cmax } = marker;
  const shade = Drawing.tryColorscale(marker, "");
  const shades = Array.from({ length: SHADES }, (_, at) => shade(cmin + ((cmax - cmin) * at) / (SHADES - 1)));
  const perShade = (SHADES - 1) / (cmax - cmin);
  const colour = (at) => Math.round(Math.min(SHADES - 1, Math.max(0, (marker.color[at] - cmin) * perShade)));
  return { colour, colours: rgba(shades) };
}

function chosen(length, places) {
  const selected = new Uint8Array(length);
  for (const place of places) selected[place] = 1;
  return selected;
}

function selectPoints(searched, tester) {
  const { cd, xaxis, yaxis } = searched;
  const [{ trace, t }] = cd;
  if (trace.visible !== true || !tester || tester.degenerate) {
    t.selected = null;
    return [];
  }
  const inside = t.ids.filter((at) => tester.contains([xaxis.c2p(t.x[at]), yaxis.c2p(t.y[at])], false, at, searched));
  t.selected = chosen(trace._length, inside);
  return inside.map((at) => ({ pointNumber: at, x: xaxis.c2d(t.x[at]), y: yaxis.c2d(t.y[at]) }));
}

export default {
  moduleType: "trace",
  name: "scattergl",
  basePlotModule,
  categories: ["gl", "regl", "cartesian", "symbols", "showLegend", "scatter-like"],
  attributes,
  supplyDefaults,
  colorbar,
  formatLabels,
  calc,
  plot,
  hoverPoints,
  selectPoints,
  meta: {},
};
