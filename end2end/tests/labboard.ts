// The server under test, and pages that fail their test on a console error, a violation of the
// content security policy or a request to another origin.
import { test as base, expect, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Server {
  url: string;
  dir: string;
  /** Runs a command of labboard on the server's data directory. */
  run(...args: string[]): string;
}

const binary = process.env.LABBOARD_BIN ?? join(__dirname, '../../target/debug/labboard');

/** Starts a server of its own, with the demo unless the flags say otherwise. */
export async function start(...flags: string[]): Promise<Server & { stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'labboard-e2e-'));
  const portFile = join(dir, 'port');
  const data = join(dir, 'data');
  const child = spawn(binary, ['serve', '--addr', '127.0.0.1:0', '--data-dir', data, '--port-file', portFile, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await expect.poll(() => existsSync(portFile) || child.exitCode !== null, { timeout: 60_000 }).toBe(true);
  const url = `http://127.0.0.1:${readFileSync(portFile, 'utf8')}`;
  await expect.poll(async () => (await fetch(`${url}/health`)).status, { timeout: 10_000 }).toBe(200);
  return {
    url,
    dir,
    run: (...args) => execFileSync(binary, [...args, '--data-dir', data], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Watches a page; `problems` lists what must not happen. */
export function watch(page: Page, server: Server, problems: string[]) {
  page.on('console', (message) => {
    // Chromium itself reports requests that fail while a test has taken the network away.
    if (message.text().includes('ERR_INTERNET_DISCONNECTED')) return;
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(server.url) && !/^(data|blob):/.test(url)) problems.push(`foreign request: ${url}`);
  });
}

async function watched(page: Page, server: Server, use: (problems: string[]) => Promise<void>) {
  const problems: string[] = [];
  watch(page, server, problems);
  await use(problems);
  expect(problems).toEqual([]);
}

export const test = base.extend<{ problems: string[]; person: () => Promise<Page> }, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await start();
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ server }, use) => use(server.url),
  problems: async ({ page, server }, use) => watched(page, server, use),
  /** Opens a browser of another person. */
  person: async ({ browser, server, problems }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1280, height: 900 } });
      contexts.push(context);
      const page = await context.newPage();
      watch(page, server, problems);
      return page;
    });
    for (const context of contexts) await context.close();
  },
});

/** A test with a server of its own, without the demo, whose page is watched. */
export const alone = test.extend<{ own: Server; watching: void }>({
  own: async ({}, use) => {
    const own = await start('--no-demo');
    await use(own);
    await own.stop();
  },
  baseURL: async ({ own }, use) => use(own.url),
  watching: [async ({ page, own }, use) => watched(page, own, () => use()), { auto: true }],
});

/** Opens a page and waits until its handlers are attached. */
export async function open(page: Page, path: string) {
  const response = await page.goto(path);
  await page.waitForSelector('html[data-hydrated="true"]', { state: 'attached' });
  return response;
}

/** Waits until no panel loads, and every chart has been drawn. */
export async function settled(page: Page) {
  await page.waitForFunction(() => {
    const panels = [...document.querySelectorAll<HTMLElement>('[data-panel]')];
    return panels.length > 0 && panels.every((panel) => panel.dataset.state !== 'loading');
  });
}

/** Waits until the socket is in its room. */
export async function live(page: Page) {
  await page.waitForSelector('[data-room="live"]');
}

/** A place in the plot area of a chart, in shares of it from the left and the top, in pixels of the window. */
export async function place(chart: Locator, [x, y]: number[]) {
  const box = (await chart.locator('.nsewdrag').first().boundingBox())!;
  return [box.x + x * box.width, box.y + y * box.height] as const;
}

/** Drags from one place in the plot area to the next. */
export async function drag(chart: Locator, [first, ...rest]: number[][]) {
  const { mouse } = chart.page();
  await mouse.move(...(await place(chart, first)));
  await mouse.down();
  for (const corner of rest) await mouse.move(...(await place(chart, corner)), { steps: 4 });
  await mouse.up();
}

/** The titles of a chart's axes. */
export function axes(page: Page, panel: string) {
  return page.locator(`[data-panel="${panel}"] .js-plotly-plot`).evaluate((chart: any) => {
    const title = (axis: any) => axis?.title?.text ?? '';
    return `${title(chart.layout.xaxis)} | ${title(chart.layout.yaxis)}`;
  });
}

export { expect };
