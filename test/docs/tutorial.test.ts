import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { check } from '../../src/commands/check.ts';
import { decode } from '../../src/commands/decode.ts';

const PAGES = ['profiles.md', 'payloads.md'];
const dir = mkdtempSync(join(tmpdir(), 'sluice-tutorial-'));
afterAll(() => rmSync(dir, { recursive: true }));

interface Done {
  readonly command: string;
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command of the page in the folder of the tutorial: `echo ... | npx sluice ...` or `npx sluice ... < FILE`. */
async function run(command: string): Promise<Done> {
  const [, echoed, call = '', file] = /^(?:echo '([^']*)' \| )?npx sluice ([^<|]*?)(?: < (\S+))?$/.exec(command) ?? [];
  if (call === '') throw new Error(`not a command that this test can run: ${command}`);
  const [verb, ...words] = call.split(/\s+/);
  const args = words.map((word) => (word.endsWith('.yaml') ? join(dir, word) : word));
  let out = '';
  let err = '';
  const streams = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) };
  if (verb === 'check') return { command, code: await check(args, {}, streams), out, err };
  const input = file === undefined ? Buffer.from(`${echoed ?? ''}\n`) : readFileSync(join(dir, file));
  const code = await decode(
    args,
    {},
    {
      stdin: (async function* () {
        yield input;
      })(),
      out: async (text) => {
        out += text;
        return true;
      },
      err: streams.err,
    },
  );
  return { command, code, out, err };
}

/** The page from its top: files are written, commands run, and what the page prints must be printed, in its order. */
async function walk(name: string): Promise<{ commands: Done[]; shown: { lines: string[]; printed: string[]; command: string }[] }> {
  const page = readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');
  const commands: Done[] = [];
  const shown: { lines: string[]; printed: string[]; command: string }[] = [];
  for (const [block = '', language, body = ''] of page.matchAll(/```(\w+)\n([\s\S]*?)```/g)) {
    const before = page.slice(0, page.indexOf(block));
    if (language === 'yaml') writeFileSync(join(dir, /^# (\S+\.yaml)\n/.exec(body)?.[1] ?? 'none.yaml'), body);
    else if (language === 'json') writeFileSync(join(dir, [...before.matchAll(/`(\w+\.json)`/g)].at(-1)?.[1] ?? 'none.json'), body);
    else if (language === 'sh') for (const line of body.trim().split('\n')) commands.push(await run(line));
    else if (language === 'text') {
      const last = commands.at(-1) as Done;
      shown.push({ lines: body.trim().split('\n'), printed: last.err.split('\n'), command: last.command });
    }
  }
  return { commands, shown };
}

describe.each(PAGES)('the tutorial of docs/%s', async (page) => {
  const { commands, shown } = await walk(page);

  it('has commands that all succeed', () => {
    expect(commands.length).toBeGreaterThan(2);
    for (const { command, code } of commands) expect([command, code]).toEqual([command, 0]);
  });

  it.each(shown)('shows what $command prints', ({ lines, printed }) => {
    let at = -1;
    for (const line of lines) {
      const found = printed.indexOf(line, at + 1);
      expect(found, `"${line}" behind line ${at + 1} of:\n${printed.join('\n')}`).toBeGreaterThan(at);
      at = found;
    }
  });

  it('has settings that load by themselves', async () => {
    const streams = { out: () => {}, err: () => {} };
    expect(await check([join(dir, 'some-settings.yaml'), '--strict'], {}, streams)).toBe(0);
  });
});
