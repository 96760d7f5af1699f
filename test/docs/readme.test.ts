import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../src/settings/load.ts';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/api.md',
  'docs/architecture.md',
  'docs/edge.md',
  'docs/operations.md',
  'docs/profiles.md',
  'docs/security.md',
  'docs/simulator.md',
  'docs/verify.md',
  'docs/wire-format.md',
];
const run = promisify(execFile);

interface Command {
  readonly page: string;
  readonly text: string;
}

/** Lines of `sh` blocks, and commands inside backticks that start with one of our own. */
function commands(page: string): Command[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block = '']) => block.split('\n').map((line) => line.replace(/ +#.*$/, '').trim()));
  const inline = [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`((?:npx sluice|sluice|npm) [^`\n]+)`/g)].map(([, line = '']) => line.trim());
  return [...blocks, ...inline].filter((line) => line !== '').map((line) => ({ page, text: line }));
}

async function sluice(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return await run(process.execPath, [join(ROOT, 'dist/src/main.js'), ...args], { cwd: ROOT, timeout: 20_000 });
}

const all = PAGES.flatMap(commands);

describe('the commands in the pages', () => {
  it('are there', () => {
    expect(all.filter(({ page }) => page === 'README.md').length).toBeGreaterThan(5);
  });

  it('name scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const missing = all.filter(({ text }) => {
      const script = /(?:^|\s)npm (?:run )?([a-z:]+)/.exec(text)?.[1];
      return script !== undefined && !['install', 'ci'].includes(script) && !Object.hasOwn(scripts, script);
    });
    expect(missing).toEqual([]);
  });

  it.each(all.filter(({ text }) => /(?:^|\s)sluice [a-z]/.test(text)))('$page: $text has a verb and options that exist', async ({ text }) => {
    const [verb = '', ...args] = text.replace(/^.*?(?:^|\s)sluice /, '').split(/\s+/);
    const { stdout } = await sluice(verb, '--help');
    for (const option of args.filter((arg) => /^--?[a-z]/.test(arg) && arg !== '--help')) {
      expect(stdout, `${option} of sluice ${verb}`).toMatch(new RegExp(`(^|[\\s,|[(])${option}([\\s,|\\]).=]|$)`, 'm'));
    }
  });

  it('work, where they need no broker', async () => {
    expect((await sluice('check', 'config/sluice.yaml')).stdout).toContain('good');
    expect((await sluice('topology', '-c', 'config/sluice.yaml')).stdout).toContain('sluice.ingest');
    expect(JSON.parse((await sluice('topology', '-c', 'config/sluice.yaml', '--definitions')).stdout)).toHaveProperty('queues');
    expect((await sluice('--version')).stdout).toMatch(/^sluice \d+\.\d+\.\d+\n$/);
    expect((await sluice('--help')).stdout).toContain('simulate');
  });
});

describe('the pages', () => {
  it.each([...PAGES, 'docs/configuration.md', 'docs/faults.md', 'METRICS.md'])('%s links to files that exist', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target)) continue;
      expect(existsSync(join(ROOT, dirname(page), target)), `${page} -> ${target}`).toBe(true);
    }
  });

  it('show a configuration that loads', async () => {
    const yaml = /```yaml\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'README.md'), 'utf8'))?.[1] ?? '';
    const dir = mkdtempSync(join(tmpdir(), 'sluice-readme-'));
    try {
      writeFileSync(join(dir, 'example.yaml'), yaml);
      expect(await loadSettings(join(dir, 'example.yaml'), {})).toMatchObject({ ok: true, warnings: [] });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
