// Marks drawn into pixels: every mark is a small mask, blended where it lies.

/** Where in its pixel a mark may lie, along each side; finer steps cannot be seen. */
const STEPS = 4;

/** The most masks that are kept. */
const MOST_MASKS = 32;

const masks = new Map();

/**
 * How much of each pixel a symbol covers, for every place within a pixel that it may lie at.
 *
 * @param {string} path the symbol around (0, 0), in pixels, as in SVG
 * @param {number} radius of the symbol, in pixels
 * @param {number} line width of the line to draw, in pixels; 0 fills the symbol
 * @returns {{ side: number, covered: Float32Array }} STEPS * STEPS squares of side * side numbers from 0 to 1
 */
function mask(path, radius, line) {
  const key = `${line} ${path}`;
  let known = masks.get(key);
  if (!known) {
    // Symbols with points reach out further than their radius.
    const side = 2 * Math.ceil(1.5 * radius + line + 1);
    known = { side, covered: cover(new Path2D(path), side, line) };
    if (masks.size >= MOST_MASKS) masks.clear();
    masks.set(key, known);
  }
  return known;
}

// Browsers that protect their visitors do not say what is on a canvas, but they say what is inside a path, and what a colour is.
const asked = document.createElement("canvas").getContext("2d");

function cover(path, side, line) {
  asked.lineWidth = line;
  const inside = line > 0 ? (x, y) => asked.isPointInStroke(path, x, y) : (x, y) => asked.isPointInPath(path, x, y);
  // STEPS * STEPS points of each pixel, with a pixel more for the symbol to be moved in.
  const points = (side + 1) * STEPS;
  // A mark lies anywhere in its step, in the middle as a rule: half a step nearer than its own end.
  const at = (point) => point / STEPS - side / 2 - 1;
  const hit = Uint8Array.from({ length: points * points }, (_, i) => inside(at(i % points), at(Math.floor(i / points))));
  const covered = new Float32Array((STEPS * side) ** 2);
  for (let i = 0; i < covered.length; i++) {
    const [place, column, row] = [Math.floor(i / side ** 2), i % side, Math.floor(i / side) % side];
    const [left, top] = [(column + 1) * STEPS - (place % STEPS), (row + 1) * STEPS - Math.floor(place / STEPS)];
    let hits = 0;
    for (let down = 0; down < STEPS; down++) {
      for (let right = 0; right < STEPS; right++) hits += hit[(top + down) * points + left + right];
    }
    covered[i] = hits / STEPS ** 2;
  }
  return covered;
}

/** Red, green, blue and alpha, from 0 to 255, of CSS colours. */
export function rgba(colours) {
  return Uint8ClampedArray.from(colours.flatMap((colour) => {
    asked.fillStyle = colour;
    // Either #rrggbb or rgba(r, g, b, a).
    const plain = asked.fillStyle;
    if (plain.startsWith("#")) return [1, 3, 5].map((digits) => parseInt(plain.slice(digits, digits + 2), 16)).concat(255);
    const [red, green, blue, alpha] = plain.match(/[\d.]+/g).map(Number);
    return [red, green, blue, alpha * 255];
  }));
}

/**
 * Draws marks over what is in an image.
 *
 * @param {ImageData} image
 * @param {object} marks
 * @param {Float64Array} marks.x, marks.y in units of their own; a mark without a place is not a number
 * @param {(at: number) => number} marks.colour which of `colours` a mark has
 * @param {Uint8ClampedArray} marks.colours as `rgba` gives them
 * @param {(at: number) => number} marks.strength of a mark, from 0 to 1; a mark without any is left out
 * @param {string} marks.path, marks.radius, marks.line as `mask` has them
 * @param {{ x: [number, number], y: [number, number] }} place pixels are x[0] + x[1] * marks.x, and the same for y
 */
export function blend(image, { x, y, colour, colours, strength, path, radius, line }, place) {
  const { data, width, height } = image;
  const { side, covered } = mask(path, radius, line);
  const corner = side / 2;
  for (let at = 0; at < x.length; at++) {
    const left = place.x[0] + place.x[1] * x[at] - corner;
    const top = place.y[0] + place.y[1] * y[at] - corner;
    if (!(left > -side && left < width && top > -side && top < height)) continue;
    const column = Math.floor(left);
    const row = Math.floor(top);
    const step = Math.floor((left - column) * STEPS) + STEPS * Math.floor((top - row) * STEPS);
    const of = colour(at) * 4;
    const red = colours[of];
    const green = colours[of + 1];
    const blue = colours[of + 2];
    const alpha = (strength(at) * colours[of + 3]) / 255;
    if (alpha === 0) continue;
    const [first, last] = [Math.max(0, -column), Math.min(side, width - column)];
    for (let down = Math.max(0, -row); down < Math.min(side, height - row); down++) {
      let from = step * side * side + down * side + first;
      let to = ((row + down) * width + column + first) * 4;
      for (let right = first; right < last; right++, from++, to += 4) {
        const above = covered[from] * alpha;
        if (above === 0) continue;
        const both = above + (data[to + 3] / 255) * (1 - above);
        const share = above / both;
        data[to] += (red - data[to]) * share;
        data[to + 1] += (green - data[to + 1]) * share;
        data[to + 2] += (blue - data[to + 2]) * share;
        data[to + 3] = both * 255;
      }
    }
  }
}
