// What people say about a page and keep of it: comments, saved views, the history, private rooms, embedded pages.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { axes, drag, expect, live, open, settled, start, test } from './labboard';

const bar = (page: Page, name: string | RegExp) => page.locator('.room-bar > button').filter({ hasText: name });
const drawer = (page: Page) => page.locator('.drawer');
const threads = (page: Page) => page.locator('#drawer-comments article');
const drawn = (page: Page, panel = 'scatter') => page.waitForSelector(`[data-panel="${panel}"] .host[data-drawn]`);
const control = (page: Page, name: string) => page.locator(`[name="${name}"]`);

async function enter(page: Page, path: string) {
  await open(page, path);
  await live(page);
  await settled(page);
  await drawn(page);
}

async function named(page: Page, name: string) {
  await page.locator('button[data-person].me').click();
  await page.locator('dialog [name="name"]').fill(name);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
}

async function say(page: Page, text: string) {
  const form = page.locator('#drawer-comments [data-typing="new"]');
  await form.locator('textarea').fill(text);
  await form.getByRole('button', { name: 'Comment' }).click();
  await expect(threads(page).filter({ hasText: text })).toHaveCount(1);
}

/** The first mark of a chart in pixels of the window. */
const mark = (page: Page, at: number, panel = 'scatter') =>
  page.locator(`[data-panel="${panel}"] .js-plotly-plot`).evaluate((element: any, at) => {
    const box = element.getBoundingClientRect();
    const trace = element._fullData.find((trace: any) => trace.customdata?.length > at);
    const { xaxis, yaxis } = element._fullLayout;
    return [box.left + xaxis._offset + xaxis.l2p(xaxis.d2l(trace.x[at])), box.top + yaxis._offset + yaxis.l2p(yaxis.d2l(trace.y[at]))];
  }, at);

test('comments: threads, mentions, typing, settled and opened again, edited and deleted by their author only', async ({ page, person }) => {
  const other = await person();
  await enter(page, '/data/1');
  await enter(other, '/data/1');
  await named(page, 'Ada');
  await named(other, 'Ben');
  await bar(page, 'Comments').click();
  await say(page, 'What is `petal_width` here, @Ben? <img src=x onerror=alert(1)> https://example.org/a.');
  await expect(bar(other, /Comments/)).toContainText('1');
  await expect(other.locator('.notice')).toContainText('mentioned you');
  await bar(other, /Comments/).click();
  const seen = threads(other).first();
  await expect(seen.locator('code')).toHaveText('petal_width');
  await expect(seen.locator('img')).toHaveCount(0);
  await expect(seen.locator('a[href="https://example.org/a"]')).toHaveAttribute('rel', /noopener/);
  await expect(bar(other, /Comments/)).not.toContainText('1');

  await seen.locator('textarea').first().fill('A width');
  await expect(threads(page).first()).toContainText('Ben is typing');
  await seen.getByRole('button', { name: 'Answer' }).click();
  await expect(threads(page).first().locator('.comment')).toHaveCount(2);
  await expect(threads(page).first()).toContainText('A width');
  await expect(threads(page).first()).not.toContainText('is typing');

  // Ben's own comment has an edit, Ada's has none for him.
  await expect(seen.locator('.comment').nth(0).locator('.own')).toHaveCount(0);
  const mine = seen.locator('.comment').nth(1);
  await mine.locator('summary').click();
  await mine.locator('textarea').fill('A width in cm');
  await mine.getByRole('button', { name: 'Save' }).click();
  await expect(threads(page).first()).toContainText('A width in cm');
  await expect(threads(page).first()).toContainText('(edited)');

  await threads(page).first().getByRole('button', { name: 'Settle' }).click();
  await expect(seen).toContainText('Settled by Ada');
  await seen.getByRole('button', { name: 'Open again' }).click();
  await expect(threads(page).first()).not.toContainText('Settled');
  await seen.locator('.comment').nth(1).locator('summary').click();
  await seen.locator('.comment').nth(1).getByRole('button', { name: 'Delete' }).click();
  await expect(threads(page).first().locator('.comment')).toHaveCount(1);
});

test('a comment stays with its mark and its row through sorting, zooming and other axes', async ({ page, person }) => {
  const other = await person();
  await enter(page, '/data/2');
  await enter(other, '/data/2');
  await bar(page, 'Comments').click();
  await page.getByRole('button', { name: 'Point at something' }).click();
  const [x, y] = await mark(page, 7);
  await page.mouse.click(x, y);
  await expect(page.locator('#drawer-comments [data-anchor]')).toContainText('mark');
  await say(page, 'This one');
  const pin = other.locator('[data-panel="scatter"] .pin');
  await expect(pin).toHaveCount(1);
  const off = async (someone: Page) => {
    const thread = Number(await threads(someone).first().getAttribute('data-mark'));
    return someone.locator('[data-panel="scatter"]').evaluate((panel, id) => {
      const element: any = panel.querySelector('.js-plotly-plot');
      const { xaxis, yaxis } = element._fullLayout;
      const trace = element._fullData.find((trace: any) => trace.customdata && [...trace.customdata].some((own: any) => (own[0] ?? own) === id));
      const at = [...trace.customdata].findIndex((own: any) => (own[0] ?? own) === id);
      const pin = panel.querySelector<HTMLElement>('.pin')!;
      return Math.hypot(parseFloat(pin.style.left) - xaxis._offset - xaxis.l2p(xaxis.d2l(trace.x[at])), parseFloat(pin.style.top) - yaxis._offset - yaxis.l2p(yaxis.d2l(trace.y[at])));
    }, thread);
  };
  await expect.poll(() => off(other)).toBeLessThan(2);
  // Other axes: the mark is elsewhere, and the pin with it.
  const options = await control(page, 'scatter.x').locator('option').evaluateAll((options: any[]) => options.map((option) => option.value));
  await control(page, 'scatter.x').selectOption(options[3]);
  await expect.poll(async () => (await axes(other, 'scatter')).split(' | ')[0]).toBe(options[3]);
  await expect.poll(() => off(other)).toBeLessThan(2);

  await page.getByRole('button', { name: 'Point at something' }).click();
  const row = page.locator('[data-panel="features"] tbody tr').nth(3);
  const name = (await row.locator('th').textContent())!.trim();
  await row.locator('th').click();
  await say(page, 'And this feature');
  const marked = other.locator('[data-panel="features"] tr[data-pin] th');
  await expect(marked).toHaveText(name);
  await page.locator('[data-panel="features"] th button').first().click();
  await page.locator('[data-panel="features"] th button').first().click();
  await expect(other.locator('[data-panel="features"] th[aria-sort="descending"]')).toHaveCount(1);
  await expect(marked).toHaveText(name);

  // A pin opens its thread; the thread's address opens the view in which it was written.
  await pin.click();
  await expect(drawer(other)).toBeVisible();
  const link = await threads(other).filter({ hasText: 'This one' }).locator('.about a').getAttribute('href');
  const third = await person();
  await open(third, link!);
  await third.waitForSelector('[data-room="own"]');
  await expect(threads(third).filter({ hasText: 'This one' })).toBeVisible();
  await expect(control(third, 'scatter.x')).not.toHaveValue(options[3]);
});

test('a saved view, opened in a fresh browser, is the view that was saved', async ({ page, person, server }) => {
  await enter(page, '/data/6');
  await control(page, 'scatter.x').selectOption('flipper_length_mm');
  await control(page, 'scatter.color').selectOption('sex');
  await page.locator('[data-panel="features"] th button').nth(1).click();
  await drag(page.locator('[data-panel="scatter"] .js-plotly-plot'), [[0.2, 0.2], [0.7, 0.8]]);
  await bar(page, 'Views').click();
  await drawer(page).locator('[name="name"]').fill('Long flippers');
  await drawer(page).getByRole('button', { name: 'Save this view' }).click();
  const path = await drawer(page).getByRole('link', { name: 'Long flippers' }).getAttribute('href');
  expect(path).toMatch(/^\/v\/[a-z0-9]{7}$/);
  const shown = (someone: Page) =>
    someone.evaluate(() => {
      const element: any = document.querySelector('[data-panel="scatter"] .js-plotly-plot');
      const names = [...document.querySelectorAll<HTMLSelectElement>('select[name*="."]')].map((select) => `${select.name}=${select.value}`);
      const sorted = [...document.querySelectorAll('th[aria-sort]')].map((head) => head.getAttribute('aria-sort'));
      return JSON.stringify([names, sorted, [...element.layout.xaxis.range, ...element.layout.yaxis.range].map((end: number) => Number(end).toFixed(6))]);
    });
  const saved = await shown(page);
  // The others go on.
  await page.locator('.room-bar').getByRole('button', { name: 'Reset view' }).click();
  await expect.poll(() => shown(page)).not.toBe(saved);
  const fresh = await person();
  await fresh.goto(path!);
  await fresh.waitForSelector('[data-room="own"]');
  await drawn(fresh);
  await expect.poll(() => shown(fresh)).toBe(saved);

  // Replaced and deleted by who saved it, and by nobody else.
  const code = path!.split('/').pop()!;
  const foreign = await fetch(`${server.url}/_room/delete-view`, { method: 'POST', body: new URLSearchParams({ room: '/data/6', code }) });
  expect(foreign.status).toBe(403);
  await drawer(page).getByRole('button', { name: 'Delete' }).click();
  await expect(drawer(page)).toContainText('No view has been saved');
  expect((await fetch(`${server.url}${path}`, { redirect: 'manual' })).status).toBe(404);
});

test('the history says who changed what, and any moment can be restored', async ({ page, person }) => {
  const other = await person();
  await enter(page, '/data/7');
  await enter(other, '/data/7');
  await named(other, 'Ben');
  const options = await control(other, 'scatter.y').locator('option').evaluateAll((options: any[]) => options.map((option) => option.value));
  await control(other, 'scatter.y').selectOption(options[2]);
  await expect(control(page, 'scatter.y')).toHaveValue(options[2]);
  await control(page, 'scatter.y').selectOption(options[3]);
  await expect(control(other, 'scatter.y')).toHaveValue(options[3]);
  await bar(page, 'History').click();
  const entry = drawer(page).locator('li').filter({ hasText: `y = ${options[2]}` });
  await expect(entry).toContainText('Ben');
  await entry.getByRole('button', { name: 'Restore' }).click();
  for (const someone of [page, other]) await expect(control(someone, 'scatter.y')).toHaveValue(options[2]);
});

test('a private room is shared by its link and by nothing else', async ({ page, person }) => {
  const [guest, stranger] = [await person(), await person()];
  await enter(page, '/data/1');
  await enter(stranger, '/data/1');
  await bar(page, 'Private room').click();
  await page.waitForURL(/room=team-/);
  await live(page);
  await enter(guest, page.url());
  await expect(page.locator('[data-person]')).toHaveCount(2);
  const options = await control(page, 'scatter.x').locator('option').evaluateAll((options: any[]) => options.map((option) => option.value));
  await control(page, 'scatter.x').selectOption(options[3]);
  await expect(control(guest, 'scatter.x')).toHaveValue(options[3]);
  await expect(control(stranger, 'scatter.x')).not.toHaveValue(options[3]);
  await expect(stranger.locator('[data-person]')).toHaveCount(1);
  // On one's own and back, the address stays that of the room.
  await bar(page, 'On my own').click();
  await expect(page).toHaveURL(/room=team-/);
});

test('an embedded panel is alive, in the sites that may embed it', async ({ page }) => {
  const site = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<iframe src="${new URL(request.url!, 'http://x').searchParams.get('url')}" width="700" height="560"></iframe>`);
  });
  await new Promise<void>((ready) => site.listen(0, '127.0.0.1', ready));
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  const allowing = await start('--frame-ancestors', origin);
  try {
    await page.goto(`${origin}/?url=${encodeURIComponent(`${allowing.url}/data/1?embed=1&panel=scatter`)}`);
    const frame = page.frameLocator('iframe');
    await expect(frame.locator('[data-panel="scatter"] .host[data-drawn]')).toBeVisible();
    await expect(frame.locator('[data-panel]')).toHaveCount(1);
    await expect(frame.locator('header.top')).toBeHidden();
    const other = await page.context().newPage();
    await open(other, `${allowing.url}/data/1`);
    await live(other);
    await settled(other);
    const options = await control(other, 'scatter.x').locator('option').evaluateAll((options: any[]) => options.map((option) => option.value));
    await control(other, 'scatter.x').selectOption(options[3]);
    await expect(frame.locator('[name="scatter.x"]')).toHaveValue(options[3]);
    const policy = (await fetch(`${allowing.url}/data/1`)).headers.get('content-security-policy');
    expect(policy).toContain(`frame-ancestors ${origin}`);
  } finally {
    await allowing.stop();
    site.close();
  }
});

test('every control of every panel is in the room, in links and in the undo history', async ({ page, person }) => {
  test.setTimeout(180_000);
  const other = await person();
  for (const path of ['/data/1', '/task/3', '/flow/3', '/run/21']) {
    await open(page, path);
    await open(other, path);
    for (const someone of [page, other]) {
      await live(someone);
      await settled(someone);
    }
    const state = (someone: Page) =>
      someone.evaluate(() => {
        const values = [...document.querySelectorAll<HTMLInputElement | HTMLSelectElement>('[data-panel] [name*="."]')].map((field) => {
          const on = 'checked' in field && ['radio', 'checkbox'].includes(field.type) ? field.checked : '';
          return `${field.name}=${field.value}${on}`;
        });
        const tables = [...document.querySelectorAll('[data-panel]')].map((panel) => {
          const sorts = [...panel.querySelectorAll('th[aria-sort]')].map((head) => head.getAttribute('aria-sort'));
          return [panel.querySelector('details.twin')?.hasAttribute('open'), sorts.filter((sort) => sort !== 'none')];
        });
        return JSON.stringify([values.sort(), tables]);
      });
    const names = await page.evaluate(() => [...new Set([...document.querySelectorAll<HTMLInputElement>('[data-panel] [name*="."]')].map((field) => field.name))]);
    const looks = await page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('[data-panel]')].flatMap((panel) => {
        const name = panel.dataset.panel!;
        return [...(panel.querySelector('details.twin') ? [`${name}.twin`] : []), ...(panel.querySelector(':scope > .scroll th button') ? [`${name}.sort`] : [])];
      }),
    );
    expect(names.length + looks.length, path).toBeGreaterThan(1);
    for (const name of [...names, ...looks]) {
      const before = await state(page);
      await expect.poll(() => state(other), { message: `${path} ${name} before` }).toBe(before);
      const turned = await page.evaluate((name) => {
        const [owner, kind] = name.split('.');
        const panel = document.querySelector(`[data-panel="${owner}"]`);
        if (kind === 'twin') return panel!.querySelector<HTMLElement>('.tools button')!.click(), true;
        if (kind === 'sort') return panel!.querySelector<HTMLElement>(':scope > .scroll th button')!.click(), true;
        const fields = [...document.querySelectorAll<HTMLInputElement | HTMLSelectElement>(`[data-panel] [name="${name}"]`)];
        const field = fields[0];
        if (field instanceof HTMLSelectElement) {
          const next = [...field.options].find((option) => option.value !== field.value);
          if (!next) return false;
          field.value = next.value;
          return field.dispatchEvent(new Event('change', { bubbles: true })), true;
        }
        const next = (fields as HTMLInputElement[]).find((field) => field.type === 'checkbox' || !field.checked);
        return next ? (next.click(), true) : false;
      }, name);
      if (!turned) continue;
      await expect.poll(() => state(page), { message: `${path} ${name} turned` }).not.toBe(before);
      const now = await state(page);
      await expect.poll(() => state(other), { message: `${path} ${name} in the room` }).toBe(now);
      await bar(page, 'On my own').click();
      expect(new URL(page.url()).searchParams.has(name), `${path} ${name} in the link`).toBe(true);
      await bar(page, 'Join the others').click();
      await page.locator('h1').click();
      await page.keyboard.press('Control+z');
      await expect.poll(() => state(other), { message: `${path} ${name} undone` }).toBe(before);
    }
  }
});
