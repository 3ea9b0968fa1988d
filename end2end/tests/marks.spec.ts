// Marks that are too many for elements are drawn on a canvas, each at its place.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alone, drag, expect, open, place, settled } from './labboard';
import type { Locator } from '@playwright/test';

const ROWS = 4_000;

/** Class a is on the left, class b on the right. */
function table() {
  let state = 1;
  const next = () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const left = i % 2 === 0;
    return `${(next() * 0.9 + (left ? 0 : 1)).toFixed(6)},${(10 ** (4 * next())).toFixed(6)},${left ? 'a' : 'b'}`;
  });
  const file = join(mkdtempSync(join(tmpdir(), 'marks-')), 'marks.csv');
  writeFileSync(file, ['x,y,class', ...rows].join('\n'));
  return file;
}

/** For each class, how many marks lie in the plot, how many of them on the canvas, and how opaque the canvas is there. */
const drawn = (chart: Locator) =>
  chart.evaluate((element: any) => {
    const { xaxis, yaxis, width } = element._fullLayout;
    const canvas = element.querySelector('.gl-canvas-context') as HTMLCanvasElement;
    const ratio = canvas.width / width;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    const classes: Record<string, { inside: number; painted: number; alpha: number }> = {};
    for (const trace of element._fullData) {
      const seen = (classes[trace.name.charAt(0)] = { inside: 0, painted: 0, alpha: 0 });
      for (let at = 0; at < trace._length; at++) {
        const [x, y] = [xaxis.d2p(trace.x[at]), yaxis.d2p(trace.y[at])];
        if (!(x > 1 && x < xaxis._length - 1 && y > 1 && y < yaxis._length - 1)) continue;
        const [column, row] = [Math.floor((xaxis._offset + x) * ratio), Math.floor((yaxis._offset + y) * ratio)];
        const alpha = data[(row * canvas.width + column) * 4 + 3] / 255;
        seen.inside += 1;
        seen.painted += Number(alpha > 0.1);
        seen.alpha += alpha;
      }
      seen.alpha /= Math.max(1, seen.inside);
    }
    return classes;
  });

alone('many marks are on the canvas, through zoom, hover, legend, selection and download', async ({ page, own }) => {
  await page.addInitScript(() => {
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, ...args: any[]) {
      if (String(args[0]).includes('webgl')) (window as any).webgl = true;
      return (get as any).apply(this, args);
    } as any;
  });
  const path = own.run('import', '--target', 'class', table()).match(/\/data\/\d+/)![0];
  await open(page, `${path}?scatter.x=x&scatter.y=y&scatter.color=class&scatter.log_y=on`);
  await settled(page);
  const panel = page.locator('[data-panel="scatter"]');
  const chart = panel.locator('.js-plotly-plot');
  await panel.locator('.host[data-drawn]').waitFor();
  expect(await chart.evaluate((element: any) => element._fullData.map((trace: any) => trace.type))).toEqual(['scattergl', 'scattergl']);

  const whole = await drawn(chart);
  expect(whole.a.inside + whole.b.inside).toBe(ROWS);
  expect([whole.a.painted, whole.b.painted]).toEqual([whole.a.inside, whole.b.inside]);

  // The row under the pointer.
  const mark = await chart.evaluate((element: any) => {
    const { xaxis, yaxis } = element._fullLayout;
    const [trace] = element._fullData;
    return { row: trace.customdata[7], x: xaxis.d2p(trace.x[7]), y: yaxis.d2p(trace.y[7]) };
  });
  const [left, top] = await place(chart, [0, 0]);
  await page.mouse.move(left + mark.x, top + mark.y, { steps: 2 });
  await expect(chart.locator('.hoverlayer')).toContainText(`row ${mark.row}`);

  // A picture of the chart has them, in twice the pixels.
  const download = page.waitForEvent('download');
  await panel.getByRole('button', { name: 'PNG' }).click();
  const file = readFileSync(await (await download).path());
  const picture = await page.evaluate(
    async ([data, x, y]) => {
      const image = await createImageBitmap(new Blob([Uint8Array.from(atob(data as string), (c) => c.charCodeAt(0))]));
      const canvas = new OffscreenCanvas(image.width, image.height);
      const context = canvas.getContext('2d')!;
      context.drawImage(image, 0, 0);
      return { width: image.width, pixel: [...context.getImageData(x as number, y as number, 1, 1).data] };
    },
    [file.toString('base64'), ...(await chart.evaluate(({ _fullLayout: { xaxis, yaxis } }: any, { x, y }) => [2 * (xaxis._offset + x), 2 * (yaxis._offset + y)], mark))],
  );
  expect(picture.width).toBe(2 * (await chart.evaluate((element) => element.clientWidth)));
  expect(Math.max(...picture.pixel.slice(0, 3)) - Math.min(...picture.pixel.slice(0, 3))).toBeGreaterThan(30);

  // Zooming moves them with the axes.
  await drag(chart, [[0.3, 0.2], [0.7, 0.8]]);
  await expect.poll(async () => (await drawn(chart)).a.inside).toBeLessThan(whole.a.inside);
  const near = await drawn(chart);
  expect(near.a.inside).toBeGreaterThan(100);
  expect([near.a.painted, near.b.painted]).toEqual([near.a.inside, near.b.inside]);
  await chart.locator('.nsewdrag').first().dblclick();
  await expect.poll(async () => (await drawn(chart)).a.inside).toBe(whole.a.inside);

  // What is not selected is faint.
  await chart.hover();
  await chart.locator('[data-title="Box Select"]').click();
  await drag(chart, [[0.002, 0.002], [0.5, 0.998]]);
  await expect.poll(async () => (await drawn(chart)).b.alpha).toBeLessThan(0.5 * whole.b.alpha);
  expect((await drawn(chart)).a.alpha).toBeGreaterThan(0.9 * whole.a.alpha);
  await page.mouse.dblclick(...(await place(chart, [0.9, 0.5])));
  await expect.poll(async () => (await drawn(chart)).b.alpha).toBeGreaterThan(0.9 * whole.b.alpha);

  // A class that is hidden is not drawn, and comes back.
  const entry = chart.locator('.legendtoggle').first();
  await entry.click();
  await expect.poll(async () => Object.values(await drawn(chart)).map((seen) => seen.painted === 0)).toEqual([true, false]);
  await entry.click();
  await expect.poll(async () => (await drawn(chart)).a.painted).toBe(whole.a.inside);
  expect(await page.evaluate(() => (window as any).webgl)).toBeUndefined();
});

const elsewhere = alone.extend({ deviceScaleFactor: 1.5 });

elsewhere('numbers as colours, and rings, on a screen with other pixels', async ({ page, own }) => {
  // Every tenth row has no colour, and is a ring.
  const rows = Array.from({ length: ROWS }, (_, i) => `${i % 80},${Math.floor(i / 80)},${i % 10 === 0 ? '' : i}`);
  const file = join(mkdtempSync(join(tmpdir(), 'marks-')), 'colours.csv');
  writeFileSync(file, ['x,y,z', ...rows].join('\n'));
  const path = own.run('import', file).match(/\/data\/\d+/)![0];
  await open(page, `${path}?scatter.x=x&scatter.y=y&scatter.color=z`);
  await settled(page);
  const panel = page.locator('[data-panel="scatter"]');
  const chart = panel.locator('.js-plotly-plot');
  await panel.locator('.host[data-drawn]').waitFor();
  // The colours at the first and the last known mark are those of the ends of the scale, and a ring is empty inside.
  const pixels = await chart.evaluate((element: any) => {
    const { xaxis, yaxis, width } = element._fullLayout;
    const canvas = element.querySelector('.gl-canvas-context') as HTMLCanvasElement;
    const ratio = canvas.width / width;
    const [known, missing] = element._fullData;
    const at = (trace: any, i: number) => {
      const [x, y] = [xaxis._offset + xaxis.d2p(trace.x[i]), yaxis._offset + yaxis.d2p(trace.y[i])];
      return [...canvas.getContext('2d')!.getImageData(Math.floor(x * ratio), Math.floor(y * ratio), 1, 1).data];
    };
    return { ratio, first: at(known, 0), last: at(known, known._length - 1), ring: at(missing, 5), ends: [known.marker.colorscale[0][1], known.marker.colorscale.at(-1)[1]] };
  });
  expect(pixels.ratio).toBeCloseTo(1.5, 2);
  const rgb = (colour: string) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  for (const [seen, end] of [[pixels.first, pixels.ends[0]], [pixels.last, pixels.ends[1]]] as const) {
    expect(seen[3]).toBeGreaterThan(100);
    rgb(end).forEach((channel, i) => expect(Math.abs(channel - seen[i])).toBeLessThan(12));
  }
  expect(pixels.ring[3]).toBeLessThan(pixels.first[3] / 2);
});
