import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CommandError } from '../../../src/commands/command.ts';
import { decode } from '../../../src/commands/decode.ts';
import { listed, linesOf, uncoded } from '../../../src/commands/decode-input.ts';
import { throughBroker } from '../../../src/pipeline/trial-decoder.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-decode-'));
afterAll(() => rmSync(dir, { recursive: true }));

const SETTINGS = `
profiles:
  - name: thermo
    topics: ['site/{site}/{device}']
    device: '{site}/{device}'
    time: { from: $.at, unit: s }
    values: $.v
    units: { t: Cel }
    tags: { site: '{site}' }
exchanges: [{ name: out }]
queues: [{ name: out.q, bindings: [{ exchange: out, routingKey: '#' }] }]
routes:
  - { name: cold, when: values.t < 0.0, drop: true }
  - { name: all, exchange: out, routingKey: '{profile}.{tags.site}' }
`;
const config = join(dir, 'settings.yaml');
writeFileSync(config, SETTINGS);

interface Ran {
  readonly code: number;
  readonly lines: Record<string, unknown>[];
  readonly raw: string;
  readonly errors: string;
}

async function ran(argv: readonly string[], input: string | Buffer = ''): Promise<Ran> {
  let raw = '';
  let errors = '';
  const code = await decode(
    argv,
    {},
    {
      stdin: (async function* () {
        yield Buffer.from(input);
      })(),
      out: async (text) => {
        raw += text;
        return true;
      },
      err: (text) => {
        errors += text;
      },
    },
  );
  const lines = raw
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, lines, raw, errors };
}

async function refusal(argv: readonly string[], input: string | Buffer = ''): Promise<{ code: number; message: string }> {
  try {
    await ran(argv, input);
  } catch (error) {
    if (error instanceof CommandError) return { code: error.exitCode, message: error.message };
    throw error;
  }
  throw new Error('it went through');
}

const MINE = ['-c', config, '--received', '2023-11-14T22:13:20Z'];

describe('sluice decode', () => {
  it('says which profile read a payload, and what it became', async () => {
    const { code, lines } = await ran([...MINE, '--topic', 'site/a/b'], '{"at":1700000000,"v":{"t":21.5}}');
    expect(code).toBe(0);
    expect(lines).toEqual([
      {
        line: 1,
        topic: 'site/a/b',
        outcome: 'readings',
        profile: 'thermo',
        readings: [expect.objectContaining({ device: 'a/b', measuredAt: 1_700_000_000_000, values: { t: 21.5 }, units: { t: 'Cel' }, tags: { site: 'a' } })],
      },
    ]);
  });

  it('prints big integers exactly', async () => {
    const line = '{"topic":"site/a/b","payload":"{\\"v\\":{\\"n\\":18446744073709551615}}"}';
    const { raw } = await ran([...MINE, '--messages', '-', '--explain'], line);
    expect(raw).toContain('"values":{"n":18446744073709551615}');
    expect(raw).toContain('"value":18446744073709551615');
  });

  it('shows dead letters and filtered messages, and ends with 0', async () => {
    expect(await ran([...MINE, '--topic', 'site/a/b'], '{"v":')).toMatchObject({
      code: 0,
      lines: [{ outcome: 'dead-lettered', profile: 'thermo', code: 'DECODE_INVALID', readings: [] }],
    });
    expect(await ran([...MINE, '--topic', 'elsewhere'], '1')).toMatchObject({ code: 0, lines: [{ outcome: 'dead-lettered', code: 'NO_PROFILE' }] });
    expect((await ran([...MINE, '--topic', 'site/a/b'], '')).lines).toMatchObject([{ outcome: 'filtered', code: 'empty' }]);
  });

  it('takes topics through the routing key of the broker', async () => {
    expect(throughBroker('a.b/c')).toBe('a/b/c');
    expect((await ran([...MINE, '--topic', 'site/a.b'], '{"v":{"t":1}}')).lines).toMatchObject([
      { topic: 'site/a.b', readings: [{ topic: 'site/a/b', device: 'a/b' }] },
    ]);
    expect((await ran([...MINE, '--topic', 'site/+/b'], '{"v":{"t":1}}')).lines).toMatchObject([{ code: 'BAD_TOPIC' }]);
  });

  it('makes up a topic where only a profile is named', async () => {
    const { lines } = await ran([...MINE, '--profile', 'thermo'], '{"v":{"t":1}}');
    expect(lines).toMatchObject([{ outcome: 'readings', readings: [{ device: 'site/device' }] }]);
    expect(lines[0]).not.toHaveProperty('topic');
  });

  it('reads payloads in hexadecimal and base64', async () => {
    const body = Buffer.from('{"v":{"t":1}}');
    for (const [option, text] of [
      ['--hex', ` ${body.toString('hex').toUpperCase()}\n`],
      ['--base64', `${body.toString('base64').slice(0, 7)}\n${body.toString('base64').slice(7)}`],
    ] as const) {
      expect((await ran([...MINE, '--topic', 'site/a/b', option], text)).lines).toMatchObject([{ outcome: 'readings' }]);
    }
    expect(await refusal([...MINE, '--topic', 'site/a/b', '--hex'], 'abc')).toMatchObject({ code: 1 });
    expect(await refusal([...MINE, '--topic', 'site/a/b', '--base64'], 'a*b')).toMatchObject({ code: 1 });
  });

  it('explains what was taken from where and which rule routes it', async () => {
    const { lines, errors } = await ran([...MINE, '--topic', 'site/a/b', '--explain'], '{"at":1700000000,"other":7,"v":{"t":21.5}}');
    expect(errors).toContain('template  site/{site}/{device}');
    expect(errors).toMatch(/taken +\$\.at = 1700000000 -> time\.from/);
    expect(errors).toMatch(/taken +\$\.v\.t = 21\.5 -> value t/);
    expect(errors).toMatch(/not taken \$\.other = 7/);
    expect(errors).toContain('rule "all" to exchange out, routing key thermo.a');
    expect(lines).toMatchObject([{ outcome: 'readings' }]);
    const list = await ran([...MINE, '--messages', '-', '--explain'], '{"topic":"site/a/b","payload":"{\\"v\\":{\\"t\\":1,\\"l\\":[7]}}"}');
    expect(list.errors).toBe('');
    expect(list.lines[0]?.['explain']).toMatchObject({
      places: [
        { path: '$.v.t', value: 1, use: 'value t' },
        { path: '$.v.l[0]', value: 7, use: 'value l.0' },
      ],
    });
    expect((await ran([...MINE, '--topic', 'site/a/b', '--explain'], '{"v":{"t":-2.5}}')).errors).toContain('dropped by rule "cold"');
    expect((await ran([...MINE, '--topic', 'no/thing', '--explain'], '1')).errors).toContain('no template matches');
  });

  it('keeps control characters out of the explanation', async () => {
    const { errors } = await ran([...MINE, '--topic', 'site/a/b', '--explain'], '{"v":{"t":"\\u001b[31mred\\n"}}');
    // oxlint-disable-next-line no-control-regex -- that is what must not be there
    expect(errors).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it.each([
    [[], 'give --topic'],
    [['--topic', 'a', '--hex', '--base64'], 'either --hex or --base64'],
    [['--messages', 'x', '--topic', 'a'], 'brings its own'],
    [['--topic', 'a', '--nonsense'], 'nonsense'],
    [[...MINE, '--profile', 'nobody'], 'there is no profile "nobody"; there are thermo'],
    [['--topic', 'a', '--received', '2023-11-14T22:13:20'], 'zone'],
    [['--topic', 'a', '--received', '-1'], '--received'],
  ])('refuses the command line %j', async (argv, words) => {
    const { code, message } = await refusal(argv);
    expect(code).toBe(2);
    expect(message).toContain(words);
  });

  it('refuses settings that are wrong', async () => {
    const wrong = join(dir, 'wrong.yaml');
    writeFileSync(wrong, SETTINGS.replace('thermo', 'th ermo'));
    expect(await refusal(['-c', wrong, '--topic', 'a'])).toMatchObject({ code: 3 });
  });
});

describe('sluice decode --messages', () => {
  it('answers every line, good or not, under its number', async () => {
    writeFileSync(join(dir, 'body.json'), '{"v":{"t":3}}');
    const list = join(dir, 'list.jsonl');
    const good = '{"topic":"site/a/b","payload":"{\\"v\\":{\\"t\\":1}}"}';
    writeFileSync(
      list,
      [
        good,
        '',
        '{"topic":"site/a/b","payload_b64":"eyJ2Ijp7InQiOjJ9fQ=="}',
        '{"topic":"site/a/b","payload_file":"body.json"}',
        'no json',
        '[]',
        '{"topic":7,"payload":""}',
        '{"topic":"site/a/b"}',
        '{"topic":"site/a/b","payload":"1","payload_b64":""}',
        '{"topic":"site/a/b","payload_b64":"*"}',
        '{"topic":"site/a/b","payload_file":"absent.json"}',
        '{"topic":"site/a/b","payload_file":"."}',
        '{"payload":"1"}',
        '{"profile":"nobody","payload":"1"}',
        '{"profile":"thermo","payload":"{\\"v\\":{\\"t\\":4}}"}',
        '{"topic":"site/a/b","content_encoding":"br","payload":"1"}',
        good,
      ].join('\n'),
    );
    const { code, lines, errors } = await ran([...MINE, '--messages', list]);
    expect(code).toBe(1);
    expect(errors).toContain('10 lines are not a message');
    expect(lines.map(({ line, outcome }) => [line, outcome])).toEqual([
      [1, 'readings'],
      [3, 'readings'],
      [4, 'readings'],
      ...[5, 6, 7, 8, 9, 10, 11, 12, 13, 14].map((line) => [line, 'error']),
      [15, 'readings'],
      [16, 'dead-lettered'],
      [17, 'readings'],
    ]);
    for (const line of lines.filter(({ outcome }) => outcome === 'error')) expect(line['message']).toMatch(/./);
    expect(lines[2]).toMatchObject({ readings: [{ values: { t: 3 } }] });
  });

  it('reads standard input where the file is -', async () => {
    expect(await ran([...MINE, '--messages', '-'], '{"topic":"site/a/b","payload":"{\\"v\\":{\\"t\\":1}}"}\n')).toMatchObject({
      code: 0,
      lines: [{ outcome: 'readings' }],
    });
  });

  it('says that the file is not there', async () => {
    expect(await refusal([...MINE, '--messages', join(dir, 'absent.jsonl')])).toMatchObject({ code: 1 });
  });

  it('stops when nobody reads any more', async () => {
    let written = 0;
    const code = await decode(
      [...MINE, '--messages', '-'],
      {},
      {
        stdin: (async function* () {
          for (;;) yield Buffer.from('{"topic":"site/a/b","payload":"1"}\n');
        })(),
        out: async () => {
          written += 1;
          return written < 3;
        },
        err: () => {},
      },
    );
    expect([code, written]).toEqual([0, 3]);
  });
});

describe('the parts', () => {
  it('cuts lines that come in pieces', async () => {
    const pieces = ['{"a"', ':1}\n\n{"b":', '2}'];
    const lines: unknown[] = [];
    for await (const line of linesOf(
      '-',
      (async function* () {
        for (const piece of pieces) yield Buffer.from(piece);
      })(),
    ))
      lines.push(line); // prettier-ignore
    expect(lines).toEqual([
      { line: 1, text: '{"a":1}' },
      { line: 3, text: '{"b":2}' },
    ]);
  });

  it('takes no inherited name of a line for a field', async () => {
    expect(await listed('{"__proto__":{"payload":"1"}}', '.')).toMatchObject({ ok: false });
  });

  it('knows what is base64', () => {
    expect(uncoded(Buffer.from('AQI'), 'base64')).toEqual(Buffer.from([1, 2]));
    expect(uncoded(Buffer.from('A'), 'base64')).toBeUndefined();
    expect(uncoded(Buffer.from(''), 'hex')).toEqual(Buffer.alloc(0));
  });
});
