import AxeBuilder from '@axe-core/playwright';
import { expect, open, settled, test } from './labboard';

const PAGES = ['/', '/explore', '/data', '/task', '/flow', '/run', '/data/6', '/task/6', '/flow/3', '/run/21'];

const CHARTS: Record<string, string[]> = {
  '/data/6': ['scatter', 'distribution'],
  '/data/17': ['scatter', 'distribution'],
  '/task/6': ['evaluations'],
  '/flow/3': ['scores'],
  '/explore': ['scatter'],
};

for (const [path, panels] of Object.entries(CHARTS)) {
  test(`${path} draws its charts from real data`, async ({ page, problems }) => {
    await open(page, path);
    await settled(page);
    for (const name of panels) {
      const panel = page.locator(`[data-panel="${name}"]`);
      await expect(panel).toHaveAttribute('data-state', 'ready');
      const traces = await panel.locator('.js-plotly-plot').evaluate((chart: any) => chart.data.length);
      expect(traces).toBeGreaterThan(0);
      await expect(panel.locator('.summary')).not.toBeEmpty();
    }
    expect(problems).toEqual([]);
  });
}

test('a run of a classification has its curves and its confusion matrix', async ({ page, problems }) => {
  await open(page, '/run?search=penguins');
  await open(page, (await page.locator('main a[href^="/run/"]').first().getAttribute('href'))!);
  await settled(page);
  for (const name of ['folds', 'roc', 'precision_recall', 'confusion']) {
    await expect(page.locator(`[data-panel="${name}"]`)).toHaveAttribute('data-state', 'ready');
  }
  await expect(page.locator('[data-panel="measures"] tbody tr').first()).toContainText('Accuracy');
  expect(problems).toEqual([]);
});

test('more rows than marks are a raster over all rows', async ({ page, problems }) => {
  await open(page, '/data/17');
  await settled(page);
  const scatter = page.locator('[data-panel="scatter"]');
  await expect(scatter.locator('.provenance')).toContainText('336,776 rows');
  const images = await scatter.locator('.js-plotly-plot').evaluate((chart: any) => chart.layout.images.length);
  expect(images).toBe(1);
  expect(problems).toEqual([]);
});

test('boxes and violins have the quartiles of all values', async ({ page, problems }) => {
  await open(page, '/data/1');
  await settled(page);
  const panel = page.locator('[data-panel="distribution"]');
  await panel.scrollIntoViewIfNeeded();
  const boxes = () =>
    panel.locator('.js-plotly-plot').evaluate((element: any) =>
      element.data
        .filter((trace: any) => trace.type === 'box' && trace.yaxis === 'y2')
        .map(({ q1, median, q3, lowerfence, upperfence }: any) => [lowerfence, q1, median, q3, upperfence].flat().map((value) => Number(value.toPrecision(12)))),
    );
  await panel.locator('input[value="box"]').check();
  // Sepal lengths of the three species, as numpy has them.
  const expected = [
    [4.3, 4.8, 5, 5.2, 5.8],
    [4.9, 5.6, 5.9, 6.3, 7],
    [5.6, 6.225, 6.5, 6.9, 7.9],
  ];
  await expect.poll(boxes).toEqual(expected);
  // Three features of numbers, three species; all of them painted.
  await expect(panel.locator('.boxlayer path.box')).toHaveCount(9);
  await panel.locator('input[value="violin"]').check();
  await expect(panel.locator('.scatterlayer path.js-fill')).toHaveCount(9);
  await expect(panel.locator('.boxlayer path.box')).toHaveCount(9);
  expect(await boxes()).toEqual(expected);
  expect(problems).toEqual([]);
});

test('without scripts there are tables, numbers and first pictures', async ({ browser, server }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, baseURL: server.url });
  const page = await context.newPage();
  await page.goto('/data/6');
  await expect(page.locator('h1')).toHaveText('penguins');
  await expect(page.locator('[data-panel="features"] tbody tr')).toHaveCount(8);
  await expect(page.locator('[data-panel="scatter"] .picture svg')).toBeVisible();
  await expect(page.locator('[data-panel="scatter"] .summary')).toContainText('correlation');
  await page.goto('/task?search=iris');
  await expect(page.locator('tbody tr').first()).toContainText('iris');
  await context.close();
});

test('moving between pages needs no reload', async ({ page, problems }) => {
  await open(page, '/data');
  await page.evaluate(() => ((window as any).stays = true));
  await page.getByRole('link', { name: 'penguins' }).first().click();
  await expect(page.locator('h1')).toHaveText('penguins');
  await settled(page);
  await page.locator('[name="page.dataset"]').selectOption({ label: 'iris' });
  await expect(page.locator('h1')).toHaveText('iris');
  expect(await page.evaluate(() => (window as any).stays)).toBe(true);
  expect(problems).toEqual([]);
});

test('short and old addresses lead to the pages, unknown ids to a search', async ({ page }) => {
  for (const [from, to] of [['/d/6', '/data/6'], ['/t/6', '/task/6'], ['/f/3', '/flow/3'], ['/r/21', '/run/21'], ['/dashboard/data/6', '/data/6'], ['/dashboard/task', '/task']]) {
    await page.goto(from);
    expect(new URL(page.url()).pathname).toBe(to);
  }
  for (const path of ['/data/999999', '/run/none', '/nowhere']) {
    const response = await page.goto(path);
    expect(response?.status()).toBe(404);
    await expect(page.locator('#error-search')).toBeVisible();
  }
});

test('lists are searched and sorted in the address', async ({ page, problems }) => {
  await open(page, '/data');
  await page.locator('main input[name="search"]').fill('peng');
  await expect(page.locator('[data-list] tbody tr')).toHaveCount(1);
  expect(new URL(page.url()).search).toBe('?search=peng');
  await open(page, '/data?sort=-rows');
  await expect(page.locator('[data-list] tbody tr').first()).toContainText('nycflights');
  expect(problems).toEqual([]);
});

test('the twin of a chart is a table, and its CSV has all rows', async ({ page, problems }) => {
  await open(page, '/data/6');
  await settled(page);
  await page.locator('[data-panel="scatter"]').getByRole('button', { name: 'Table' }).click();
  await expect(page.locator('[data-panel="scatter"] .twin tbody tr').first()).toBeVisible();
  const csv = await (await page.request.get('/api/figures/data/6/scatter/csv')).text();
  expect(csv.trim().split('\r\n').length).toBe(343);
  expect(problems).toEqual([]);
});

test('a value in a link that a control does not have is not shown by it', async ({ page, problems }) => {
  await open(page, '/data/6?scatter.log_y=true&scatter.log_x=on&scatter.x=nothing');
  await settled(page);
  await expect(page.locator('[name="scatter.log_y"]')).not.toBeChecked();
  await expect(page.locator('[name="scatter.log_x"]')).toBeChecked();
  await expect(page.locator('[name="scatter.x"]')).not.toHaveValue('nothing');
  const types = await page.locator('[data-panel="scatter"] .js-plotly-plot').evaluate((chart: any) => [chart._fullLayout.xaxis.type, chart._fullLayout.yaxis.type]);
  expect(types).toEqual(['log', 'linear']);
  expect(problems).toEqual([]);
});

test('the figure API refuses what it does not know, and says what', async ({ page }) => {
  const wrong = await page.request.get('/api/figures/data/6/scatter?colour=x');
  expect(wrong.status()).toBe(400);
  expect((await wrong.json()).error).toContain('“colour” is not a control of scatter');
  const figure = await page.request.get('/api/figures/data/6/scatter?x=body_mass_g');
  const again = await page.request.get('/api/figures/data/6/scatter?x=body_mass_g', { headers: { 'if-none-match': figure.headers().etag } });
  expect(again.status()).toBe(304);
});

for (const scheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious (${scheme})`, async ({ page, problems }) => {
    await page.emulateMedia({ colorScheme: scheme });
    for (const path of PAGES) {
      await open(page, path);
      if (await page.locator('[data-panel]').count()) await settled(page);
      const { violations } = await new AxeBuilder({ page }).exclude('.js-plotly-plot').analyze();
      const serious = violations
        .filter((violation) => violation.impact === 'serious' || violation.impact === 'critical')
        .map((violation) => `${path} ${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 120)).join(' ')}`);
      expect(serious).toEqual([]);
    }
    expect(problems).toEqual([]);
  });
}
