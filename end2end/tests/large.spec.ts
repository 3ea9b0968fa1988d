// Three million real rows: every one of them counts, wherever one looks.
import { join } from 'node:path';
import { alone, drag, expect, open, place, settled, test, watch, type Server } from './labboard';
import type { Page } from '@playwright/test';

const FLIGHTS = join(__dirname, '../node_modules/vega-datasets/data/flights-3m.parquet');
const ROWS = 3_000_000;

const panel = (page: Page) => page.locator('[data-panel="scatter"]');
const chart = (page: Page) => panel(page).locator('.js-plotly-plot');
const image = (page: Page) => chart(page).evaluate((element: any) => element.layout.images?.[0]?.source ?? '');
const marks = (page: Page) =>
  chart(page).evaluate((element: any) => element._fullData.reduce((sum: number, trace: any) => sum + (trace.customdata?.length ?? trace._length ?? 0), 0));

async function figure(server: Server, path: string, query: string) {
  const response = await fetch(`${server.url}/api/figures${path}/scatter?${query}`);
  expect(response.status).toBe(200);
  return response.json();
}

alone('three million flights: a date axis, zoom, hover and lasso, all of them over all rows', async ({ page, own: server }) => {
  test.setTimeout(120_000);
  const path = server.run('import', FLIGHTS).match(/\/data\/\d+/)![0];
  await open(page, `${path}?scatter.x=date&scatter.y=delay&scatter.color=origin`);
  await settled(page);
  await panel(page).locator('.host[data-drawn]').waitFor();
  expect(await chart(page).evaluate((element: any) => element._fullLayout.xaxis.type)).toBe('date');
  await expect(panel(page).locator('.provenance')).toContainText('3,000,000 rows, density: every row counted');
  const whole = await image(page);
  expect(whole).toContain('/raster?');

  // What is under the pointer is counted.
  const [x, y] = await place(chart(page), [0.5, 0.5]);
  await page.mouse.move(x, y);
  const tip = panel(page).locator('.rows-tip');
  await expect(tip).toContainText('delay');
  await expect(tip).toContainText(/row/);
  await expect(tip).toContainText('%');

  // Zooming refines: first the old picture, larger, then the new one. Deep enough, the rows themselves are there.
  const times: number[] = [];
  let before = whole;
  for (let depth = 0; depth < 12; depth++) {
    const start = await page.evaluate(() => performance.now());
    await drag(chart(page), depth === 0 ? [[0.1, 0.4], [0.9, 0.6]] : [[0.3, 0.3], [0.7, 0.7]]);
    const at = await chart(page).evaluate(
      (element: any, before) =>
        new Promise<number>((resolve) => {
          const check = () => {
            const source = element.layout.images?.[0]?.source ?? 'marks';
            if (source !== before) requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
            else requestAnimationFrame(check);
          };
          check();
        }),
      before,
    );
    times.push(Math.round(at - start));
    before = await image(page);
    if (before === '') break;
  }
  console.log(`zooming three million rows, from the first press to the refined picture: ${times.join(', ')} ms`);
  expect(before).toBe('');
  await settled(page);
  const shown = Number((await panel(page).locator('.provenance').textContent())!.match(/^([\d,]+) of 3,000,000 rows/)![1].replaceAll(',', ''));
  expect(shown).toBeGreaterThan(0);
  expect(shown).toBeLessThanOrEqual(20_000);
  expect(await marks(page)).toBe(shown);
  await chart(page).locator('.nsewdrag').first().dblclick();
  await expect.poll(() => image(page)).toBe(whole);

  // A lasso holds rows, not marks.
  await chart(page).hover();
  await chart(page).locator('[data-title="Lasso Select"]').click();
  await drag(chart(page), [[0.2, 0.5], [0.5, 0.3], [0.8, 0.5], [0.8, 0.97], [0.2, 0.97]]);
  const line = panel(page).locator('.rows-selected');
  await expect(line).toContainText('of 3,000,000 rows selected');
  const selected = Number((await line.locator('b').first().textContent())!.replaceAll(',', ''));
  expect(selected).toBeGreaterThan(100_000);
  expect(selected).toBeLessThan(ROWS);

  // Two halves and what lies on their border are the whole.
  const query = 'x=date&y=delay&color=origin';
  const all = await figure(server, path, query);
  expect(all.provenance.rows_shown).toBe(ROWS);
  const count = async (...shapes: string[]) => {
    const extra = shapes.map((shape) => `&shape=${encodeURIComponent(shape)}`).join('');
    const response = await fetch(`${server.url}/api/figures${path}/scatter/select?${query}${extra}`);
    return (await response.json()) as { rows: number; groups: { rows: number }[] };
  };
  const low = 'rect,x,y,2000-01-01,2002-12-31,-5000,10';
  const high = 'rect,x,y,2000-01-01,2002-12-31,11,5000';
  const [below, above, both] = [await count(low), await count(high), await count(low, high)];
  expect(below.rows + above.rows).toBe(ROWS);
  expect(both.rows).toBe(ROWS);
  expect(both.groups.reduce((sum, group) => sum + group.rows, 0)).toBe(ROWS);
});

test('the flights of New York, coloured by airline', async ({ page, server }) => {
  const query = 'x=distance&y=arr_delay&color=carrier&size=800x500';
  const all = await figure(server, '/data/17', query);
  const { rows_shown: shown, rows_total: total, method } = all.provenance;
  expect(total).toBe(336_776);
  expect(shown).toBe(336_776 - 9_430);
  expect(method).toContain('9,430 rows have no place on these axes');
  await open(page, `/data/17?${query.replaceAll(/(x|y|color)=/g, 'scatter.$1=').replace('&size=800x500', '')}`);
  await settled(page);
  await panel(page).locator('.host[data-drawn]').waitFor();
  const cells = () => chart(page).evaluate((element: any) => String(element.layout.meta.cells));
  const hover = async (at: number[]) => {
    const suffix = `&cells=${await cells()}`;
    const asked = page.waitForRequest((request) => request.url().includes('/at?') && request.url().endsWith(suffix));
    await page.mouse.move(...(await place(chart(page), at)));
    await asked;
    await expect(panel(page).locator('.rows-tip')).toContainText(/UA|B6|EV|DL|AA|MQ/);
  };
  await hover([0.2, 0.9]);

  // Of fewer rows than pixels a cell is two pixels wide.
  const [nx, ny] = (await cells()).split(',').map(Number);
  await drag(chart(page), [[0.02, 0.7], [0.15, 0.98]]);
  await expect.poll(cells).toBe(`${Math.floor(nx / 2)},${Math.floor(ny / 2)}`);
  await settled(page);
  await hover([0.5, 0.8]);
});

test('who finds the server busy waits, and is answered', async ({ browser, server }) => {
  // Chromium itself reports the refusals as errors, so that this page is not watched for them.
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  let refused = 0;
  await page.route('**/api/figures/data/1/scatter?**', async (route) => {
    if (refused >= 2) return route.continue();
    refused += 1;
    return route.fulfill({ status: 503, headers: { 'retry-after': '0' }, contentType: 'application/json', body: '{"error":"The server has more to draw than it can"}' });
  });
  await page.goto('/data/1');
  await panel(page).locator('.host[data-drawn]').waitFor();
  await expect(panel(page)).toHaveAttribute('data-state', 'ready');
  expect(refused).toBe(2);
  await context.close();
});

test('a first look is drawn, says what it is, and all rows follow', async ({ browser, server }) => {
  const context = await browser.newContext({ baseURL: server.url });
  const page = await context.newPage();
  const problems: string[] = [];
  watch(page, server, problems);
  const asked: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  // The tables here are small, so that the first answer only pretends; the second waits until the first has been seen.
  await page.route('**/api/figures/data/17/scatter?**', async (route) => {
    const first = route.request().url().includes('first=on');
    asked.push(first ? 'first' : 'all');
    if (!first) await held;
    const response = await route.fetch();
    const answer = await response.json();
    if (first) answer.figure.layout.meta.follows = true;
    return route.fulfill({ response, json: answer });
  });
  await page.goto('/data/17');
  await panel(page).locator('.host[data-drawn]').waitFor();
  await expect(panel(page)).toHaveAttribute('data-state', 'loading');
  expect(await image(page)).toContain('/raster?');
  release();
  await expect(panel(page)).toHaveAttribute('data-state', 'ready');
  expect(asked).toEqual(['first', 'all']);
  expect(problems).toEqual([]);
  await context.close();
});

test('a window without rows has its axes, is asked for once, and is left as one came', async ({ page, problems }) => {
  await open(page, '/data/17?scatter.x=distance&scatter.y=air_time');
  await settled(page);
  await panel(page).locator('.host[data-drawn]').waitFor();
  const whole = await image(page);
  let asked = 0;
  page.on('request', (request) => (asked += Number(/scatter\?/.test(request.url()))));
  // Nobody flies a long time over a short distance.
  await drag(chart(page), [[0.1, 0.1], [0.3, 0.3]]);
  await expect(panel(page).locator('.provenance')).toContainText('0 of 336,776 rows');
  await expect(panel(page)).toHaveAttribute('data-state', 'ready');
  expect(await marks(page)).toBe(0);
  await expect(panel(page).locator('.summary')).toContainText('none of them is in this window');
  await chart(page).locator('.nsewdrag').first().dblclick();
  await expect.poll(() => image(page)).toBe(whole);
  expect(asked).toBe(2);
  expect(problems).toEqual([]);
});
