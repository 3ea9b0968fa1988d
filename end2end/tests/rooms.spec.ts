// Several people at work in one room: what one does, the others see, and nobody is moved who does not want to be.
import type { Page } from '@playwright/test';
import { axes, expect, live, open, settled, test } from './labboard';

const PAGE = '/data/1';
const chart = (page: Page, panel = 'scatter') => page.locator(`[data-panel="${panel}"] .js-plotly-plot`);
const range = (page: Page, panel = 'scatter') =>
  chart(page, panel).evaluate((element: any) => [...element.layout.xaxis.range, ...element.layout.yaxis.range].map((end: number) => Number(end).toFixed(4)).join());
const control = (page: Page, name: string) => page.locator(`[name="${name}"]`);
const button = (page: Page, name: string) => page.locator('.room-bar').getByRole('button', { name, exact: true });

async function together(path: string, ...people: Page[]) {
  for (const someone of people) {
    await open(someone, path);
    await live(someone);
    await settled(someone);
    await someone.waitForSelector('[data-panel="scatter"] .host[data-drawn]');
  }
  for (const someone of people) await expect(someone.locator('[data-person]')).toHaveCount(people.length);
}

async function named(page: Page, name: string) {
  await page.locator('button[data-person].me').click();
  await page.locator('dialog [name="name"]').fill(name);
  await page.getByRole('button', { name: 'Save' }).click();
}

/** Drags over a part of the plot. */
async function drag(page: Page, from: [number, number], to: [number, number], panel = 'scatter', release = true) {
  const plot = (await chart(page, panel).locator('.nsewdrag').first().boundingBox())!;
  const at = ([x, y]: [number, number]) => [plot.x + plot.width * x, plot.y + plot.height * y] as const;
  await page.mouse.move(...at(from));
  await page.mouse.down();
  await page.mouse.move(...at(to), { steps: 6 });
  if (release) await page.mouse.up();
}

test('a pointer lands on the same point of the data, whatever the size of the screen', async ({ page, person }) => {
  const [other, phone] = [await person(), await person()];
  await phone.setViewportSize({ width: 390, height: 844 });
  await together(PAGE, page, other, phone);
  await named(page, 'Ada');
  const plot = (await chart(page).locator('.nsewdrag').boundingBox())!;
  const where = [plot.x + plot.width * 0.3, plot.y + plot.height * 0.6] as const;
  await page.mouse.move(...where, { steps: 3 });
  const sent = await chart(page).evaluate((element: any, [x, y]: readonly [number, number]) => {
    const box = element.getBoundingClientRect();
    const { xaxis, yaxis } = element._fullLayout;
    return [xaxis.p2l(x - box.left - xaxis._offset), yaxis.p2l(y - box.top - yaxis._offset)];
  }, where);
  for (const someone of [other, phone]) {
    await expect(someone.locator('.others [data-pointer] text')).toHaveText('Ada');
    const seen = await someone.locator('[data-panel="scatter"]').evaluate((panel) => {
      const element: any = panel.querySelector('.js-plotly-plot');
      const [x, y] = panel.querySelector('[data-pointer]')!.getAttribute('transform')!.match(/-?\d+/g)!.map(Number);
      const { xaxis, yaxis } = element._fullLayout;
      return [xaxis.p2l(x - xaxis._offset), yaxis.p2l(y - yaxis._offset), xaxis.p2l(1) - xaxis.p2l(0), yaxis.p2l(0) - yaxis.p2l(1)];
    });
    // Within a pixel of each screen.
    expect(Math.abs(seen[0] - sent[0])).toBeLessThanOrEqual(Math.abs(seen[2]));
    expect(Math.abs(seen[1] - sent[1])).toBeLessThanOrEqual(Math.abs(seen[3]));
  }
  // Who leaves takes the pointer along.
  await page.goto('about:blank');
  await expect(other.locator('.others [data-pointer]')).toHaveCount(0);
});

test('zoom, selection, legend, table and sorting are shared, in links, and undone', async ({ page, person }) => {
  const other = await person();
  await together(PAGE, page, other);
  const whole = await range(other);

  await drag(page, [0.2, 0.2], [0.6, 0.7], 'scatter', false);
  await expect(other.locator('.others polygon')).toHaveCount(1);
  await page.mouse.up();
  await expect(other.locator('.others polygon')).toHaveCount(0);
  await expect.poll(() => range(other)).not.toBe(whole);
  expect(await range(other)).toBe(await range(page));

  await page.getByRole('button', { name: 'Table', exact: true }).first().click();
  await expect(other.locator('[data-panel="scatter"] details')).toHaveAttribute('open', '');
  const head = page.locator('[data-panel="features"] th button').nth(2);
  await head.click();
  await head.click();
  await expect(other.locator('[data-panel="features"] th[aria-sort="descending"]')).toHaveCount(1);

  // A fresh visitor sees the same, and a link opens it on one's own.
  const third = await person();
  await open(third, PAGE);
  await settled(third);
  await third.waitForSelector('[data-panel="scatter"] .host[data-drawn]');
  await expect.poll(() => range(third)).toBe(await range(page));
  await button(page, 'On my own').click();
  const link = page.url();
  expect(link).toContain('scatter.zoom=');
  expect(link).toContain('scatter.twin=on');
  expect(link).toContain('features.sort=-');
  await button(page, 'Join the others').click();

  // One undo for each gesture.
  await page.locator('h1').click();
  for (let i = 0; i < 2; i++) await page.keyboard.press('Control+z');
  await expect(other.locator('[data-panel="features"] th[aria-sort="none"]').first()).toBeVisible();
  await expect(other.locator('[data-panel="features"] th[aria-sort="descending"]')).toHaveCount(0);
  await page.keyboard.press('Control+z');
  await expect(other.locator('[data-panel="scatter"] details')).not.toHaveAttribute('open', '');
  await page.keyboard.press('Control+z');
  await expect.poll(() => range(other)).toBe(whole);
  await page.keyboard.press('Control+Shift+z');
  await expect.poll(() => range(other)).not.toBe(whole);
  await chart(page).locator('.nsewdrag').dblclick();
  await expect.poll(() => range(other)).toBe(whole);
});

test('a selection is outlined in the colour of who made it', async ({ page, person }) => {
  const other = await person();
  await together('/data/2', page, other);
  await chart(page).hover();
  await chart(page).locator('[data-title="Box Select"]').click();
  await drag(page, [0.3, 0.3], [0.7, 0.7]);
  const selections = (someone: Page) => chart(someone).evaluate((element: any) => (element.layout.selections ?? []).map((shape: any) => [shape.type, shape.x0, shape.y1]));
  await expect.poll(() => selections(other)).toHaveLength(1);
  expect(await selections(other)).toEqual(await selections(page));
  const color = await other.locator('[data-person]:not(.me)').evaluate((avatar) => getComputedStyle(avatar).backgroundColor);
  await expect.poll(() => chart(other).evaluate((element: any) => element.layout.selections[0].line.color)).toBe(color);
});

test('two people change an axis and zoom at the same moment, and nobody sees nonsense', async ({ page, person }) => {
  const other = await person();
  await together('/data/3', page, other);
  const options = await control(page, 'scatter.x').locator('option').evaluateAll((options: any[]) => options.map((option) => option.value));
  await Promise.all([control(other, 'scatter.x').selectOption(options[6]), drag(page, [0.2, 0.2], [0.5, 0.6])]);
  for (const someone of [page, other]) {
    await expect(control(someone, 'scatter.x')).toHaveValue(options[6]);
    await expect.poll(async () => (await axes(someone, 'scatter')).split(' | ')[0]).toBe(options[6]);
  }
  // The zoom was made on the old axis: both see all of the new one, or both the zoom on it.
  const shown = () => Promise.all([page, other].map((someone) => range(someone)));
  await expect.poll(async () => new Set(await shown()).size).toBe(1);
});

test('undo leaves alone what somebody else has changed since, and says so', async ({ page, person }) => {
  const other = await person();
  await together('/data/6', page, other);
  const options = await control(page, 'scatter.color').locator('option').evaluateAll((options: any[]) => options.map((option) => option.value));
  await control(page, 'scatter.color').selectOption(options[2]);
  await expect(control(other, 'scatter.color')).toHaveValue(options[2]);
  await control(other, 'scatter.color').selectOption(options[3]);
  await expect(control(page, 'scatter.color')).toHaveValue(options[3]);
  await page.locator('h1').click();
  await page.keyboard.press('Control+z');
  await expect(page.locator('.notice')).toContainText('somebody has changed it since');
  await expect(control(page, 'scatter.color')).toHaveValue(options[3]);
  await expect(control(other, 'scatter.color')).toHaveValue(options[3]);
});

test('following somebody: their page, their panel and their view, until I act', async ({ page, person }) => {
  const [other, bystander] = [await person(), await person()];
  await together('/data/6', page, other, bystander);
  await named(page, 'Ada');
  await page.mouse.move(300, 300);
  await expect(other.locator('[data-person][title="Ada"]')).toBeVisible();
  await other.locator('[data-person][title="Ada"]').click();
  await expect(other.locator('.follow')).toContainText('Following Ada');

  await button(page, 'On my own').click();
  await control(page, 'scatter.x').selectOption('flipper_length_mm');
  await expect(control(other, 'scatter.x')).toHaveValue('flipper_length_mm');
  await expect.poll(async () => (await axes(other, 'scatter')).split(' | ')[0]).toBe('flipper_length_mm');
  await expect(control(bystander, 'scatter.x')).not.toHaveValue('flipper_length_mm');

  await page.locator('[data-panel="distribution"] h2').hover();
  await expect(other.locator('[data-panel="distribution"]')).toBeInViewport();

  await page.getByRole('link', { name: 'Explore' }).click();
  await expect(other).toHaveURL(/\/explore/);
  await expect(bystander).toHaveURL(/\/data\/6$/);
  await expect(other.locator('.follow')).toContainText('Following Ada');
  await other.keyboard.press('Escape');
  await expect(other.locator('.follow')).toHaveCount(0);
});

test('bringing everyone here is an offer', async ({ page, person }) => {
  const [willing, unwilling] = [await person(), await person()];
  await together('/data/6', page, willing, unwilling);
  await button(page, 'On my own').click();
  await control(page, 'scatter.y').selectOption('body_mass_g');
  await button(page, 'Bring everyone here').click();
  await willing.getByRole('button', { name: 'Go there' }).click();
  await unwilling.getByRole('button', { name: 'Not now' }).click();
  await expect(control(willing, 'scatter.y')).toHaveValue('body_mass_g');
  await expect(control(unwilling, 'scatter.y')).not.toHaveValue('body_mass_g');
});
