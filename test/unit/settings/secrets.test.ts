import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { check } from '../../../src/commands/check.ts';
import { redact } from '../../../src/settings/redact.ts';
import { folderWith, GOOD, load, problemsOf, settingsOf } from './workbench.ts';

const PASSWORD = 'hunter2-hush';
const pem = (name: string): string => readFileSync(new URL(`../../vectors/tls/${name}.pem`, import.meta.url), 'utf8');
const KEY = pem('locked-key').trimEnd();
const CERT = pem('cert');
const SECRETIVE = `${GOOD}rabbitmq:
  urls: ['amqps://user:\${file:pw}@one/vh', "\${URL}"]
  tls: { cert: "\${file:cert.pem}", key: "\${file:key.pem}", passphrase: open-sesame }
`;
const GIVEN = { env: { URL: `amqps://user:${PASSWORD}@two:5671/vh` }, files: { pw: `${PASSWORD}\n`, 'key.pem': KEY, 'cert.pem': CERT } };

function mustHide(text: string): void {
  expect(text).not.toContain(PASSWORD);
  expect(text).not.toContain(KEY.split('\n')[1]);
  expect(text).not.toContain('open-sesame');
}

describe('secrets', () => {
  it('are in the settings, and not in their redacted copy', async () => {
    const settings = await settingsOf(SECRETIVE, GIVEN);
    expect(settings.rabbitmq.urls).toEqual([`amqps://user:${PASSWORD}@one/vh`, `amqps://user:${PASSWORD}@two:5671/vh`]);
    const shown = redact(settings);
    expect(shown.rabbitmq.urls).toEqual(['amqps://user:***@one/vh', 'amqps://user:***@two:5671/vh']);
    expect(shown.rabbitmq.tls).toEqual({ cert: CERT.trimEnd(), key: '***', passphrase: '***', expiryWarningDays: 30 });
    mustHide(JSON.stringify(shown));
    expect(settings.rabbitmq.tls?.key).toBe(KEY);
  });

  it('are hidden in each of several URLs that one variable holds', async () => {
    const nodes = `amqp://user:${PASSWORD}@one, amqp://user:${PASSWORD}@two:5673`;
    const settings = await settingsOf(`${GOOD}rabbitmq: { url: '\${URL}' }\n`, { env: { URL: nodes } });
    expect(settings.rabbitmq.urls).toEqual([`amqp://user:${PASSWORD}@one`, `amqp://user:${PASSWORD}@two:5673`]);
    expect(redact(settings).rabbitmq.urls).toEqual(['amqp://user:***@one', 'amqp://user:***@two:5673']);
  });

  it('passwords in any URL are hidden, also where no secret is expected', async () => {
    const settings = await settingsOf(GOOD.replace('- name: kept', `- name: kept\n    arguments: { x-note: 'http://a:${PASSWORD}@h/' }`));
    expect(redact(settings).queues[0]?.arguments).toEqual({ 'x-note': 'http://a:***@h/' });
  });

  it.each([
    ['--print', ['--print']],
    ['--json', ['--json']],
    ['--json --print', ['--json', '--print']],
    ['a plain check', []],
  ])('%s of the command shows none', async (_, options) => {
    const folder = await folderWith({ ...GIVEN.files, 's.yaml': SECRETIVE });
    let shown = '';
    const to = { out: (text: string) => void (shown += text), err: (text: string) => void (shown += text) };
    expect(await check([path.join(folder, 's.yaml'), ...options], GIVEN.env, to)).toBe(0);
    mustHide(shown);
  });

  it.each<[string, string]>([
    ['a URL that is none', `rabbitmq: { url: 'user:${PASSWORD}@h' }`],
    ['a URL of another kind', `rabbitmq: { url: 'http://user:${PASSWORD}@h' }`],
    ['a URL with a query', `rabbitmq: { url: 'amqp://user:${PASSWORD}@h?heartbeat=0' }`],
    ['a URL with a loose percent sign', `rabbitmq: { url: 'amqp://user:%${PASSWORD}@h' }`],
    ['the second of two URLs', `rabbitmq: { url: 'amqp://user:${PASSWORD}@h,http://user:${PASSWORD}@i' }`],
    ['two hosts in one URL', `rabbitmq: { url: 'amqp://user:${PASSWORD}@h,i' }`],
    ['a URL without quotes that YAML reads otherwise', `rabbitmq: { url: {amqp://user:${PASSWORD}@h} }`],
    ['a password that looks like an alias', `rabbitmq: { tls: { passphrase: *${PASSWORD} } }`],
    ['a password behind a tag', `rabbitmq: { tls: { passphrase: !${PASSWORD} } }`],
    ['a password after a quote', `rabbitmq: { tls: { passphrase: "x" ${PASSWORD} } }`],
    ['a password from a file in a wrong place', 'log: { level: "${file:pw}" }'],
    ['a password from a file in a key that is quoted', 'exchanges2: 1\nsource: { queue: a, topics: ["+${file:pw}"] }'],
    ['a password from the environment in a wrong place', 'http: { port: "${PW}" }'],
    ['a secret that is a list', `rabbitmq: { tls: { key: [${PASSWORD}] } }`],
  ])('the problem with %s does not quote it', async (_, text) => {
    const problems = await problemsOf(`${GOOD}${text}\n`, { env: { PW: PASSWORD }, files: { pw: PASSWORD } });
    expect(problems.length).toBeGreaterThan(0);
    mustHide(JSON.stringify(problems));
  });

  it('the URL of the management API is one of HTTP and hides its password', async () => {
    const given = await load(`${GOOD}rabbitmq: { management: 'http://watcher:${PASSWORD}@h:15672' }\n`);
    if (!given.ok) throw new Error(JSON.stringify(given.problems));
    expect(redact(given.settings).rabbitmq.management).toBe('http://watcher:***@h:15672/');
    const problems = await problemsOf(`${GOOD}rabbitmq: { management: 'amqp://watcher:${PASSWORD}@h' }\n`);
    expect(problems.map(({ message }) => message)).toEqual(['must begin with http:// or https://']);
  });

  it('a URL must be one that amqplib takes, without parameters that go past the settings', async () => {
    const tell = async (url: string): Promise<unknown> => (await problemsOf(`${GOOD}rabbitmq: { url: '${url}' }\n`))[0]?.message;
    expect(await tell('localhost')).toBe('is not a URL');
    expect(await tell('mqtt://h')).toBe('must begin with amqp:// or amqps://');
    expect(await tell('amqp://h?heartbeat=0')).toBe('must not have a query or a fragment');
    expect(await tell('amqp://u:100%@h')).toBe('has a % that begins no percent-encoding');
    expect(await tell('amqp://h,i:5672')).toBe('has a comma in its host');
    expect(await tell('amqp://h, mqtt://i')).toBe('URL 2 of 2 must begin with amqp:// or amqps://');
    expect(await tell('amqp://u:p,q@h,amqp://i')).toBeUndefined();
    expect(await tell('amqp://u:p%40@h:5672/%2Fprod')).toBeUndefined();
    expect((await load(`${GOOD}rabbitmq: { url: 'amqp://a', urls: ['amqp://b'] }\n`)).ok).toBe(false);
  });
});
