import path from 'node:path';
import { Ajv } from 'ajv';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/domain/profile.ts';
import { loadSettings } from '../../../src/settings/load.ts';
import { SettingsSchema } from '../../../src/settings/schema.ts';
import { defaultOf, shapeOf } from '../../../src/settings/shape.ts';
import { folderWith, GOOD, linesOf, load, problemsOf, settingsOf } from './workbench.ts';

describe('good settings', () => {
  it('have every default, in the terms of the domain', async () => {
    const settings = await settingsOf(GOOD);
    expect(settings.rabbitmq).toEqual({
      urls: ['amqp://localhost:5672'],
      heartbeatSeconds: 5,
      connectTimeoutSeconds: 10,
      confirmTimeoutSeconds: 30,
      maxInFlightBatches: 256,
      maxInFlightBytes: 67_108_864,
      maxMessageBytes: 16_777_216,
    });
    expect(settings.gateway).toEqual({ name: 'sluice', stateDir: '.sluice/state', drainSeconds: 8, watchConfig: false });
    expect(settings.limits).toEqual(DEFAULT_LIMITS);
    expect(settings.source).toMatchObject({ queue: 'sluice.ingest', exchange: 'amq.topic', topics: ['#'], type: 'quorum', declare: true });
    expect(settings.retry).toEqual({ baseMs: 100, capMs: 10_000 });
    expect(settings.queues[0]).toMatchObject({ type: 'quorum', durable: true, overflow: 'reject-publish' });
    expect(settings.profiles[0]).toMatchObject({ name: 'json', codec: 'json', values: '$', exclude: [], time: undefined });
    expect(settings.routes[0]).toEqual({
      name: 'all',
      profiles: undefined,
      topics: undefined,
      when: undefined,
      continue: false,
      action: {
        kind: 'publish',
        exchange: 'out',
        routingKey: '{profile}',
        headers: undefined,
        batch: { count: 500, bytes: 262_144, ageMs: 100 },
        encoding: 'json',
        gzip: false,
        priority: undefined,
        ttlMs: undefined,
        delivery: 'confirmed',
        overflow: 'hold',
        laneReadings: 10_000,
        buryAfterMs: undefined,
      },
    });
  });

  it('turn seconds into milliseconds, a batch of one into no wait, and drop into an action', async () => {
    const settings = await settingsOf(`profiles:
  - { name: p, topics: ['+/{device}'], device: '{device}', time: { from: $.t, unit: s, futureSeconds: 1.5, lateSeconds: 2 } }
exchanges: [{ name: out }]
queues: [{ name: q, bindings: [{ exchange: out, routingKey: '#' }] }]
routes:
  - { name: noise, topics: [a/b], drop: true }
  - { name: one, exchange: out, batch: { count: 1, ageMs: 50 }, buryAfterSeconds: 90, headers: { a: '{device}' } }
`);
    expect(settings.profiles[0]?.time).toEqual({ from: '$.t', unit: 's', zone: 'Z', futureMs: 1500, lateMs: 2000 });
    expect(settings.routes[0]?.action).toEqual({ kind: 'drop' });
    expect(settings.routes[1]?.action).toMatchObject({ batch: { count: 1, ageMs: 0 }, buryAfterMs: 90_000, headers: { a: '{device}' } });
  });

  it('a section with nothing below it has its defaults', async () => {
    expect((await settingsOf(`${GOOD}dedupe:\nhttp: # nothing\n`)).http.port).toBe(9600);
  });

  it('anchors and aliases work', async () => {
    const settings = await settingsOf(
      `${GOOD}    batch: &b { count: 7 }\n  - { name: two, exchange: out, batch: *b, continue: true }\n`.replace(
        "routingKey: '{profile}'\n",
        "routingKey: '{profile}'\n    continue: true\n",
      ),
    );
    expect(settings.routes.map((r) => r.action.kind === 'publish' && r.action.batch.count)).toEqual([7, 7]);
  });

  it('names from outside stay names', async () => {
    const settings = await settingsOf(`${GOOD}    headers: { __proto__: a, constructor: b }\n`);
    const headers = settings.routes[0]?.action.kind === 'publish' ? settings.routes[0].action.headers : undefined;
    expect(Object.entries(headers ?? {})).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  it('the defaults of the schema pass its own bounds', () => {
    const filled = defaultOf(shapeOf(SettingsSchema)) as object;
    const route = defaultOf(shapeOf(SettingsSchema.properties.routes.items)) as object;
    const validate = new Ajv({ strict: false, allErrors: true }).compile(SettingsSchema);
    validate({ ...filled, routes: [{ ...route, name: 'r' }] });
    expect(validate.errors ?? []).toEqual([]);
  });
});

describe('each problem stands at its line and column', () => {
  it.each<[string, string, string[]]>([
    ['an unknown section', 'htpp: { port: 1 }', ['15:1 error htpp: unknown key "htpp"']],
    ['an unknown key', 'http:\n  prot: 1', ['16:3 error http.prot: unknown key "prot"']],
    ['a number out of bounds', 'http: { port: 65536 }', ['15:15 error http.port: must be at most 65535, is 65536']],
    ['a number below', 'source:\n  prefetch: 0', ['16:13 error source.prefetch: must be at least 1, is 0']],
    ['a fraction', 'source: { prefetch: 1.5 }', ['15:21 error source.prefetch: must be a whole number, is 1.5']],
    ['not a number', 'source: { prefetch: many }', ['15:21 error source.prefetch: must be a whole number, not "many"']],
    ['a number in quotes', "source: { prefetch: '5' }", ['15:21 error source.prefetch: must be a whole number, not "5"']],
    ['not finite', 'gateway: { drainSeconds: .inf }', ['15:26 error gateway.drainSeconds: must be a finite number']],
    ['not a text', 'gateway: { name: 12 }', ['15:18 error gateway.name: must be a text, not 12']],
    ['not a truth value', 'dedupe: { enabled: yes }', ['15:20 error dedupe.enabled: must be true or false, not "yes"']],
    ['none of the choices', 'log: { level: wran }', ['15:15 error log.level: must be one of fatal, error, warn, info, debug, trace, silent, not "wran"']],
    ['a text of another form', 'gateway: { name: a b }', ['15:18 error gateway.name: must match ^[A-Za-z0-9][A-Za-z0-9_.-]*$, not "a b"']],
    ['a list for a section', 'http: [1]', ['15:7 error http: must be a mapping, not a list']],
    ['a single value for a section', 'http: 9600', ['15:7 error http: must be a mapping, not a single value']],
    ['a single value for a list', "source: { topics: '#' }", ['15:19 error source.topics: must be a list, not a single value']],
    ['a mapping for a value', 'gateway: { name: {} }', ['15:18 error gateway.name: must be a text, not a mapping']],
    ['an empty list', 'source: { topics: [] }', ['15:19 error source.topics: must not be empty']],
    ['an empty text', "source: { queue: '' }", ['15:18 error source.queue: must not be empty']],
    ['no value', 'source:\n  queue:', ['16:9 error source.queue: has no value']],
    ['a key twice', 'http: { port: 1, port: 2 }', ['15:18 error http.port: key "port" stands here twice']],
    ['a section twice', 'routes: []', ['15:1 error routes: key "routes" stands here twice']],
    ['a missing key', 'exchanges2:\nlog: { level: info }', ['15:1 error exchanges2: unknown key "exchanges2"']],
    ['a key that is no text', 'http: { [a]: 1 }', ['15:9 error http: a key must be a text']],
    ['an alias to nothing', 'gateway: { name: *none }', ['15:18 error gateway.name: there is no anchor of this name above']],
    ['a merge key', 'http: { <<: { port: 1 } }', ['15:9 error http["<<"]: unknown key "<<"']],
    ['bytes, not characters', `source: { queue: '${'é'.repeat(128)}' }`, ['15:18 error source.queue: must not be longer than 255 bytes in UTF-8, is 256']],
    ['a name that AMQP reserves', 'deadLetters: { exchange: amq.dead }', ['15:26 error deadLetters.exchange: must match ^(?!amq\\.), not "amq.dead"']],
  ])('%s', async (_, text, expected) => {
    expect(await linesOf(`${GOOD}${text}\n`)).toEqual(expected);
  });

  it('what is missing is told at what it is missing from', async () => {
    expect(await linesOf('routes:\n  - { exchange: x }\n')).toEqual(['2:5 error routes[0].name: "name" is missing']);
    expect(await linesOf('')).toEqual(['1:1 error routes: holds no rule, so nothing would be forwarded']);
    expect(await linesOf('# only a comment\n')).toEqual(['1:1 error routes: holds no rule, so nothing would be forwarded']);
    expect(await linesOf('[]')).toEqual(['1:1 error : must be a mapping, not a list']);
  });

  it('all of them at once, in the order of the file', async () => {
    const lines = await linesOf(`gateway: { nmae: x }
profiles:
  - { name: a, device: '{x}', topics: ['t/{y}'] }
  - { name: a, topics: 5 }
routes:
  - { name: r, profiles: [b], exchange: e, batch: { cuont: 5 } }
  - { name: r, when: 'a +', exchange: e }
  - { name: s }
http: { port: '\${PORT}', host: 3 }
`);
    expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      '1:12 error gateway.nmae:',
      '3:24 error profiles[0].device:',
      '4:5 error profiles[1].device:',
      '4:13 error profiles[1].name:',
      '4:24 error profiles[1].topics:',
      '6:53 error routes[0].batch.cuont:',
      '7:13 error routes[1].name:',
      '7:22 error routes[1].when:',
      '7:39 warning routes[1].exchange:',
      '8:5 error routes[2].exchange:',
      '9:16 error http.port:',
      '9:32 error http.host:',
    ]);
  });

  it('hints say what was probably meant', async () => {
    const hints = async (text: string): Promise<unknown> => (await problemsOf(`${GOOD}${text}\n`))[0]?.hint;
    expect(await hints('htpp: {}')).toBe('did you mean "http"?');
    expect(await hints('log: { level: wran }')).toBe('did you mean "warn"?');
    expect(await hints('log: { zzz: 1 }')).toBe('known here: level, pretty');
    expect(await hints('gateway: { name: 12 }')).toBe("put it in quotes: '12'");
    expect(await hints('dedupe: { enabled: yes }')).toBe('YAML 1.2 knows only true and false');
    expect(await hints('http: { <<: {} }')).toBe('merge keys are not part of YAML 1.2');
  });
});

describe('what is not YAML', () => {
  it.each<[string, string, string]>([
    ['a bracket that is not closed', 'a: [1\nb: 2\n', '2:1'],
    ['a tab', 'a:\n\tb: 1\n', '2:1'],
    ['two documents', `${GOOD}---\n${GOOD}`, '15:1'],
    ['a tag that is not known', 'gateway: { name: !x y }\n', '1:18'],
  ])('%s has its line', async (_, text, at) => {
    const lines = await linesOf(text);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines[0]?.startsWith(`${at} `)).toBe(true);
  });

  it.each<[string, (n: number) => string]>([
    ['brackets', (n) => '['.repeat(n)],
    ['closed brackets', (n) => '['.repeat(n) + ']'.repeat(n)],
    ['braces', (n) => '{a: '.repeat(n) + '}'.repeat(n)],
    ['lists', (n) => `${'- '.repeat(n)}x`],
    ['keys', (n) => `${'? '.repeat(n)}x`],
    ['a list that holds itself', (n) => `routes: &a ${'['.repeat(n)}*a${']'.repeat(n)}`],
  ])('nested without measure, %s: a problem, not a broken stack', async (_, nested) => {
    // From about 500 levels on the parser came near the end of the stack, where V8 ended the process.
    for (const depth of [70, 500, 1000, 20_000]) {
      const lines = await linesOf(nested(depth));
      expect(lines).toEqual([expect.stringMatching(/^1:\d+ error : this is nested more than 64 levels deep$/)]);
    }
  });

  it('nested too deeply has its line', async () => {
    expect(await linesOf(`${GOOD}http:\n  host: ${'['.repeat(80)}\n`)).toEqual([expect.stringMatching(/^16:\d+ error : this is nested more than 64/)]);
    expect(await linesOf(`${GOOD}http:\n  host: ${'['.repeat(60)}${']'.repeat(60)}\n`)).toEqual(['16:9 error http.host: must be a text, not a list']);
  });

  it('braces around an interpolation without quotes are explained', async () => {
    const [problem] = await problemsOf(`${GOOD}http: { port: \${PORT} }\n`);
    expect(problem).toMatchObject({ line: 15, hint: 'inside { } and [ ] a value with ${...} must stand in quotes' });
  });

  it('aliases of aliases do not multiply without measure', async () => {
    const lines = ['a: &a0 [x]', ...Array.from({ length: 30 }, (_, i) => `b${i}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`), 'routes: *a30'];
    expect((await linesOf(lines.join('\n'))).length).toBeLessThan(100);
  });

  it('never rejects, whatever the text', async () => {
    const words = fc.constantFrom(
      'profiles',
      'routes',
      'name',
      ':',
      ': ',
      '- ',
      '\n',
      '  ',
      '[',
      ']',
      '{',
      '}',
      ',',
      '&a ',
      '*a',
      '${A}',
      '${',
      '$${',
      '"',
      "'",
      '|',
      '>',
      '#',
      '!!int ',
      '? ',
      '---\n',
      '%',
      '<<',
      'null',
      '1',
      '.nan',
      '\t',
      '\u0000',
      'topics',
      'rabbitmq',
      'url',
      'amqp://u:p@h',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(words, { maxLength: 60 }).map((w) => w.join('')),
      fc.array(words, { maxLength: 30 }).map((w) => `${GOOD}${w.join('')}`),
    );
    const folder = await folderWith({});
    const { writeFile } = await import('node:fs/promises');
    const file = path.join(folder, 'f.yaml');
    await fc.assert(
      fc.asyncProperty(text, async (yaml) => {
        await writeFile(file, yaml);
        const result = await loadSettings(file, {});
        const problems = result.ok ? result.warnings : result.problems;
        const lines = yaml.split(/\n/).length;
        expect(result.ok).toBe(problems.every((p) => p.severity === 'warning'));
        for (const p of problems) {
          expect(p.line).toBeGreaterThan(0);
          expect(p.line).toBeLessThanOrEqual(lines);
          expect(p.column).toBeGreaterThan(0);
          expect(p.message).not.toBe('');
        }
      }),
      { numRuns: 400 },
    );
  });

  it('never rejects for any value in the place of any key', async () => {
    const folder = await folderWith({});
    const { writeFile } = await import('node:fs/promises');
    const file = path.join(folder, 'f.yaml');
    const keys = Object.keys(SettingsSchema.properties);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 4 }), async (key, value) => {
        await writeFile(file, JSON.stringify({ routes: [{ name: 'r', exchange: 'x' }], [key]: value }));
        const result = await loadSettings(file, {});
        expect(result.ok ? result.warnings : result.problems).toSatisfy(Array.isArray);
      }),
      { numRuns: 300 },
    );
  });
});

describe('files that cannot be read', () => {
  it('are one clear problem each', async () => {
    const folder = await folderWith({ 'latin1.yaml': Uint8Array.from([0x61, 0x3a, 0x20, 0xe9]), 'big.yaml': '#'.repeat(4_194_305) });
    const tell = async (name: string): Promise<unknown> => {
      const result = await loadSettings(path.join(folder, name), {});
      return result.ok ? undefined : result.problems.map((p) => `${p.line}:${p.column} ${p.message.replaceAll(folder, '')}`);
    };
    expect(await tell('none.yaml')).toEqual(['1:1 cannot read /none.yaml: there is no such file']);
    expect(await tell('.')).toEqual(['1:1 cannot read : it is a folder']);
    expect(await tell('latin1.yaml')).toEqual(['1:1 cannot read /latin1.yaml: it is not UTF-8']);
    expect(await tell('big.yaml')).toEqual(['1:1 cannot read /big.yaml: it is larger than 4194304 bytes']);
  });

  it('a byte-order mark is no problem, and does not shift columns', async () => {
    expect(await linesOf('\ufeffgatewya: {}\nroutes: [{ name: r, drop: true }]\n')).toEqual(['1:1 error gatewya: unknown key "gatewya"']);
  });
});

describe('interpolation', () => {
  it('gives values the type that their key asks for', async () => {
    const settings = await settingsOf(
      `${GOOD}http: { host: "\${HOST:-127.0.0.1}", port: "\${PORT}" }\ndedupe:\n  enabled: \${DEDUPE:-false}\ngateway: { name: "\${NAME}", drainSeconds: '\${DRAIN}' }\n`,
      { env: { PORT: '8080', NAME: '42', DRAIN: '1.5' } },
    );
    expect(settings.http).toEqual({ host: '127.0.0.1', port: 8080, allowedHosts: [] });
    expect(settings.dedupe.enabled).toBe(false);
    expect(settings.gateway).toMatchObject({ name: '42', drainSeconds: 1.5 });
  });

  it('types free values as YAML would, and leaves those in quotes texts', async () => {
    const settings = await settingsOf(
      GOOD.replace(
        '- name: kept',
        "- name: kept\n    arguments:\n      a: ${N}\n      b: '${N}'\n      c: ${B}\n      d: 5\n      e: '5'\n      f: true\n      g: x",
      ),
      { env: { N: '7', B: 'true' } },
    );
    expect(settings.queues[0]?.arguments).toEqual({ a: 7, b: '7', c: true, d: 5, e: '5', f: true, g: 'x' });
  });

  it('reads files beside the settings, without the last line end', async () => {
    const settings = await settingsOf(`${GOOD}rabbitmq: { url: 'amqp://u:\${file:secrets/pw}@h' }\n`, { files: { 'secrets/pw': 'hush\n' } });
    expect(settings.rabbitmq.urls).toEqual(['amqp://u:hush@h']);
  });

  it('problems stand at the variable', async () => {
    expect(await linesOf(`${GOOD}gateway:\n  name: a-\${NONE}-\${file:nope}\n`)).toEqual([
      '16:11 error gateway.name: environment variable NONE is not set',
      '16:19 error gateway.name: ${file:nope}: there is no such file',
    ]);
    expect(await linesOf(`${GOOD}gateway: { name: "\${NONE}" }\n`)).toEqual(['15:19 error gateway.name: environment variable NONE is not set']);
  });

  it('a value from outside is checked like any other, and not shown', async () => {
    expect(await linesOf(`${GOOD}http:\n  port: \${PORT}\n`, { env: { PORT: 'topsecret' } })).toEqual([
      '16:9 error http.port: must be a whole number (after interpolation)',
    ]);
    expect(await linesOf(`${GOOD}http:\n  port: \${PORT}\n`, { env: { PORT: '70000' } })).toEqual([
      '16:9 error http.port: must be at most 65535 (after interpolation)',
    ]);
    expect(await linesOf(`${GOOD}http:\n  port: \${PORT}\n`, { env: { PORT: '' } })).toEqual([
      '16:9 error http.port: must be a whole number (after interpolation)',
    ]);
    expect(await linesOf(`${GOOD}log: { level: '\${L}' }\n`, { env: { L: 'topsecret' } })).toEqual([
      '15:15 error log.level: must be one of fatal, error, warn, info, debug, trace, silent (after interpolation)',
    ]);
  });

  it('does not reach into what every object has', async () => {
    expect(await linesOf(`${GOOD}gateway: { name: '\${constructor}' }\n`)).toEqual(['15:19 error gateway.name: environment variable constructor is not set']);
  });
});

describe('files of profiles', () => {
  const one = "name: two\ntopics: ['e/{device}']\ndevice: '{device}'\n";
  const several =
    "profiles:\n  - { name: three, topics: ['f/{device}'], device: '{device}' }\n  - { name: four, topics: ['g/{device}'], device: '{device}' }\n";

  it('stand behind those of the settings, in the order of their names', async () => {
    const settings = await settingsOf(`${GOOD}profileFiles: ['profiles/*.yaml', 'more.yaml']\n`, {
      files: {
        'profiles/b.yaml': several,
        'profiles/a.yaml': one,
        'profiles/.hidden.yaml': 'x',
        'profiles/note.txt': 'x',
        'more.yaml': one.replace('two', 'five').replace('e/', 'h/'),
      },
    });
    expect(settings.profiles.map((p) => p.name)).toEqual(['json', 'two', 'three', 'four', 'five']);
  });

  it('a file that two patterns name is read once', async () => {
    const settings = await settingsOf(`${GOOD}profileFiles: ['p/*.yaml', 'p/a.yaml']\n`, { files: { 'p/a.yaml': one } });
    expect(settings.profiles).toHaveLength(2);
  });

  it('their problems stand in their own file, with their own path', async () => {
    const lines = await linesOf(`${GOOD}profileFiles: [a.yaml, b.yaml, c.yaml]\n`, {
      files: {
        'a.yaml': one.replace('device: ', 'devcie: '),
        'b.yaml': several.replace("device: '{device}' }", "device: '{dev}' }"),
        'c.yaml': 'profiles: []\nroutes: []\n',
      },
    });
    expect(lines).toEqual([
      'a.yaml:1:1 error device: "device" is missing',
      'a.yaml:3:1 error devcie: unknown key "devcie"',
      'b.yaml:2:52 error device: no topic template captures {dev}',
      'c.yaml:1:11 error profiles: must not be empty',
      'c.yaml:2:1 error routes: unknown key "routes"',
    ]);
  });

  it('a name that two files use is told with both places', async () => {
    const [problem] = await problemsOf(`${GOOD}profileFiles: [a.yaml]\n`, { files: { 'a.yaml': one.replace('two', 'json') } });
    expect(problem).toMatchObject({
      line: 1,
      column: 7,
      path: 'name',
      message: expect.stringMatching(/^the name "json" is taken already \(.*settings\.yaml:2\)$/),
    });
  });

  it('a file that is not there is an error, a pattern without matches a warning', async () => {
    expect((await linesOf(`${GOOD}profileFiles: [none.yaml, 'none/*.yaml']\n`)).map((l) => l.replace(/\S*\/none\.yaml/, 'none.yaml'))).toEqual([
      '15:16 error profileFiles[0]: cannot read none.yaml: there is no such file',
      '15:27 warning profileFiles[1]: no file matches "none/*.yaml"',
    ]);
  });
});

describe('the version', () => {
  const versionOf = async (text: string, env: NodeJS.ProcessEnv = {}): Promise<string> => {
    const result = await load(text, { env });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    return result.version;
  };

  it('follows what is effective, not how it is written', async () => {
    const base = await versionOf(GOOD);
    expect(base).toMatch(/^[0-9a-f]{12}$/);
    expect(await versionOf(`# comment\n${GOOD}http: { port: 9600 }\n`)).toBe(base);
    expect(await versionOf(`${GOOD}http: { port: '\${P}' }\n`, { P: '9600' })).toBe(base);
    expect(await versionOf(`${GOOD}http: { port: 9601 }\n`)).not.toBe(base);
  });

  it('does not follow secrets', async () => {
    const text = `${GOOD}rabbitmq: { url: '\${URL}' }\n`;
    const base = await versionOf(text, { URL: 'amqp://u:one@h' });
    expect(await versionOf(text, { URL: 'amqp://u:two@h' })).toBe(base);
    expect(await versionOf(text, { URL: 'amqp://u:one@other' })).not.toBe(base);
  });
});
