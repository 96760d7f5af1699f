import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../../src/commands/verify.ts';
import { faultList, parseVerify } from '../../../src/commands/verify-options.ts';
import { FAULTS, faultOf, NEMESIS } from '../../../src/verify/faults/index.ts';

const parse = async (...argv: string[]): Promise<unknown> => await parseVerify(argv, { SLUICE_DEVICE_PASSWORD: 'secret' }, () => 42);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-verify-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('sluice verify: the faults', () => {
  it('have names of their own, and a line each in the help', () => {
    expect(new Set(FAULTS.map(({ kind }) => kind)).size).toBe(FAULTS.length);
    for (const { kind, doc } of FAULTS) expect(command.help).toMatch(new RegExp(`^[ *+^>]+ ${kind} +${doc.slice(0, 10).replaceAll(/[().*]/g, '.')}`, 'm'));
    expect(NEMESIS.filter((kind) => faultOf(kind)?.needs !== 'private')).toEqual([]);
    expect(command.help).toMatch(/^ {2}\+ leader-kill /m);
    expect(command.help).toMatch(/^ {2}\^ edge-term /m);
    expect(command.help).toMatch(/^ {2}> direct-term /m);
  });

  it('are all that can be injected, in the given order and number', () => {
    expect(faultList('all', 'private')).toEqual(FAULTS.map(({ kind }) => kind));
    expect(faultList('all', 'user')).toEqual(FAULTS.filter(({ needs }) => needs === 'none').map(({ kind }) => kind));
    expect(faultList('none', 'private')).toEqual([]);
    expect(faultList('reset, gateway-kill*2,random', 'private')).toEqual(['reset', 'gateway-kill', 'gateway-kill', 'random']);
  });

  it.each([
    ['nonsense', 'private', 'does not exist'],
    ['reset*x', 'private', 'does not exist'],
    ['', 'private', 'does not exist'],
    ['broker-kill', 'user', 'needs a private broker'],
    ['random', 'user', 'needs a private broker'],
    ['leader-kill', 'user', 'needs a private broker'],
  ] as const)('refuse %j (%s)', (list, mode, why) => {
    expect(() => faultList(list, mode)).toThrow(why);
  });
});

describe('sluice verify: the options', () => {
  it('have a private broker, all faults and a new seed by default', async () => {
    expect(await parse()).toMatchObject({ target: { mode: 'private', root: '.sluice' }, rate: 500, seconds: 30, devices: 50, seed: 42, json: undefined });
  });

  it("find the user's own broker and gateway in the settings", async () => {
    const file = join(dir, 'own.yaml');
    const routes = "[{ name: r, exchange: sluice.readings, routingKey: '{profile}' }]";
    writeFileSync(
      file,
      [
        'rabbitmq: { url: amqp://me:word@broker.test:5673 }',
        "profiles: [{ name: p, topics: ['devices/{device}'], device: '{device}' }]",
        'exchanges: [{ name: sluice.readings, type: topic }]',
        "queues: [{ name: sluice.out, bindings: [{ exchange: sluice.readings, routingKey: '#' }] }]",
        `routes: ${routes}`,
        'http: { port: 9601 }',
      ].join('\n'),
    );
    expect(await parse('-c', file, '--http', 'http://127.0.0.1:9601/', '--site', 'plant')).toMatchObject({
      target: {
        mode: 'user',
        amqpUrl: 'amqp://me:word@broker.test:5673',
        mqttUrl: 'mqtt://broker.test:1883',
        wsUrl: undefined,
        username: 'me',
        password: 'secret',
        httpUrl: 'http://127.0.0.1:9601',
        topicSite: 'plant',
      },
      rate: 100,
      faults: faultList('all', 'user'),
    });
    await expect(parse('-c', file, '--http', 'http://127.0.0.1:1', '--faults', 'broker-kill')).rejects.toThrow('needs a private broker');
  });

  it.each([
    [['--private', '--http', 'http://x'], 'leave out --http'],
    [['--http', 'http://x'], 'which settings'],
    [['--rate', 'fast'], '--rate is a number'],
    [['--rate', '2000', '--devices', '1'], 'per second and device'],
    [['--seed', '-1'], 'argument is ambiguous'],
    [['--nonsense'], "Unknown option '--nonsense'"],
    [['stray'], 'Unexpected argument'],
  ])('refuse %j', async (argv, why) => {
    await expect(parse(...argv)).rejects.toThrow(why);
    await expect(parse(...argv)).rejects.toMatchObject({ exitCode: 2 });
  });
});
