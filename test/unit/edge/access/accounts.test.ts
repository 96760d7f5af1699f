import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { type AccessSettings, Accounts, type LoginAnswer, type LoginRequest } from '../../../../src/edge/access/accounts.ts';
import { verifyPassword } from '../../../../src/edge/access/password-hash.ts';
import { Verifier } from '../../../../src/edge/access/verifier.ts';

function hashOf(password: string): string {
  const salt = Buffer.from('salt');
  return Buffer.concat([salt, createHash('sha256').update(salt).update(password).digest()]).toString('base64');
}

const USERS: AccessSettings = {
  users: [
    { name: 'plant-1', passwordHash: hashOf('one') },
    { name: 'plant-2', passwordHash: hashOf('two'), clientIds: 'free' },
    { name: 'pump', certificateOnly: true },
    { name: 'a/b', passwordHash: hashOf('slash') },
    { name: 'broken', passwordHash: 'plain' },
  ],
};

function login(request: Partial<LoginRequest>, settings: AccessSettings = USERS, verifier = new Verifier()): Promise<LoginAnswer> {
  return new Promise((resolve) => {
    new Accounts(settings, verifier).authenticate({ clientId: '', username: undefined, password: undefined, certificate: undefined, ...request }, resolve);
  });
}

async function outcome(request: Partial<LoginRequest>, settings?: AccessSettings): Promise<string> {
  const answer = await login(request, settings);
  return answer.granted ? `${answer.who.name}` : answer.reason;
}

function by(username: string, password: string, clientId = ''): Partial<LoginRequest> {
  return { username, password: Buffer.from(password), clientId };
}

function certificate(commonName: string, altNames = ''): LoginRequest['certificate'] {
  return { commonName, altNames };
}

describe('who logs in', () => {
  it('needs name and password of an account', async () => {
    expect(await outcome(by('plant-1', 'one'))).toBe('plant-1');
    expect(await outcome(by('plant-1', 'two'))).toBe('bad-credentials');
    expect(await outcome(by('plant-1', ''))).toBe('bad-credentials');
    expect(await outcome({ username: 'plant-1' })).toBe('bad-credentials');
    expect(await outcome(by('nobody', 'one'))).toBe('bad-credentials');
    expect(await outcome(by('', 'one'))).toBe('bad-credentials');
    expect(await outcome({ password: Buffer.from('one') })).toBe('bad-credentials');
    expect(await outcome(by('plant-1', 'x'.repeat(2_000)))).toBe('bad-credentials');
    // As no settings that are checked have them.
    expect(await outcome(by('a/b', 'slash'))).toBe('bad-credentials');
    expect(await outcome(by('broken', 'plain'))).toBe('bad-credentials');
    expect(await outcome(by('__proto__', 'one'))).toBe('bad-credentials');
  });

  it('is nobody only where that is asked for, with rules of its own', async () => {
    expect(await outcome({})).toBe('not-authorized');
    const settings = { ...USERS, anonymous: { publish: ['open/#'], subscribe: [] } };
    const answer = await login({ clientId: 'some' }, settings);
    const accounts = new Accounts(settings);
    if (!answer.granted) throw new Error(answer.reason);
    expect(answer.who.name).toBeUndefined();
    expect(accounts.mayPublish(answer.who, 'some', 'open/x')).toBe(true);
    expect(accounts.mayPublish(answer.who, 'some', 'devices/some/x')).toBe(false);
    // A name that is unknown, or a wrong password, is not nobody.
    expect(await outcome(by('nobody', 'x'), settings)).toBe('bad-credentials');
    expect(await outcome({ clientId: 'plant-1.x' }, settings)).toBe('not-authorized');
  });

  it.each([
    ['plant-1', 'plant-1', true],
    ['plant-1', 'plant-1.x', true],
    ['plant-1', 'plant-1:x', true],
    ['plant-1', 'plant-1/x', true],
    ['plant-1', '', true],
    ['plant-1', 'aedes_0b4f1c9e-7a45-4c3e-9a53-5a35f0f7d9c1', true],
    ['plant-1', 'aedes_x', false],
    ['plant-1', 'plant-12', false],
    ['plant-1', 'plant-1-x', false],
    ['plant-1', 'plant-2', false],
    ['plant-1', 'other', false],
    ['plant-2', 'other', true],
    ['plant-2', 'other.x/y', true],
    ['plant-2', 'plant-1', false],
    ['plant-2', 'plant-1.x', false],
    ['plant-2', 'pump:x/y', false],
  ])('%s as the client %s: %s', async (name, clientId, expected) => {
    expect(await outcome(by(name, name === 'plant-1' ? 'one' : 'two', clientId))).toBe(expected ? name : 'not-authorized');
  });

  it('may be named by a certificate', async () => {
    expect(await outcome({ certificate: certificate('pump') })).toBe('pump');
    expect(await outcome({ certificate: certificate('pump'), username: 'pump' })).toBe('pump');
    expect(await outcome({ ...by('pump', 'any'), certificate: certificate('pump') })).toBe('pump');
    expect(await outcome({ certificate: certificate('plant-1') })).toBe('plant-1');
    expect(await outcome({ certificate: certificate('plant-1'), clientId: 'plant-2' })).toBe('not-authorized');
    // Who gives a password is asked for it.
    expect(await outcome({ ...by('plant-1', 'wrong'), certificate: certificate('plant-1') })).toBe('bad-credentials');
    expect(await outcome({ ...by('plant-1', 'one'), certificate: certificate('pump') })).toBe('plant-1');
    expect(await outcome({ username: 'plant-1', certificate: certificate('pump') })).toBe('bad-credentials');
    expect(await outcome({ certificate: certificate('nobody') })).toBe('not-authorized');
    expect(await outcome({ certificate: certificate('') })).toBe('not-authorized');
  });

  it('needs the certificate where the account has no password', async () => {
    expect(await outcome(by('pump', ''))).toBe('bad-credentials');
    expect(await outcome({ ...by('pump', 'x'), certificate: certificate('plant-1') })).toBe('bad-credentials');
    const both = { users: [{ name: 'pump', certificateOnly: true, passwordHash: hashOf('x') }] };
    expect(await outcome(by('pump', 'x'), both)).toBe('bad-credentials');
  });

  it.each([
    ['dns', 'DNS:pump, URI:urn:x', 'pump'],
    ['uri', 'DNS:x, URI:pump', 'pump'],
    ['email', 'email:pump', 'pump'],
    ['dns', 'DNS:pump, DNS:plant-1', 'not-authorized'],
    ['dns', 'URI:"http://x, DNS:pump"', 'not-authorized'],
    ['dns', '', 'not-authorized'],
  ] as const)('is found in the alternative names: %s of %s: %s', async (field, altNames, expected) => {
    expect(await outcome({ certificate: certificate('plant-1', altNames) }, { ...USERS, certificateName: field })).toBe(expected);
  });

  it('costs as much under an unknown name as under a known one', async () => {
    const verify = vi.fn<typeof verifyPassword>(verifyPassword);
    const verifier = new Verifier({}, verify);
    for (const name of ['nobody', 'pump', 'plant-1'])
      expect(await login(by(name, 'wrong'), USERS, verifier)).toEqual({ granted: false, reason: 'bad-credentials' });
    expect(verify).toHaveBeenCalledTimes(3);
    // Also with the very password of the account whose hash stands in.
    const one = { users: [USERS.users[0] as (typeof USERS.users)[number]] };
    for (let i = 0; i < 2; i += 1) expect(await login(by('nobody', 'one'), one, verifier)).toEqual({ granted: false, reason: 'bad-credentials' });
    expect(await login(by('nobody', 'x'), { users: [] }, new Verifier({}, verify))).toEqual({ granted: false, reason: 'bad-credentials' });
  });

  it('is told to come later when too many wait', async () => {
    const verifier = new Verifier({ concurrency: 1, waiting: 0 }, () => new Promise(() => {}));
    const accounts = new Accounts(USERS, verifier);
    const request = (password: string): LoginRequest => ({ clientId: '', username: 'plant-1', password: Buffer.from(password), certificate: undefined });
    accounts.authenticate(request('a'), () => {});
    const answers: LoginAnswer[] = [];
    accounts.authenticate(request('b'), (answer) => answers.push(answer));
    expect(answers).toEqual([{ granted: false, reason: 'unavailable' }]);
  });
});
