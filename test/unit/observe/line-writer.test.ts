import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LineWriter } from '../../../src/observe/line-writer.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
// Inside the project, so that the compiled file finds node_modules; git ignores the folder.
const BUILT = join(ROOT, '.sluice', `test-log-${process.pid}`);
const CHILD = join(BUILT, 'child.mjs');
const CHILD_SOURCE = `
import { Logging } from './src/observe/logging.js';
const logging = new Logging({ name: 'child', level: 'info', format: 'json' });
logging.start();
if (process.argv[2] === 'exit') {
  for (let i = 0; i < 200; i += 1) logging.logger.info({ i }, 'line');
  process.exit(0);
}
const deadline = Date.now() + 15000;
const timer = setInterval(() => {
  logging.logger.info('line');
  const lost = logging.stats().writeFailures > 0;
  if (!lost && Date.now() < deadline) return;
  clearInterval(timer);
  process.stderr.write('alive, lines lost: ' + lost + '\\n');
}, 5);
`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-lines-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('LineWriter', () => {
  it('writes every line in order, and close waits for them', async () => {
    const file = join(folder, 'log');
    const fd = openSync(file, 'a');
    const writer = new LineWriter(fd, 1_000_000);
    const lines = Array.from({ length: 2000 }, (_, i) => `line ${i} ${'ä'.repeat(i % 50)}\n`);
    for (const line of lines) writer.write(line);
    await writer.close(5000);
    closeSync(fd);
    expect(readFileSync(file, 'utf8')).toBe(lines.join(''));
    expect(writer.failures).toBe(0);
  });

  it.skipIf(!existsSync('/dev/full'))('goes on when the disk is full (ENOSPC), and counts what is lost', async () => {
    const fd = openSync('/dev/full', 'a');
    const writer = new LineWriter(fd, 1_000_000);
    writer.write('one\n');
    writer.write('two\n');
    await writer.close(5000);
    expect(writer.failures).toBe(2);
    const again = new LineWriter(fd, 1_000_000);
    again.write('three\n');
    again.write('four\n');
    again.flushSync();
    await again.close(5000);
    expect(again.failures).toBe(2);
    closeSync(fd);
  });

  it('drops and counts beyond its bound', async () => {
    const file = join(folder, 'log');
    const fd = openSync(file, 'a');
    const writer = new LineWriter(fd, 10);
    for (const line of ['first\n', '1234\n', '1234\n', 'lost\n']) writer.write(line);
    await writer.close(5000);
    closeSync(fd);
    expect(writer.failures).toBe(1);
    expect(readFileSync(file, 'utf8')).toBe('first\n1234\n1234\n');
  });

  it('drops and counts what comes after close', async () => {
    const fd = openSync(join(folder, 'log'), 'a');
    const writer = new LineWriter(fd, 100);
    await writer.close(5000);
    closeSync(fd);
    writer.write('late\n');
    expect(writer.failures).toBe(1);
  });
});

describe('a process that logs', () => {
  beforeAll(() => {
    mkdirSync(BUILT, { recursive: true });
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options = ['--ignoreConfig', '--module', 'nodenext', '--target', 'es2023', '--types', 'node', '--skipLibCheck', '--rewriteRelativeImportExtensions'];
    execFileSync(process.execPath, [tsc, ...options, '--rootDir', ROOT, '--outDir', BUILT, join(ROOT, 'src/observe/logging.ts')], { timeout: 60_000 });
    writeFileSync(CHILD, CHILD_SOURCE);
  }, 60_000);
  afterAll(() => rmSync(BUILT, { recursive: true, force: true }));

  it('loses no line when it exits at once', () => {
    const child = spawnSync(process.execPath, [CHILD, 'exit'], { encoding: 'utf8', timeout: 20_000 });
    expect(child.stderr).toBe('');
    expect(child.status).toBe(0);
    const lines = child.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(200);
    expect(new Set(lines).size).toBe(200);
  });

  it('outlives the reader of its log (EPIPE)', async () => {
    const child = spawn(process.execPath, [CHILD, 'outlive'], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = (await once(child, 'exit')) as [number | null];
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'alive, lines lost: true\n' });
  });

  it.skipIf(!existsSync('/dev/full'))('can exit when the disk is full', () => {
    const full = openSync('/dev/full', 'a');
    const child = spawnSync(process.execPath, [CHILD, 'exit'], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8', timeout: 20_000 });
    closeSync(full);
    expect({ status: child.status, signal: child.signal, stderr: child.stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  });
});
