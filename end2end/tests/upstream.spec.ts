import { createServer, connect, type Server as TcpServer, type Socket } from 'node:net';
import { expect, settled, start, test, watch } from './labboard';

/** A way to the upstream that can be slow, or cut connections after some bytes of an answer. */
class Way {
  slow = false;
  cutAfter = Infinity;
  private constructor(private server: TcpServer, readonly url: string) {}

  static async to(target: string): Promise<Way> {
    const { hostname, port } = new URL(target);
    let way: Way;
    const server = createServer((client: Socket) => {
      const upstream = connect(Number(port), hostname);
      let passed = 0;
      client.pipe(upstream);
      upstream.on('data', (chunk) => {
        passed += chunk.length;
        if (passed > way.cutAfter) {
          client.destroy();
          upstream.destroy();
          return;
        }
        client.write(chunk);
        if (way.slow) {
          upstream.pause();
          setTimeout(() => upstream.resume(), 60);
        }
      });
      upstream.on('end', () => client.end());
      for (const [end, other] of [[client, upstream], [upstream, client]]) {
        end.on('error', () => other.destroy());
        end.on('close', () => other.destroy());
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address() as { port: number };
    way = new Way(server, `http://127.0.0.1:${address.port}`);
    return way;
  }

  close() {
    this.server.close();
  }
}

test('a dataset comes from the upstream while somebody watches, and again when it breaks off', async ({ page, server }) => {
  const way = await Way.to(server.url);
  const lab = await start('--upstream', way.url);
  const unexpected: string[] = [];
  watch(page, lab, unexpected);
  try {
    way.cutAfter = 300_000;
    await page.goto(`${lab.url}/data/15`);
    await page.waitForSelector('html[data-hydrated="true"]', { state: 'attached' });
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(/dataset 15.* from http:\/\/127\.0\.0\.1/);
    await expect(page.getByRole('alert')).toHaveText(/closed the connection after .* of the 1\.3 MB of the table of data\/15/);
    way.cutAfter = Infinity;
    way.slow = true;
    await page.getByRole('button', { name: 'Retry' }).click();
    await expect(page.getByRole('status').filter({ hasText: 'the table of data/15' })).toBeVisible();
    await expect.poll(async () => Number(await page.getByRole('progressbar').getAttribute('value'))).toBeGreaterThan(0);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('alert')).toHaveText(/cancelled/);
    way.slow = false;
    await page.getByRole('button', { name: 'Retry' }).click();
    // The same page becomes the dataset's.
    await expect(page.locator('[data-panel="features"]')).toBeVisible({ timeout: 30_000 });
    await settled(page);
    // Its tasks come by themselves.
    await expect(page.locator('[data-gathering="true"]')).toHaveCount(0, { timeout: 60_000 });
    const theirs = await page.request.get(`${server.url}/data/15`);
    const tasks = /<dt>tasks(?:<!>)?<\/dt><dd>(\d+)/.exec(await theirs.text())?.[1];
    await expect(page.locator('.facts')).toContainText(`tasks${tasks}`);
  } finally {
    way.close();
    await lab.stop();
  }
  // The first answer says that the dataset did not come.
  expect(unexpected.filter((problem) => !/status of 502/.test(problem))).toEqual([]);
});

test('what nobody has is not found, without a fetching page in between', async ({ page, server }) => {
  const lab = await start('--upstream', server.url);
  try {
    expect((await page.goto(`${lab.url}/task/999999`))?.status()).toBe(404);
    await expect(page.getByText('neither here nor at')).toBeVisible();
  } finally {
    await lab.stop();
  }
});

test('without scripts the page loads again by itself', async ({ browser, server }) => {
  const way = await Way.to(server.url);
  way.slow = true;
  const lab = await start('--upstream', way.url);
  const context = await browser.newContext({ javaScriptEnabled: false });
  try {
    const page = await context.newPage();
    expect((await page.goto(`${lab.url}/data/15`))?.status()).toBe(202);
    // Not by its text: getByText does not look into <noscript>.
    await expect(page.locator('noscript p')).toBeVisible();
    way.slow = false;
    await expect(page.locator('[data-panel="features"]')).toBeVisible({ timeout: 30_000 });
  } finally {
    await context.close();
    way.close();
    await lab.stop();
  }
});
