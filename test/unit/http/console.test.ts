import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleOf, consolePages } from '../../../src/http/console.ts';
import { RateSampler } from '../../../src/http/rates.ts';
import { buildHttp } from '../../../src/http/server.ts';
import { fakeProvider, METRICS } from './fake-provider.ts';

let folder: string;
let app: ReturnType<typeof buildHttp>;

function appOf(path: string, shows: ConsoleOf = 'gateway'): ReturnType<typeof buildHttp> {
  const status = fakeProvider();
  return buildHttp({ port: 0, status, metrics: METRICS, plugins: [consolePages(shows, path)] }, new RateSampler(status));
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-console-'));
  const files = {
    'index.html': '<html data-shows="gateway"><head></head></html>',
    'main.js': 'export {};',
    'a.css': 'a{}',
    'icon.svg': '<svg/>',
    'main.js.map': '{}',
    'secret.txt': 'no',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  app = appOf(folder);
});

afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the console', () => {
  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/console/main.js', 'text/javascript; charset=utf-8'],
    ['/console/a.css', 'text/css; charset=utf-8'],
    ['/console/icon.svg', 'image/svg+xml'],
    ['/console/uplot.js', 'text/javascript; charset=utf-8'],
    ['/console/uplot.css', 'text/css; charset=utf-8'],
  ])('serves %s as %s, under a policy without anything inline or foreign', async (path, type) => {
    const { statusCode, headers } = await app.inject(path);
    expect([statusCode, headers['content-type'], headers['cache-control'], headers['x-content-type-options']]).toEqual([200, type, 'no-cache', 'nosniff']);
    const policy = String(headers['content-security-policy']);
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ])
      expect(policy).toContain(part);
    expect(policy).not.toMatch(/unsafe|https?:|\*|data:/);
  });

  it.each([
    '/console/main.js.map',
    '/console/secret.txt',
    '/console/index.html',
    '/console/',
    '/console/..%2fpackage.json',
    '/console/%2e%2e/package.json',
    '/console/nothing.js',
  ])('has nothing at %s', async (path) => {
    const { statusCode, headers } = await app.inject(path);
    expect([statusCode, headers['content-security-policy']]).toEqual([404, "default-src 'none'; frame-ancestors 'none'"]);
  });

  it('leaves the policy of every other page as strict as it was', async () => {
    expect((await app.inject('/status')).headers['content-security-policy']).toBe("default-src 'none'; frame-ancestors 'none'");
  });

  it('names all modules in the page, so that they come at once', async () => {
    expect((await app.inject('/')).body).toContain('<link rel="modulepreload" href="console/main.js">');
  });

  it.each(['gateway', 'gateway-with-edge', 'edge'] as const)('tells the page that it is of a %s', async (shows) => {
    const other = appOf(folder, shows);
    expect((await other.inject('/')).body).toContain(`<html data-shows="${shows}">`);
    await other.close();
  });

  it('is fetched once: who has it is told so', async () => {
    const first = await app.inject('/console/main.js');
    const again = async (tag: string): Promise<number> => (await app.inject({ url: '/console/main.js', headers: { 'if-none-match': tag } })).statusCode;
    expect(await again(String(first.headers.etag))).toBe(304);
    expect(await again(`"x", ${String(first.headers.etag)}`)).toBe(304);
    expect(await again('"x"')).toBe(200);
    const packed = await app.inject({ url: '/console/main.js', headers: { 'accept-encoding': 'gzip, br' } });
    expect([packed.headers['content-encoding'], gunzipSync(packed.rawPayload).toString()]).toEqual(['gzip', first.body]);
    expect(packed.headers.etag).not.toBe(first.headers.etag);
  });

  it('can only be read', async () => {
    expect((await app.inject({ method: 'HEAD', url: '/' })).statusCode).toBe(200);
    expect((await app.inject({ method: 'POST', url: '/' })).statusCode).toBe(405);
  });

  it('leaves / to the list of endpoints where it was not built', async () => {
    const other = appOf(join(folder, 'none'));
    expect((await other.inject('/')).body).toContain('href="/status"');
    expect((await other.inject('/console/main.js')).statusCode).toBe(404);
    await other.close();
  });
});
