import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hashPassword, hashProblem, parseHash, verifyPassword, type PasswordHash } from '../../../../src/edge/access/password-hash.ts';

function verify(text: string, password: string): Promise<boolean> {
  return verifyPassword(parseHash(text) as PasswordHash, Buffer.from(password));
}

/** As `rabbit_password_hashing_sha256` and `_sha512` make it. */
function rabbitHash(kind: 'sha256' | 'sha512', salt: string, password: string): string {
  const bytes = Buffer.from(salt, 'hex');
  return Buffer.concat([bytes, createHash(kind).update(bytes).update(password).digest()]).toString('base64');
}

describe('a password hash', () => {
  it('verifies the password that it was made of, and no other', async () => {
    const text = await hashPassword('secret');
    expect(text).toMatch(/^\$scrypt\$ln=14,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(await hashPassword('secret')).not.toBe(text);
    expect(await verify(text, 'secret')).toBe(true);
    expect(await verify(text, 'secreT')).toBe(false);
    expect(await verify(text, '')).toBe(false);
  });

  it("is one that RabbitMQ's documentation gives as an example", async () => {
    // rabbitmq.com/docs/passwords: salt 908D C60A, password test12.
    const text = 'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR';
    expect(await verify(text, 'test12')).toBe(true);
    expect(await verify(text, 'test13')).toBe(false);
  });

  it.each(['sha256', 'sha512'] as const)('of %s, as a broker exports it', async (kind) => {
    const text = rabbitHash(kind, '01020304', 'pässword');
    expect(await verify(text, 'pässword')).toBe(true);
    expect(await verify(text, 'password')).toBe(false);
  });

  it('is one of the vectors of RFC 7914', async () => {
    const hash = 'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640';
    const known = { kind: 'scrypt', salt: Buffer.from('NaCl'), hash: Buffer.from(hash, 'hex'), cost: { ln: 10, r: 8, p: 16 } } as const;
    expect(await verifyPassword(known, Buffer.from('password'))).toBe(true);
  });

  it.each([
    ['', 'is no password hash'],
    ['secret', 'is no password hash'],
    ['$2b$10$abcdefghijklmnopqrstuv', 'of a kind that is not known'],
    ['$scrypt$ln=14,r=8$c2FsdHNhbHQ$aGFzaA', 'is not written like'],
    ['$scrypt$ln=14,r=8,p=1$c2FsdA$aGFzaGhhc2hoYXNoaGFzaA', 'less than 8 bytes of salt'],
    [`$scrypt$ln=30,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`, 'asks for more or less'],
    [`$scrypt$ln=14,r=99,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`, 'asks for more or less'],
    [`$scrypt$ln=1,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`, 'asks for more or less'],
    [Buffer.alloc(20).toString('base64'), 'is no password hash'],
  ])('is refused where it is none: %s', (text, reason) => {
    expect(hashProblem(text)).toContain(reason);
    expect(hashProblem(text)).not.toContain(text === '' ? 'no text' : text.slice(0, 40).padEnd(9, '.'));
    expect(parseHash(text)).toBeUndefined();
  });
});
