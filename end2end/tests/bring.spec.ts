import type { Page } from '@playwright/test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, open, settled, test } from './labboard';

/** Fifty rows; `grade` is written as a number and meant as a class. */
const rows = Array.from({ length: 50 }, (_, i) => ({ size: i / 2, colour: i % 3 ? 'red' : 'green', grade: i % 4 ? 1 : 0, code: 1000 + i }));
const csv = `size,colour,code,grade\n${rows.map((row) => `${row.size},${row.colour},${row.code},${row.grade}`).join('\n')}\n`;

/** Drops a file onto the page, as the file manager does. */
async function drop(page: Page, name: string, content: string) {
  const data = await page.evaluateHandle(
    ([name, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([content], name, { type: 'text/csv' }));
      return data;
    },
    [name, content],
  );
  await page.dispatchEvent('body', 'dragover', { dataTransfer: data });
  await expect(page.locator('.transfer')).toContainText('Drop it to add it');
  await page.dispatchEvent('body', 'drop', { dataTransfer: data });
}

test('a dropped file is previewed, corrected and added; its predictions become a run', async ({ page, server, problems }) => {
  await open(page, '/task');
  await drop(page, 'fruit.csv', csv);
  await expect(page.getByRole('heading', { name: 'Add fruit.csv' })).toBeVisible();
  await expect(page.locator('.head')).toContainText('50 rows, 4 features');
  const feature = (name: string) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
  await expect(feature('grade').getByRole('combobox')).toHaveValue('numeric');
  await expect(feature('colour')).toContainText('green, red');
  // A correction that cannot be: the form comes back, says where, and has lost nothing.
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('fruit-box');
  await page.getByLabel('Licence').fill('CC0');
  await feature('colour').getByRole('combobox').selectOption('numeric');
  await page.getByRole('button', { name: 'Add the dataset' }).click();
  await expect(page.getByRole('alert')).toContainText(/fruit\.csv: line 2.*green/);
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('fruit-box');
  await feature('colour').getByRole('combobox').selectOption('nominal');
  await feature('grade').getByRole('combobox').selectOption('nominal');
  await feature('code').getByRole('combobox').selectOption('string');
  await page.getByLabel('Target, to be predicted').selectOption('grade');
  await page.getByRole('button', { name: 'Add the dataset' }).click();
  await page.waitForURL(/\/data\/\d+$/);
  const data = /\d+$/.exec(page.url())![0];
  await settled(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('fruit-box');
  await expect(page.locator('.crumbs')).toContainText('CC0');
  const features = page.locator('[data-panel="features"] tbody');
  await expect(features.getByRole('row').filter({ hasText: 'grade' })).toContainText('target');
  await expect(features.getByRole('row').filter({ hasText: 'code' })).toContainText('string');

  // Predictions of ten rows, three of them wrong; the open page hears of the task that they make.
  const file = join(server.dir, 'predictions.csv');
  const predicted = rows.slice(0, 10).map((row, i) => `${i},${row.grade},${i < 3 ? 1 - row.grade : row.grade}`);
  writeFileSync(file, `row_id,y_true,y_pred\n${predicted.join('\n')}\n`);
  const said = server.run('publish', file, '--data', data, '--target', 'grade', '--flow', 'by hand', '--param', 'k=3');
  expect(said).toContain('predictive_accuracy 0.7000');
  await expect(page.locator('.related')).toContainText('1 run');
  await open(page, /\/run\/\d+/.exec(said)![0]);
  await settled(page);
  await expect(page.locator('main')).toContainText('by hand');
  await expect(page.locator('[data-panel="measures"] tbody')).toContainText('0.7');
  await expect(page.locator('[data-panel="setup"] tbody')).toContainText('k');
  // The same rows are the same task, and wrong truths are refused with their row.
  expect(server.run('publish', file, '--data', data, '--flow', 'by hand', '--param', 'k=4')).toContain(/task \d+/.exec(said)![0]);
  writeFileSync(file, `row_id,y_pred\n0,1\n1,maybe\n`);
  expect(() => server.run('publish', file, '--data', data, '--flow', 'by hand')).toThrow(/row 2: "maybe" .* none of the target's classes/);
  expect(problems).toEqual([]);
});

test('a broken file is refused with its place, and a wait can be ended', async ({ page }) => {
  await open(page, '/explore');
  await drop(page, 'broken.csv', 'a,b\n1,"2\n3,4\n');
  await expect(page.locator('.transfer')).toContainText('broken.csv: line 2, column 3');
  await page.getByRole('button', { name: 'Close' }).click();
  await expect(page.locator('.transfer')).toBeHidden();
  await drop(page, 'picture.png', 'x');
  await expect(page.locator('.transfer')).toContainText('picture.png: the ending is none of');
  await page.getByRole('button', { name: 'Close' }).click();
  // The server does not answer: the transfer is cancelled.
  await page.route('**/new/file', () => {});
  await drop(page, 'fruit.csv', csv);
  await expect(page.locator('.transfer')).toContainText('fruit.csv');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.locator('.transfer')).toBeHidden();
  expect(page.url()).toContain('/explore');
});

test('the ways in are on one page, with the key, also without scripts', async ({ page, server, browser }) => {
  await open(page, '/new');
  await expect(page.getByText('openml.config.apikey')).toContainText(/apikey = "[0-9a-f]{32}"/);
  await expect(page.getByText('openml.config.server')).toContainText(`${server.url}/api/v1/xml`);
  const context = await browser.newContext({ baseURL: server.url, javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto('/new');
  await plain.getByLabel('Table').setInputFiles({ name: 'plain.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await plain.getByRole('button', { name: 'Upload' }).click();
  await expect(plain.getByRole('heading', { name: 'Add plain.csv' })).toBeVisible();
  await plain.getByRole('button', { name: 'Throw it away' }).click();
  await expect(plain.getByRole('heading', { name: 'Bring in your data' })).toBeVisible();
  const late = await plain.request.post('/new/dataset', { form: { upload: 'thrown-away', name: 'late' } });
  expect(late.status()).toBe(404);
  expect(await late.text()).toContain('This file is not there any more');
  await context.close();
});
