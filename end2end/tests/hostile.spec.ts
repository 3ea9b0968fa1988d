import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, open, settled, test } from './labboard';

test('names from data are text, never markup', async ({ page, server, problems }) => {
  const name = '<img src=x onerror=alert(1)>';
  const rows = Array.from({ length: 40 }, (_, i) => `${i},${(i * 7) % 11},${i % 2 ? name : '<b>bold</b>'}`);
  const file = join(server.dir, 'hostile.csv');
  writeFileSync(file, `"${name}",b,"<script>alert(2)</script>"\n${rows.join('\n')}\n`);
  let alerts = 0;
  page.on('dialog', (dialog) => {
    alerts += 1;
    void dialog.dismiss();
  });
  await open(page, '/data');
  const path = /\/data\/\d+/.exec(server.run('import', file))?.[0];
  expect(path).toBeTruthy();
  // The open list hears of it without a reload.
  await expect(page.locator('[data-list] tbody')).toContainText('hostile');
  await open(page, path!);
  await settled(page);
  await expect(page.locator('[data-panel="features"] tbody')).toContainText(name);
  await expect(page.locator('[data-panel="scatter"]')).toHaveAttribute('data-state', 'ready');
  expect(await page.locator('main img').count()).toBe(0);
  expect(alerts).toBe(0);
  expect(problems).toEqual([]);
});

test('a broken file says where, and changes nothing', async ({ page, server }) => {
  const count = async () => (await (await page.request.get('/api/v1/json/data/list/status/all')).json()).data.dataset.length;
  const before = await count();
  const broken: [string, string | Buffer, RegExp][] = [
    ['quote.csv', 'a,b\n1,"2\n3,4\n', /quote\.csv: line 2, column 3/],
    ['value.arff', '@relation r\n@attribute c {red,green}\n@data\nred\nblu\n', /value\.arff: line 5, column 1.*blu/],
    ['cut.parquet', Buffer.from('PAR1 this was cut in half'), /cut\.parquet: /],
  ];
  for (const [name, content, message] of broken) {
    const file = join(server.dir, name);
    writeFileSync(file, content);
    let said = '';
    try {
      server.run('import', file);
    } catch (error: any) {
      expect(error.status).toBe(1);
      said = error.stderr;
    }
    expect(said).toMatch(message);
    expect(said.trim().split('\n').length).toBe(1);
  }
  expect(await count()).toBe(before);
});
