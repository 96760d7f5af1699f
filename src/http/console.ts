import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { FastifyPluginAsync } from 'fastify';

const BUILT = fileURLToPath(new URL('../console/', import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Everything from here and nothing inline; and no way to make markup or scripts out of text (Trusted Types). */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

interface PageFile {
  readonly type: string;
  readonly plain: Buffer;
  readonly packed: Buffer;
  readonly tag: string;
}

function pageFile(name: string, plain: Buffer): PageFile {
  const tag = createHash('sha256').update(plain).digest('base64url').slice(0, 22);
  return { type: TYPES[extname(name)] ?? 'application/octet-stream', plain, packed: gzipSync(plain), tag };
}

/** What the console is of: its page is told. */
export type ConsoleOf = 'gateway' | 'gateway-with-edge' | 'edge';

/** What is served, by path; empty where the console has not been built (the sources run as they are). */
function readFiles(folder: string, shows: ConsoleOf): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>();
  if (!existsSync(join(folder, 'main.js')) || !existsSync(join(folder, 'index.html'))) return files;
  const require = createRequire(import.meta.url);
  for (const [name, inside] of [
    ['uplot.js', 'uplot/dist/uPlot.esm.js'],
    ['uplot.css', 'uplot/dist/uPlot.min.css'],
  ] as const)
    files.set(`/console/${name}`, pageFile(name, readFileSync(require.resolve(inside))));
  const names = readdirSync(folder).filter((name) => name !== 'index.html' && TYPES[extname(name)] !== undefined);
  for (const name of names) files.set(`/console/${name}`, pageFile(name, readFileSync(join(folder, name))));
  // A browser learns of a module from the one before it: named here, all are under way at once.
  const preload = [...files.keys()].filter((path) => path.endsWith('.js')).map((path) => `<link rel="modulepreload" href="${path.slice(1)}">`);
  const index = readFileSync(join(folder, 'index.html'), 'utf8')
    .replace('data-shows="gateway"', `data-shows="${shows}"`)
    .replace('</head>', `${preload.join('')}</head>`);
  files.set('/', pageFile('index.html', Buffer.from(index)));
  return files;
}

/**
 * The console: a page at `/` and its parts under `/console/`. A closed list, read once at the start: no request names a
 * file. There is nothing secret in them; what they show they ask for under /api.
 */
export function consolePages(shows: ConsoleOf, folder: string = BUILT): FastifyPluginAsync {
  return async (app) => {
    for (const [path, { type, plain, packed, tag }] of readFiles(folder, shows)) {
      app.get(path, (request, reply) => {
        const gzip = /\bgzip\b/.test(request.headers['accept-encoding']?.toString() ?? '');
        const etag = `"${tag}${gzip ? '-gz' : ''}"`;
        // `no-cache`: kept, and asked for again each time, so that a new gateway never meets an old page.
        reply.headers({ 'content-security-policy': POLICY, 'cache-control': 'no-cache', vary: 'accept-encoding', etag });
        if (request.headers['if-none-match']?.split(/\s*,\s*/).includes(etag) === true) return reply.code(304).send();
        if (gzip) reply.header('content-encoding', 'gzip');
        return reply.type(type).send(gzip ? packed : plain);
      });
    }
  };
}
