// Classes are called what people call them.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alone, expect, open, settled } from './labboard';

const CLASSES = ['<=50K', '>50K', 'a,b #1.c', "d'e [f] 2,511"];

alone('a class may have any name: its marks come and go', async ({ page, own }) => {
  const rows = Array.from({ length: 80 }, (_, i) => `${i % 9},${(i * 7) % 11},"${CLASSES[i % CLASSES.length]}"`);
  const file = join(mkdtempSync(join(tmpdir(), 'names-')), 'names.csv');
  writeFileSync(file, ['x,y,class', ...rows].join('\n'));
  const path = own.run('import', '--target', 'class', file).match(/\/data\/\d+/)![0];
  await open(page, path);
  await settled(page);
  const panel = page.locator('[data-panel="scatter"]');
  const names = () => panel.locator('.js-plotly-plot').evaluate((chart: any) => chart._fullData.map((trace: any) => trace.name));
  await panel.locator('.host[data-drawn]').waitFor();
  expect(await names()).toHaveLength(CLASSES.length);
  // plotly.js looks for what belonged to a trace that goes, by its name.
  for (const [colour, count] of [['', 1], ['class', CLASSES.length], ['x', 1]] as const) {
    await panel.locator('select[name="scatter.color"]').selectOption(colour);
    await expect.poll(async () => (await names()).length).toBe(count);
    await expect(panel).toHaveAttribute('data-state', 'ready');
  }
});
