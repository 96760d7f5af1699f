import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainConnectFailure } from '../../src/rabbit/reasons.ts';
import { type BrokerUser, localUsers } from '../../src/rabbit/definitions.ts';
import { buildTopology } from '../../src/rabbit/topology.ts';
import { METRICS } from '../../src/observe/definitions.ts';
import { EVENTS } from '../../src/observe/log-table.ts';
import { settingsJsonSchema } from '../../src/settings/reference.ts';

const FILE = new URL('../../docs/security.md', import.meta.url);
const page = (): string => readFileSync(FILE, 'utf8');
const RIGHTS = /(<!-- rights: [^\n]*-->\n)[\s\S]*?(<!-- \/rights -->)/;

const WHAT: Readonly<Record<string, string>> = {
  gateway: 'declares its exchanges and queues, consumes, publishes',
  consumer: 'reads what goes out and the dead letters, taps the live feed',
  operator: 'reads dead letters, sees the management pages',
  'plant-1': 'a whole site: publishes, hears commands',
  'plant-1.pump': 'one device',
};

/** The rights of each role, as they stand in the definitions. */
function rights(): string {
  const topology = buildTopology({
    ingest: { queue: 'sluice.ingest', topics: ['#'] },
    deadLetters: { exchange: 'sluice.dead', queue: 'sluice.dead' },
    exchanges: [],
    queues: [],
  });
  const account = (name: string): { name: string; password: string } => ({ name, password: 'x' });
  const users = localUsers(topology, {
    gateway: account('gateway'),
    consumer: account('consumer'),
    operator: account('operator'),
    devices: [account('plant-1'), { ...account('plant-1'), device: 'pump' }],
  });
  const code = (text: string): string => (text === '^$' ? 'nothing' : `\`${text.replaceAll('|', '\\|')}\``);
  const row = ({ name, configure, write, read }: BrokerUser): string => `| \`${name}\` | ${WHAT[name]} | ${[configure, write, read].map(code).join(' | ')} |`;
  const topics = users.flatMap((user) => user.topics.map((t) => `| \`${user.name}\` | ${code(t.write)} | ${code(t.read)} |`));
  return [
    '| account | what it is for | configure | write | read |',
    '| --- | --- | --- | --- | --- |',
    ...users.map(row),
    '',
    'and by topic, of `amq.topic` (the bound on the length is in bytes, and no control character passes):',
    '',
    '| account | publishes to | hears |',
    '| --- | --- | --- |',
    ...topics,
    '',
  ].join('\n');
}

describe('docs/security.md', () => {
  it('shows the rights that the definitions give (UPDATE_DOCS=1 rewrites them)', () => {
    const wanted = page().replace(RIGHTS, (_, begin: string, end: string) => `${begin}${rights()}${end}`);
    expect(wanted).toContain('plant-1.pump');
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(FILE, wanted);
    expect(page()).toBe(wanted);
  });

  it('quotes texts that the gateway says', () => {
    const reasons = [
      'SELF_SIGNED_CERT_IN_CHAIN',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'CERT_HAS_EXPIRED',
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    ]
      .map((code) => explainConnectFailure(Object.assign(new Error('x'), { code }), 'amqps://h').reason)
      .join('\n');
    const section = /### When a certificate is wrong([\s\S]*?)\n###/.exec(page())?.[1] ?? '';
    const quoted = section.split('\n').flatMap((line) => (/^\| (the broker[^|]*) \|/.exec(line)?.[1] ?? '').trim() || []);
    expect(quoted).toHaveLength(5);
    for (const text of quoted) expect(reasons).toContain(text);
  });

  it('names settings, metrics and events that exist', () => {
    const words = [...page().matchAll(/`((?:rabbitmq|http|gateway|log)\.[A-Za-z.]+)`/g)].map(([, word = '']) => word);
    expect(words.length).toBeGreaterThan(5);
    const schema = JSON.parse(settingsJsonSchema()) as { properties: Record<string, Schema> };
    for (const word of words.filter((each) => each !== 'rabbitmq.conf')) expect([word, lookUp(schema, word.split('.'))]).toEqual([word, true]);
    const metrics = [...page().matchAll(/\bsluice_\w+/g)].map(([word]) => word);
    expect(metrics.filter((name) => !(name in METRICS))).toEqual([]);
    expect(EVENTS).toHaveProperty('certificate-expiry');
  });
});

interface Schema {
  readonly properties?: Record<string, Schema>;
}

function lookUp(schema: Schema, path: readonly string[]): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return true;
  const next = schema.properties?.[first];
  return next !== undefined && lookUp(next, rest);
}
