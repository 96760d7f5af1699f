import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, openBrowser, PAGE_MS, Watched } from '../support/browser.ts';
import { HOSTILE } from '../support/fake-devices.ts';
import { FakeGateway, TOKEN } from '../support/fake-gateway.ts';
import { until } from '../support/rabbit.ts';

/** No task of the page may be longer: a bound of the product. */
const MOST_TASK_MS = 200;
/** All tasks of one update of 200 rows (there are five or more), with layout and painting, in processor time. */
const MOST_UPDATE_MS = 400;
const UPDATES = 8;

/** Each view, and what it shows once it is filled. */
const VIEWS: readonly (readonly [hash: string, selector: string, text: string])[] = [
  ['#/', '.ledger', 'Ledger balanced'],
  ['#/devices', 'tbody tr', 'plant-00/pump-00000'],
  ['#/devices/plant-00%2Fpump-00000', '.facts', '18446744073709551615'],
  ['#/tap', '.tap li', 'DECODE_INVALID'],
  ['#/letters', 'tbody tr', 'NO_ROUTE'],
  ['#/letters/01J9ZK3V6M-4', '.facts', '01J9ZK3V6M-4'],
  ['#/config', '.problems', 'best-effort'],
];

describe.skipIf(!CHROMIUM)('the console in a browser', { timeout: 600_000 }, () => {
  let browser: Browser;
  let gateway: FakeGateway;
  let watched: Watched;

  beforeAll(async () => {
    browser = await openBrowser();
  }, PAGE_MS);

  afterAll(async () => {
    await browser?.close();
  });

  beforeEach(async () => {
    gateway = new FakeGateway();
    await gateway.start();
    watched = await Watched.open(browser, gateway.url);
    await watched.shows('.top .chip', 'Ready');
  }, 2 * PAGE_MS);

  afterEach(async () => {
    await watched?.close();
    await gateway?.stop();
  });

  it('is well built in each view: for assistive technology in both themes, on a phone, and by its own policy', async () => {
    const found: object[] = [];
    for (const [hash, selector, text] of VIEWS) {
      await watched.go(hash);
      await watched.shows(selector, text);
      for (const colorScheme of ['light', 'dark'] as const) {
        await watched.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        found.push(...(await watched.axe()).map((finding) => ({ hash, colorScheme, ...finding })));
      }
      await watched.page.setViewportSize({ width: 360, height: 740 });
      const width = await watched.value<number>('document.documentElement.scrollWidth');
      if (width > 360) found.push({ hash, width });
      await watched.page.setViewportSize({ width: 1280, height: 900 });
    }
    expect(found).toEqual([]);
    expect(await watched.wrongs()).toEqual([]);
  });

  it('shows what devices call themselves, and obeys none of it', async () => {
    const name = encodeURIComponent(HOSTILE);
    const places: readonly (readonly [string, string])[] = [
      ['#/', '.summary a'],
      ['#/devices', 'tbody th'],
      ['#/devices', '.value-is'],
      [`#/devices/${name}`, 'h1'],
      ['#/tap', '.tap-topic'],
      ['#/letters', 'tbody td'],
      ['#/letters/01J9ZK3V6M-0', '.bar'],
      [`#/tap?topic=${name}`, '.tap-topic'],
    ];
    for (const [hash, selector] of places) {
      await watched.go(hash);
      // As text, and nothing of it as an element.
      await watched.shows(selector, HOSTILE);
      expect(await watched.value('typeof window.taken')).toBe('undefined');
      expect(await watched.value('document.querySelectorAll("main img, main script, main iframe").length')).toBe(0);
    }
    // The page itself could not, even by mistake.
    expect(await watched.value("(() => { try { document.body.innerHTML = '<b>x</b>'; return 'written'; } catch (error) { return error.name; } })()")).toBe(
      'TypeError',
    );
  });

  it('stays quick with ten thousand devices that all change each second', async () => {
    await watched.go('#/devices?limit=200&sort=lastSeen&order=desc');
    await watched.shows('.found', '10,000 devices');
    const cdp = await watched.page.context().newCDPSession(watched.page);
    // Processor time of the main thread: what other processes take away from it is not the page's.
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    const read = async (): Promise<{ updates: number; ms: number }> => {
      const { metrics } = await cdp.send('Performance.getMetrics');
      return { updates: await watched.value<number>('window.seen.updates'), ms: (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1000 };
    };
    // The first rows are made, and from then on written over.
    await watched.value('window.seen.next().then(() => window.seen.next()).then(() => { window.seen.longest = 0; window.seen.longTasks = []; })');
    let before = await read();
    let most = 0;
    for (let i = 0; i < UPDATES; i += 1) {
      await watched.value('window.seen.next()');
      const after = await read();
      most = Math.max(most, (after.ms - before.ms) / (after.updates - before.updates));
      before = after;
    }
    const clock = await watched.value<{ longest: number; longTasks: number[] }>('({ longest: window.seen.longest, longTasks: window.seen.longTasks })');
    console.log(
      `200 rows each second: at most ${most.toFixed(0)} ms of processor time an update; by the clock, script ${clock.longest.toFixed(0)} ms, long tasks ${JSON.stringify(clock.longTasks)}`,
    );
    // Long tasks by the clock also hold what other processes took, so they are told and not judged; the page's own are.
    expect(clock.longest).toBeGreaterThan(0);
    expect(clock.longest).toBeLessThan(MOST_TASK_MS);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(MOST_UPDATE_MS);
    // Searching is the server's work.
    await watched.page.getByLabel('Search').fill('pump-00777');
    await watched.shows('.found', '1 of 10,000 devices');
    await until('the row', async () => (await watched.page.locator('tbody tr').count()) === 1, PAGE_MS);
  });

  it('keeps rows in place under the pointer', async () => {
    await watched.go('#/devices?sort=lastSeen&order=desc');
    const first = watched.page.locator('tbody th a').first();
    await first.waitFor();
    await watched.page.locator('tbody tr').first().hover();
    await watched.shows('.bar .chip', 'order held');
    const before = await first.textContent();
    await watched.becomes('three more updates', `window.seen.updates > ${(await watched.value<number>('window.seen.updates')) + 3}`);
    expect(await first.textContent()).toBe(before);
    await watched.page.mouse.move(5, 5);
    await until('the order goes on', async () => (await first.textContent()) !== before, PAGE_MS);
  });

  it('says at once that the gateway or its broker is away, keeps what it knew, and recovers by itself', async () => {
    const { page } = watched;
    gateway.broker = false;
    await watched.shows('.banner', 'The broker is away');
    await watched.shows('.banner li', 'ECONNREFUSED');
    await watched.shows('[aria-live]', 'The broker is away');
    await watched.shows('.box.source', 'connecting');
    gateway.broker = true;
    await watched.becomes('no banner', "document.querySelector('.banner').hidden");
    await gateway.stop();
    await watched.shows('.banner', /does not answer.*What you see is \d+ m?s old/);
    await watched.shows('[aria-live]', 'The gateway does not answer.');
    await page.locator('main.stale').waitFor();
    expect(await page.locator('.tile').first().textContent()).toMatch(/Received[\d,.]+k?\/s/);
    await gateway.start();
    await watched.shows('.top .chip', 'Ready');
    await watched.becomes('no banner', "document.querySelector('.banner').hidden && !document.querySelector('main').classList.contains('stale')");
    expect(await watched.wrongs()).toEqual([]);
  });

  it('names the route that is held, and why', async () => {
    gateway.held = true;
    await watched.shows('.banner', 'One route is held');
    await watched.shows('.box.route[data-level="bad"]', /alarms.*held 1 min 5 s.*UNROUTABLE: no queue is bound/);
    expect(await watched.wrongs()).toEqual([]);
  });

  it('works with the keyboard alone', async () => {
    const { page } = watched;
    await watched.go('#/devices');
    await watched.shows('tbody tr', 'plant-00/pump-00000');
    await page.evaluate("document.querySelector('.brand a').focus()");
    await page.keyboard.press('Shift+Tab');
    expect(await watched.value('document.activeElement.className')).toBe('skip');
    await page.keyboard.press('Enter');
    expect(await watched.value('document.activeElement.id')).toBe('main');
    const walked: string[] = [];
    for (let i = 0; i < 14; i += 1) {
      await page.keyboard.press('Tab');
      const [name, outline] = await watched.value<[string, string]>(
        "[document.activeElement.closest('label')?.textContent ?? document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]",
      );
      expect({ name, outline }).toEqual({ name, outline: expect.not.stringMatching('none') as string });
      walked.push(name);
    }
    const begin = ['Search', 'Profile', 'Flag', 'silent', 'Per page', 'Device', 'Last seen', 'Every', 'Refused', 'Late'];
    expect(walked.slice(0, begin.length).map((name, i) => name.slice(0, begin[i]?.length))).toEqual(begin);
    expect(walked[10]).toContain('<img');
    for (let i = 0; i < 8; i += 1) await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.locator('th[aria-sort="descending"]', { hasText: 'Device' }).waitFor();
    await watched.shows('tbody tr:first-child', 'plant-39');
    // A dialog takes the focus, gives it back, and closes with Escape.
    await watched.go('#/letters');
    const drop = page.getByRole('button', { name: 'Drop these' });
    await watched.becomes('letters', "document.querySelector('.found').textContent.includes('137')");
    await drop.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await watched.value("document.activeElement.closest('dialog') !== null")).toBe(true);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await watched.value('document.activeElement.textContent')).toBe('Drop these …');
    expect(gateway.letters.changes).toEqual([]);
  });

  it('asks for the token once, keeps it in the tab, and says how many letters a change is about', async () => {
    const { page } = watched;
    const dialog = page.getByRole('dialog');
    const answer = async (token: string): Promise<void> => {
      await dialog.getByLabel('Value of http.token').fill(token);
      await dialog.getByRole('button', { name: 'Use it' }).click();
    };
    await watched.go('#/letters?code=NO_ROUTE');
    await watched.becomes('letters', "document.querySelector('.found').textContent.startsWith('46 of 137')");
    await page.getByRole('button', { name: 'What would happen today' }).click();
    await answer('wrong');
    await dialog.getByText('This is not the token').waitFor();
    await answer(TOKEN);
    await watched.shows('.plan', /46 dead letters would be:.*46 forwarded/);
    expect(gateway.letters.changes).toEqual([]);
    expect(await watched.value('[sessionStorage.length, localStorage.length, document.cookie]')).toEqual([1, 0, '']);
    await page.getByRole('button', { name: 'Drop these' }).click();
    await dialog.getByText('Drop 46 dead letters?').waitFor();
    await dialog.getByRole('button', { name: 'Drop 46' }).click();
    await watched.shows('.result', '46 dead letters dropped.');
    expect(gateway.letters.changes).toEqual([{ verb: 'drop', body: { code: 'NO_ROUTE', limit: 46 } }]);
    await watched.go('#/letters/01J9ZK3V6M-5');
    await watched.shows('pre', '{"values":{"temperature":21.5');
    await watched.shows('pre', '000000  7b 22 76 61 6c 75 65 73  22 3a 7b 22 74 65 6d 70  {"values":{"temp');
    await page.getByRole('button', { name: 'Replay it' }).click();
    await dialog.getByRole('button', { name: 'Replay 1', exact: true }).click();
    await watched.shows('.result', '1 dead letter replayed.');
    expect(gateway.letters.changes[1]).toEqual({ verb: 'replay', body: { id: '01J9ZK3V6M-5', limit: 1 } });
  });

  it('leaves a list of dead letters as it is, and says that more have come', async () => {
    await watched.go('#/letters');
    await watched.shows('.found', '137 dead letters');
    gateway.letters.letters = [...gateway.letters.letters, ...gateway.letters.letters.slice(0, 2)];
    await watched.shows('.bar', '2 more since then.');
    expect(await watched.page.locator('tbody tr').count()).toBe(50);
    await watched.page.getByRole('button', { name: 'Look again' }).click();
    await watched.shows('.found', '139 dead letters');
    await watched.page.getByRole('button', { name: 'Next' }).click();
    await watched.shows('.pager', '51–100 of 139');
    expect(await watched.wrongs()).toEqual([]);
  });

  it('asks for the token at once where nothing is shown without it', async () => {
    gateway.readsNeedToken = true;
    const closed = await Watched.open(browser, gateway.url);
    const dialog = closed.page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await closed.shows('.banner', 'The gateway shows nothing.');
    await closed.page.getByRole('button', { name: 'Give the token' }).click();
    await dialog.getByLabel('Value of http.token').fill(TOKEN);
    await dialog.getByRole('button', { name: 'Use it' }).click();
    await closed.shows('.top .chip', 'Ready');
    expect(await closed.wrongs()).toEqual([]);
    await closed.close();
  });

  it('reloads the configuration, and says what came of it', async () => {
    const { page } = watched;
    await page.evaluate(`sessionStorage.setItem('sluice-token', '${TOKEN}')`);
    await watched.go('#/config');
    const reload = async (): Promise<void> => await page.getByRole('button', { name: 'Reload the file' }).click();
    await reload();
    await watched.shows('.result', 'The file says what is in force already');
    gateway.reload = {
      ...gateway.reload,
      ok: false,
      outcome: 'refused',
      problems: [{ severity: 'error', path: 'routes[0].when', file: 'sluice.yaml', line: 12, column: 3, message: 'no such name' }],
    };
    await reload();
    await watched.shows('.result', /Refused, because of 1 problem.*no such name.*sluice\.yaml:12:3/);
    gateway.reload = {
      ...gateway.reload,
      ok: true,
      outcome: 'applied',
      version: 'aa11',
      problems: [],
      changes: ['profiles[weather]: new'],
      trial: { messages: 1000, same: 988, changes: [{ from: 'dead-lettered NO_PROFILE', to: 'forwarded to readings', messages: 12, topic: 'w/1' }] },
    };
    await reload();
    const dialog = page.getByRole('dialog');
    await watched.shows('dialog', /1 change: profiles\[weather\]: new.*12 would fare differently.*12: dead-lettered NO_PROFILE → forwarded to readings/);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await watched.shows('.result', 'Nothing was changed');
    await reload();
    await dialog.getByRole('button', { name: 'Take over' }).click();
    await watched.shows('.result', /Version aa11 is in force: profiles\[weather\]: new/);
    await page.getByLabel('Topic', { exact: true }).fill('devices/a/b/telemetry');
    await page.getByRole('button', { name: 'Try it' }).click();
    await watched.shows('.result', /Nothing was sent.*readings → sluice\.readings/);
    expect(await watched.value('document.body.textContent')).not.toContain(TOKEN);
  });

  it('follows the theme of the system until it is told otherwise, and remembers that', async () => {
    const { page } = watched;
    const ground = async (): Promise<string> => await watched.value('getComputedStyle(document.documentElement).backgroundColor');
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await ground();
    await page.emulateMedia({ colorScheme: 'dark' });
    const dark = await ground();
    expect(dark).not.toBe(light);
    const button = page.getByRole('button', { name: 'Colours' });
    await button.click();
    await button.click();
    expect(await ground()).toBe(light);
    await page.reload({ waitUntil: 'commit' });
    await watched.shows('.theme', 'Light');
    expect(await ground()).toBe(light);
  });
});
