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

function cover(path, side, line) {
  const places = STEPS * STEPS;
  const context = scratch(side, side * places);
  context.lineWidth = line;
  for (let place = 0; place < places; place++) {
    const middle = (step) => side / 2 + (step + 0.5) / STEPS;
    context.save();
    context.beginPath();
    context.rect(0, place * side, side, side);
    context.clip();
    context.translate(middle(place % STEPS), place * side + middle(Math.floor(place / STEPS)));
    if (line > 0) context.stroke(path);
    else context.fill(path);
    context.restore();
  }
  const { data } = context.getImageData(0, 0, side, side * places);
  return Float32Array.from({ length: data.length / 4 }, (_, at) => data[at * 4 + 3] / 255);
}

function scratch(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas.getContext("2d", { willReadFrequently: true });
}

/** What red, green, blue and alpha (0 to 255) the browser makes of these colours. */
export function rgba(colours) {
  const context = scratch(colours.length, 1);
  colours.forEach((colour, at) => {
    context.fillStyle = colour;
    context.fillRect(at, 0, 1, 1);
  });
  return context.getImageData(0, 0, colours.length, 1).data;
}

/**
 * Draws marks over what is in an image.
 *
 * @param {ImageData} image
 * @param {object} marks
 * @param {Float64Array} marks.x, marks.y in units of their own; a mark without a place is not a number
 * @param {(at: number) => number} marks.colour which of `colours` a mark has
 * @param {Uint8ClampedArray} marks.colours as `rgba` gives them
 * @param {(at: number) => number} marks.strength of a mark, from 0 to 1
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
