import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceAccounts, type DeviceAccountOptions } from '../../../src/commands/device-accounts.ts';
import { type BrokerUser, passwordHash } from '../../../src/rabbit/definitions.ts';
import { deviceUser } from '../../../src/rabbit/device-account.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-accounts-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function make(changes: Partial<DeviceAccountOptions>): string {
  return deviceAccounts({
    names: ['north/pump'],
    definitions: false,
    passwordsFile: undefined,
    password: undefined,
    exchange: 'amq.topic',
    vhost: '/',
    ...changes,
  });
}

interface Definitions {
  readonly users: { readonly name: string; readonly password_hash: string }[];
  readonly permissions: (Record<'user' | 'vhost', string> & Pick<BrokerUser, 'configure' | 'write' | 'read'>)[];
  readonly topic_permissions: Record<'user' | 'exchange' | 'write' | 'read', string>[];
  readonly queues: unknown[];
}

function holds(password: string, hash: string | undefined): boolean {
  return hash !== undefined && passwordHash(password, Buffer.from(hash, 'base64').subarray(0, 4)) === hash;
}

describe('sluice topology --device', () => {
  it('prints lines that a shell hands to rabbitmqctl as they are meant, without a password', () => {
    const text = make({ names: ['north/pump', 'south'], vhost: "it's", exchange: 'plant $x' });
    const stub = "rabbitmqctl() { for word; do printf '%s\\037' \"$word\"; done; printf '\\036'; }\n";
    const ran = execFileSync('sh', ['-eu', '-c', stub + text], { encoding: 'utf8' });
    const calls = ran.split('\u001e').flatMap((call) => (call === '' ? [] : [call.split('\u001f').slice(0, -1)]));
    const expected = [{ name: 'north', device: 'pump' }, { name: 'south' }].flatMap((account) => {
      const user = deviceUser({ ...account, password: 'x' }, 'plant $x');
      return [
        ['add_user', user.name],
        ['set_permissions', '-p', "it's", user.name, user.configure, user.write, user.read],
        ...user.topics.map((t) => ['set_topic_permissions', '-p', "it's", user.name, 'plant $x', t.write, t.read]),
      ];
    });
    expect(calls).toEqual(expected);
    expect(calls.map((call) => call[1])).toContain('north.pump');
  });

  it('makes a file of accounts alone, and one of their passwords that others cannot read', () => {
    const file = join(dir, 'new');
    const made = JSON.parse(
      make({ names: ['north/pump', 'south', 'south'], definitions: true, passwordsFile: file, password: 'not for several' }),
    ) as Definitions;
    expect(made.users.map(({ name }) => name)).toEqual(['north.pump', 'south']);
    expect(made.queues).toEqual([]);
    expect(made.permissions.map(({ user }) => user)).toEqual(['north.pump', 'south']);
    expect(made.topic_permissions.map(({ user }) => user)).toEqual(['north.pump', 'south']);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const saved = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' '));
    expect(saved.map(([name]) => name)).toEqual(['north.pump', 'south']);
    for (const [i, [, password = '']] of saved.entries()) {
      expect(password).toHaveLength(32);
      expect(holds(password, made.users[i]?.password_hash)).toBe(true);
    }
  });

  it('takes the password of one account from outside, and shows it to nobody', () => {
    const text = make({ definitions: true, password: 'given-from-outside' });
    expect(text).not.toContain('given-from-outside');
    expect(holds('given-from-outside', (JSON.parse(text) as Definitions).users[0]?.password_hash)).toBe(true);
  });

  it.each<[string, Partial<DeviceAccountOptions>, RegExp]>([
    ['a pattern', { names: ['.*'] }, /only A-Z/],
    ['a pattern for a device', { names: ['north/.*'] }, /device account 'north\/\.\*'/],
    ['a dot, which would be a level', { names: ['north.pump'] }, /only A-Z/],
    ['a third level', { names: ['a/b/c'] }, /SITE or SITE\/DEVICE/],
    ['nothing', { names: [''] }, /only A-Z/],
    ['an empty device', { names: ['north/'] }, /only A-Z/],
    ['passwords that nobody would ever see', { definitions: true }, /--passwords FILE/],
    ['a file without passwords', { passwordsFile: 'x' }, /--definitions/],
  ])('refuses %s', (_, changes, expected) => {
    expect(() => make(changes)).toThrow(expected);
  });

  it('writes over no older file, and makes no accounts then', () => {
    const file = join(dir, 'old');
    writeFileSync(file, 'kept');
    expect(() => make({ definitions: true, passwordsFile: file })).toThrow(/exists already/);
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });
});

describe('the rights of a device', () => {
  const queueOf = (clientId: string): string => `mqtt-subscription-${clientId}qos1`;
  it.each([
    ['a site', { name: 'north' }, ['north', 'north.x', 'north:x', 'north/x'], ['north-2', 'northx', 'xnorth', 'north-2.x', 'south', '']],
    ['a device', { name: 'north', device: 'p' }, ['north.p', 'north.p.x', 'north.p:1'], ['north', 'north.px', 'north.p2', 'northxp', 'north.q']],
  ] as const)('of %s give queues to client ids of the account only', (_, account, own, foreign) => {
    const configure = new RegExp(deviceUser({ ...account, password: 'x' }, 'amq.topic').configure);
    for (const id of own) expect([id, configure.test(queueOf(id))]).toEqual([id, true]);
    for (const id of foreign) expect([id, configure.test(queueOf(id))]).toEqual([id, false]);
  });
});
