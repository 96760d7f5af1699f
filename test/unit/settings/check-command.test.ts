import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { check, command } from '../../../src/commands/check.ts';
import { CommandError, EXIT } from '../../../src/commands/command.ts';
import { folderWith, GOOD } from './workbench.ts';

async function run(text: string, ...options: string[]): Promise<{ code: number; out: string; err: string; file: string }> {
  const folder = await folderWith({ 's.yaml': text });
  const file = path.join(folder, 's.yaml');
  let out = '';
  let err = '';
  const code = await check([file, ...options], {}, { out: (t) => void (out += t), err: (t) => void (err += t) });
  return { code, out, err, file };
}

const WARNED = `${GOOD}http: { host: 0.0.0.0 }\n`;
const WRONG = `${GOOD}htpp: {}\nlog: { level: 5 }\n`;

describe('sluice check', () => {
  it('good settings: a summary and exit code 0', async () => {
    const { code, out, err, file } = await run(GOOD);
    expect(code).toBe(EXIT.ok);
    expect(err).toBe('');
    expect(out).toMatch(/: good \(0 errors, 0 warnings\), version [0-9a-f]{12}\n$/);
    expect(out.startsWith(`${file}: `)).toBe(true);
  });

  it('errors: a line each with its hint on standard error, exit code 3', async () => {
    const { code, out, err, file } = await run(WRONG);
    expect(code).toBe(EXIT.settings);
    expect(err).toBe(
      `${file}:15:1: error: htpp: unknown key "htpp"\n    hint: did you mean "http"?\n${file}:16:15: error: log.level: must be a text, not 5\n    hint: put it in quotes: '5'\n`,
    );
    expect(out).toBe(`${file}: refused (2 errors, 0 warnings)\n`);
  });

  it('warnings pass, unless --strict', async () => {
    const lax = await run(WARNED);
    expect(lax.code).toBe(EXIT.ok);
    expect(lax.err).toContain(':15:15: warning: http.host: ');
    expect(lax.out).toContain('good (0 errors, 1 warning)');
    const strict = await run(WARNED, '--strict');
    expect(strict.code).toBe(EXIT.settings);
    expect(strict.out).toContain('refused (0 errors, 1 warning)');
    expect((await run(GOOD, '--strict')).code).toBe(EXIT.ok);
  });

  it('--print: the effective settings alone on standard output, with defaults', async () => {
    const { code, out, err } = await run(GOOD, '--print');
    expect(code).toBe(EXIT.ok);
    expect(parse(out)).toMatchObject({
      http: { port: 9600 },
      rabbitmq: { urls: ['amqp://localhost:5672'] },
      routes: [{ name: 'all', action: { kind: 'publish' } }],
    });
    expect(err).toContain('good (0 errors, 0 warnings)');
  });

  it('--json: one object, good or bad', async () => {
    const good = JSON.parse((await run(WARNED, '--json', '--print')).out) as object;
    expect(good).toMatchObject({
      ok: true,
      errors: 0,
      warnings: 1,
      problems: [{ line: 15, column: 15, severity: 'warning' }],
      settings: { http: { port: 9600 } },
    });
    const bad = await run(WRONG, '--json');
    expect(bad.code).toBe(EXIT.settings);
    expect(bad.err).toBe('');
    expect(JSON.parse(bad.out)).toMatchObject({ ok: false, errors: 2, problems: [{ path: 'htpp', hint: 'did you mean "http"?' }, { path: 'log.level' }] });
  });

  it('a file that is not there is a problem of the settings', async () => {
    let err = '';
    const code = await check(['/nowhere/s.yaml'], {}, { out: () => undefined, err: (t) => void (err += t) });
    expect(code).toBe(EXIT.settings);
    expect(err).toBe('/nowhere/s.yaml:1:1: error: cannot read /nowhere/s.yaml: there is no such file\n');
  });

  it('looks codecs up in the registry', async () => {
    const { err } = await run(GOOD.replace("device: '{device}'", "device: '{device}'\n    codec: jsno"));
    expect(err).toContain(':5:12: error: profiles[0].codec: codec "jsno" is not known\n    hint: did you mean "json"?');
  });

  it('does not write control characters to the terminal', async () => {
    const { err } = await run(`${GOOD}"ht\\u001b[31m\\npp": 1\n`);
    expect(err).toContain('unknown key "ht\\u001b[31m\\u000app"');
    expect(err).not.toContain('\u001b');
  });

  it.each([[[]], [['a.yaml', 'b.yaml']], [['a.yaml', '--nope']], [['a.yaml', '--json=1']]])('%j is a wrong command line', async (argv) => {
    const to = { out: () => undefined, err: () => undefined };
    await expect(check(argv, {}, to)).rejects.toSatisfy((error: unknown) => error instanceof CommandError && error.exitCode === EXIT.usage);
  });

  it('its help names every option and exit code', () => {
    for (const word of ['--print', '--json', '--strict', `${EXIT.ok} `, `${EXIT.usage} `, `${EXIT.settings} `]) expect(command.help).toContain(word);
    expect(command.name).toBe('check');
  });
});
