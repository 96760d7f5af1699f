import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { SparkplugEdgeNode } from '../../../devices/formats/sparkplug.ts';
import { CommandError, EXIT } from '../../../src/commands/command.ts';
import { test } from '../../../src/commands/test.ts';

const dir = mkdtempSync(join(tmpdir(), 'sluice-test-'));
afterAll(() => rmSync(dir, { recursive: true }));

writeFileSync(
  join(dir, 'settings.yaml'),
  `profiles:
  - name: p
    topics: ['d/{device}', 'd/{device}/{what}']
    device: '{device}'
    time: { from: $.at, unit: s, lateSeconds: 3600 }
    values: $.v
    units: { t: Cel }
    tags: { what: '{what}', line: $.line }
exchanges: [{ name: x, type: topic }]
queues: [{ name: q, type: quorum, bindings: [{ exchange: x, routingKey: '#' }] }]
routes:
  - { name: hot, when: values.t > 30, exchange: x, routingKey: 'hot.{device}', delivery: best-effort, continue: true }
  - { name: off, topics: ['d/+/off'], drop: true }
  - { name: all, when: "!('x' in values)", exchange: x, routingKey: 'all.{device}' }
`,
);
const GOOD = '{"at":1772366400,"line":"north","v":{"t":31.25,"n":12345678901234567890,"s":"on","b":true}}';
const RECEIVED = '2026-03-01T12:00:01Z';

interface Ran {
  readonly code: number;
  readonly out: string;
}

async function run(yaml: string, ...more: string[]): Promise<Ran> {
  writeFileSync(join(dir, 'tests.yaml'), yaml);
  let out = '';
  const code = await test([join(dir, 'tests.yaml'), ...more], {}, { out: (text) => void (out += text), err: (text) => void (out += text) });
  return { code, out: out.replaceAll(`${dir}/`, '') };
}

/** A file with one test of the good message. */
const one = (expected: string, keys = ''): string =>
  `settings: settings.yaml\ntests:\n  - name: one\n    topic: d/a\n    received: ${RECEIVED}\n    payload: '${GOOD}'\n${keys}    expect: ${expected}\n`;

async function problemsOf(yaml: string, ...more: string[]): Promise<string> {
  const error = await run(yaml, ...more).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CommandError);
  expect((error as CommandError).exitCode).toBe(EXIT.settings);
  return (error as CommandError).message.replaceAll(`${dir}/`, '');
}

describe('sluice test', () => {
  it.each([
    '{ readings: [{ device: a, profile: p, values: { t: 31.25, n: "12345678901234567890", s: on, b: true }, count: 4 }] }',
    '{ outcome: readings, profile: p }',
    '{ readings: [{ values: { t: 31.2500000000000001 }, units: { t: Cel }, tags: { line: north }, absent: [u] }] }',
    '{ readings: [{ flags: [], measuredAt: 2026-03-01T13:00:00+01:00, routes: [hot, all], routingKeys: [hot.a, all.a] }] }',
  ])('passes %s', async (expected) => {
    const { code, out } = await run(one(expected));
    expect(out).toBe('tests.yaml: settings.yaml\n  ok   one\n1 test, all good\n');
    expect(code).toBe(EXIT.ok);
  });

  it.each([
    ['{ readings: [{ device: b }] }', '7:36: readings[0].device: expected b, found a'],
    ['{ readings: [{ profile: p, values: { t: 31 } }] }', '7:53: readings[0].values.t: expected 31, found 31.25'],
    ['{ readings: [{ values: { t: "31.25" } }] }', 'readings[0].values.t: expected "31.25", found 31.25'],
    ['{ readings: [{ values: { n: 12345678901234567000 } }] }', 'found 12345678901234567890'],
    ['{ readings: [{ values: { u: 1 } }] }', 'readings[0].values.u: expected 1, found no value of that name; there are t, n, s, b'],
    ['{ readings: [{ values: { toString: 1 } }] }', 'found no value of that name'],
    ['{ readings: [{ absent: [u, s] }] }', '7:40: readings[0].absent[1]: expected no value "s", found "on"'],
    ['{ readings: [{ count: 3 }] }', 'readings[0].count: expected 3 values, found 4: t, n, s, b'],
    ['{ readings: [{ units: { t: K } }] }', 'readings[0].units.t: expected K, found Cel'],
    ['{ readings: [{ units: { s: K } }] }', 'readings[0].units.s: expected K, found nothing'],
    ['{ readings: [{ tags: { line: south } }] }', 'readings[0].tags.line: expected south, found north'],
    ['{ readings: [{ flags: [late] }] }', 'readings[0].flags: expected [late], found []'],
    ['{ readings: [{ measuredAt: 2026-03-01T12:00:00+01:00 }] }', 'expected 2026-03-01T11:00:00.000Z, found 2026-03-01T12:00:00.000Z'],
    ['{ readings: [{ routes: [all] }] }', 'readings[0].routes: expected [all], found [hot, all]'],
    ['{ readings: [{ routingKeys: [all.a] }] }', 'readings[0].routingKeys: expected [all.a], found [hot.a, all.a]'],
    ['{ readings: [{ device: a }, { device: b }] }', 'readings: expected 2 readings, found 1 readings'],
    ['{ code: NO_VALUES }', '7:21: code: expected NO_VALUES, found 1 readings'],
    ['{ outcome: filtered }', 'outcome: expected filtered, found 1 readings'],
  ])('fails %s', async (expected, told) => {
    const { code, out } = await run(one(expected));
    expect(out).toContain('  FAIL one\n');
    expect(out).toContain(told);
    expect(out).toMatch(/ {7}it was \{"id":.*\n1 test, 1 failed\n$/);
    expect(code).toBe(EXIT.failed);
  });

  it('knows what becomes of messages that are no readings', async () => {
    const file = (expected: string): string => `settings: settings.yaml\ntests:\n  - { name: bad, topic: d/a, payload: '{', expect: ${expected} }\n`;
    expect(await run(file('{ code: DECODE_INVALID, message: at byte 1 }'))).toMatchObject({ code: EXIT.ok });
    expect(await run(file('{ outcome: dead-lettered }'))).toMatchObject({ code: EXIT.ok });
    expect((await run(file('{ message: no such words }'))).out).toContain(
      'message: expected a text with "no such words", found not JSON: unexpected end at byte 1',
    );
    expect((await run(file('{ readings: [{ device: a }] }'))).out).toContain('readings: expected readings, found dead-lettered DECODE_INVALID: not JSON');
    expect((await run(file('{ profile: x }').replace('profile: x', 'code: DECODE_INVALID, profile: p'))).code).toBe(EXIT.ok);
  });

  it('follows drop rules, readings that nobody takes, and rules that fail', async () => {
    const file = (topic: string, v: string, routes: string): string =>
      `settings: settings.yaml\ntests:\n  - { name: r, topic: ${topic}, payload: '{"v":${v}}', expect: { readings: [{ routes: ${routes} }] } }\n`;
    expect((await run(file('d/a/off', '{"t":31}', '[hot, off]'))).code).toBe(EXIT.ok);
    expect((await run(file('d/a', '{"x":1}', '[]'))).code).toBe(EXIT.ok);
    // A text is not greater than 30: the rule does not match, and the test says why.
    const { out } = await run(file('d/a', '{"t":"hot"}', '[hot, all]'));
    expect(out).toMatch(/expected \[hot, all\], found \[all\] \(rule "hot": .+\)/);
  });

  it('takes payloads in hexadecimal, base64 and files, and encodings', async () => {
    writeFileSync(join(dir, 'payload.json'), GOOD);
    const hex = Buffer.from(GOOD)
      .toString('hex')
      .replaceAll(/(.{40})/g, '$1 ');
    const file = `settings: settings.yaml
tests:
  - { name: hex, topic: d/a, payloadHex: '${hex}', expect: { outcome: readings } }
  - { name: base64, topic: d/a, payloadBase64: '${Buffer.from(GOOD).toString('base64')}', expect: { outcome: readings } }
  - { name: file, topic: d/a, payloadFile: payload.json, expect: { outcome: readings } }
  - { name: encoded, topic: d/a, payload: '${GOOD}', contentEncoding: br, expect: { code: UNSUPPORTED_ENCODING } }
`;
    expect(await run(file)).toMatchObject({ code: EXIT.ok });
  });

  it('lets a codec remember what was given, and nothing from test to test', async () => {
    const node = new SparkplugEdgeNode({
      group: 'g',
      node: 'n',
      devices: { d: [{ name: 'temp', type: 'Double', value: () => 22 }] },
      clock: () => Date.parse(RECEIVED),
    });
    const message = ({ topic, payload }: { topic: string; payload: Buffer }): string =>
      `topic: ${topic}, payloadHex: '${payload.toString('hex')}', received: ${RECEIVED}`;
    const births = node.birth().map(message);
    const data = message(node.data(Date.parse(RECEIVED), 'd'));
    const file = `tests:
  - { name: born, given: [{ ${births.join(' }, { ')} }], ${data}, expect: { profile: sparkplug-b, readings: [{ values: { temp: 22 } }] } }
  - { name: unborn, ${data}, expect: { code: SPARKPLUG_NO_BIRTH } }
`;
    const { code, out } = await run(file);
    expect(out).toBe('tests.yaml: every profile that comes with Sluice\n  ok   born\n  ok   unborn\n2 tests, all good\n');
    expect(code).toBe(EXIT.ok);
  });

  it('says all that is wrong with a file, with line and column', async () => {
    const yaml = `settings: settings.yaml
tests:
  - { name: a, payload: x, expect: {} }
  - { name: b, topic: d/a, expect: { code: X, outcome: readings } }
  - { name: c, topic: d/a, payload: x, payloadHex: 'zz', expect: { readings: [] } }
  - { name: d, topic: d/a, payloadHex: 'abc', received: yesterday, expect: { readings: [{ measuredAt: noon }] } }
  - { name: e, topic: d/a, payloadFile: gone.bin, expect: { outcome: filtered, readings: [{}] } }
`;
    const told = await problemsOf(yaml);
    expect(told.split('\n').filter((line) => !line.startsWith('    hint'))).toEqual([
      'the tests are wrong:',
      expect.stringMatching(/^tests.yaml:3:5: error: tests\[0\]: a `topic` is needed/) as string,
      expect.stringMatching(/^tests.yaml:3:36: error: tests\[0\]\.expect: nothing is expected$/) as string,
      expect.stringMatching(/^tests.yaml:4:5: error: tests\[1\]: one of `payload`.* is needed, not 0$/) as string,
      expect.stringMatching(/^tests.yaml:4:44: error: tests\[1\]\.expect\.code: only what is filtered or dead-lettered/) as string,
      expect.stringMatching(/^tests.yaml:5:5: error: tests\[2\]: one of `payload`.* is needed, not 2$/) as string,
      expect.stringMatching(/^tests.yaml:5:78: error: tests\[2\]\.expect\.readings: a message without readings/) as string,
      expect.stringMatching(/^tests.yaml:6:40: error: tests\[3\]\.payloadHex: this is not hex$/) as string,
      expect.stringMatching(/^tests.yaml:6:57: error: tests\[3\]\.received: must be a time in ISO 8601/) as string,
      expect.stringMatching(/^tests.yaml:6:103: error: tests\[3\]\.expect\.readings\[0\]\.measuredAt: must be a time/) as string,
      expect.stringMatching(/^tests.yaml:7:41: error: tests\[4\]\.payloadFile: cannot read it: .*ENOENT/) as string,
      expect.stringMatching(/^tests.yaml:7:90: error: tests\[4\]\.expect\.readings: a message that is filtered has no readings$/) as string,
    ]);
  });

  it.each([
    ['tests: []', /tests\.yaml:1:8: error: tests: must not be empty/],
    ['', /"tests" is missing/],
    ['tests: [{ name: a, topic: t, payload: x, expect: { colour: red } }]', /unknown key "colour"/],
    ['tests: [{ name: a, topic: t, payload: x, expect: { readings: [{ flags: [laet] }] } }]', /must be one of .*late/],
    [one('{ profile: q }'), /tests\.yaml:7:24: error: expect\.profile: test "one": the settings have no profile "q"\n {4}hint: they have p/],
    [one('{ readings: [{ routes: [hot, al] }] }'), /expect\.readings\[0\]\.routes\[1\]: test "one": the settings have no route "al"/],
    [one('{ code: X }', '    given: [{ profile: z, payload: x }]\n'), /given\[0\]\.profile: test "one": the settings have no profile "z"/],
  ])('refuses %j', async (yaml, told) => expect(await problemsOf(yaml)).toMatch(told));

  it('refuses settings that are wrong or not there, and a file that is not there', async () => {
    expect(await problemsOf('settings: gone.yaml\ntests: [{ name: a, topic: t, payload: x, expect: { code: X } }]')).toContain('cannot read gone.yaml');
    await expect(test([join(dir, 'gone.yaml')], {}, { out: () => {}, err: () => {} })).rejects.toThrow(/there is no such file/);
    await expect(test([], {}, { out: () => {}, err: () => {} })).rejects.toMatchObject({ exitCode: EXIT.usage });
    await expect(test(['x', '--colour'], {}, { out: () => {}, err: () => {} })).rejects.toMatchObject({ exitCode: EXIT.usage });
  });

  it('tests other settings where they are named, and answers programs in JSON', async () => {
    const { code, out } = await run(one('{ readings: [{ device: b }] }').replace('settings.yaml', 'gone.yaml'), '-c', join(dir, 'settings.yaml'), '--json');
    expect(code).toBe(EXIT.failed);
    expect(JSON.parse(out)).toEqual({
      ok: false,
      passed: 0,
      failed: 1,
      tests: [{ file: 'tests.yaml', line: 3, column: 5, name: 'one', ok: false, differences: [{ path: 'readings[0].device', expected: 'b', found: 'a' }] }],
    });
  });
});
