import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { chromiumPath } from '../../src/setup/chromium.mjs';
import { until } from './rabbit.ts';

const path = chromiumPath(process.env);
/** False: what needs it is to be skipped. */
export const CHROMIUM = path !== undefined;
if (path === undefined) console.log('skipped: there is no Chromium here (npm test says how to get one)');

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** For anything that a page has to do, on a machine that is busy with other things. */
export const PAGE_MS = 120_000;

/** Collects what must not be, and times; runs in the page before anything of its own. */
const WATCH = `
  window.seen = { violations: [], updates: 0, longest: 0, longTasks: [], waiting: [] };
  window.seen.next = () => new Promise((resolve) => window.seen.waiting.push(resolve));
  document.addEventListener('securitypolicyviolation', (event) => window.seen.violations.push(event.violatedDirective + ' ' + event.blockedURI));
  new PerformanceObserver((list) => {
    for (const { name, duration, entryType } of list.getEntries()) {
      if (entryType === 'longtask') window.seen.longTasks.push(Math.round(duration));
      if (name.startsWith('sluice:')) window.seen.longest = Math.max(window.seen.longest, duration);
      if (name !== 'sluice:devices') continue;
      window.seen.updates += 1;
      for (const each of window.seen.waiting.splice(0)) each();
    }
  }).observe({ entryTypes: ['measure', 'longtask'] });
`;

/** A browser of a test's own. As root Chromium cannot have its sandbox; the pages are ours. */
export async function openBrowser(): Promise<Browser> {
  const asRoot = process.getuid?.() === 0;
  return await chromium.launch({
    ...(path === undefined ? {} : { executablePath: path }),
    args: ['--disable-gpu', '--disable-background-networking', '--disable-dev-shm-usage', ...(asRoot ? ['--no-sandbox'] : [])],
    timeout: PAGE_MS,
  });
}

export interface AxeFinding {
  readonly id: string;
  readonly nodes: readonly string[];
}

/** A page under watch: errors, breaches of its policy, and requests to anybody but its gateway. */
export class Watched {
  readonly page: Page;
  readonly errors: string[] = [];
  private readonly origin: string;

  private constructor(page: Page, origin: string) {
    this.page = page;
    this.origin = origin;
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Watched> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(PAGE_MS);
    await context.addInitScript(WATCH);
    await context.addInitScript({ path: AXE });
    const page = await context.newPage();
    const one = new Watched(page, new URL(url).origin);
    page.on('console', (message) => {
      // That a request failed is what tests of failures are about.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) one.errors.push(message.text());
    });
    page.on('pageerror', (error) => one.errors.push(String(error)));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== one.origin) one.errors.push(`asks ${request.url()}`);
    });
    await page.goto(url, { waitUntil: 'commit' });
    return one;
  }

  /** Another view of the page that is open. */
  async go(hash: string): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
  }

  async value<T>(expression: string): Promise<T> {
    return (await this.page.evaluate(expression)) as T;
  }

  async shows(selector: string, text: string | RegExp): Promise<void> {
    await this.page.locator(selector).filter({ hasText: text }).first().waitFor();
  }

  async becomes(what: string, expression: string, deadlineMs = PAGE_MS): Promise<void> {
    await until(what, async () => await this.value<boolean>(expression), deadlineMs);
  }

  /** Breaches of WCAG 2 A and AA, and of good practice. */
  async axe(): Promise<AxeFinding[]> {
    return await this.value(
      `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')) })))`,
    );
  }

  /** Everything that went wrong so far. */
  async wrongs(): Promise<string[]> {
    return [...this.errors, ...(await this.value<string[]>('window.seen.violations'))];
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }
}
