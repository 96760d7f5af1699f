import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { test } from '../../src/commands/test.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-testing-'));
afterAll(() => rmSync(dir, { recursive: true }));

it('docs/testing.md shows what its example prints', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/testing.md'), 'utf8');
  for (const [, body = '', name = ''] of page.matchAll(/```yaml\n(# (\S+\.yaml)\n[\s\S]*?)```/g)) writeFileSync(join(dir, name), body);
  const shown = /```text\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  let printed = '';
  const code = await test([join(dir, 'doors-tests.yaml')], {}, { out: (text) => void (printed += text), err: (text) => void (printed += text) });
  const lines = printed.replaceAll(`${dir}/`, '').split('\n');
  // The page leaves out the reading that came instead.
  expect(lines.filter((line) => !line.startsWith('       it was ')).join('\n')).toBe(shown);
  expect(lines.filter((line) => line.startsWith('       it was '))).toHaveLength(1);
  expect(code).toBe(1);
});
