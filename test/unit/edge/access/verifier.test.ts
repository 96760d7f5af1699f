import { describe, expect, it, vi } from 'vitest';
import { hashPassword, type PasswordHash, parseHash, verifyPassword } from '../../../../src/edge/access/password-hash.ts';
import { Verifier } from '../../../../src/edge/access/verifier.ts';

const SHA = Buffer.alloc(36).toString('base64');
const HASH = parseHash(SHA) as PasswordHash;

/** Verifications that end when the test says so: those of the password `right` with yes. */
function held(): { readonly verify: typeof verifyPassword; readonly open: (() => void)[]; readonly count: () => number } {
  const open: (() => void)[] = [];
  let count = 0;
  return {
    open,
    count: () => count,
    verify: (_, password) => {
      count += 1;
      return new Promise((resolve) => open.push(() => resolve(password.toString() === 'right')));
    },
  };
}

describe('the verifier', () => {
  it('verifies few at a time, and refuses where too many wait', async () => {
    const { verify, open, count } = held();
    const verifier = new Verifier({ concurrency: 2, waiting: 3 }, verify);
    const answers = ['a', 'b', 'c', 'd', 'right'].map((password) => verifier.check('u', SHA, HASH, Buffer.from(password)));
    expect(verifier.check('u', SHA, HASH, Buffer.from('f'))).toBeUndefined();
    await vi.waitFor(() => expect(count()).toBe(2));
    for (let i = 0; i < 5; i += 1) {
      await vi.waitFor(() => expect(open.length).toBeGreaterThan(i));
      expect(count()).toBeLessThanOrEqual(i + 2);
      open[i]?.();
      await answers[i];
    }
    expect(await Promise.all(answers.map(async (answer) => answer))).toEqual([false, false, false, false, true]);
    expect(verifier.check('u', SHA, HASH, Buffer.from('g'))).toBeInstanceOf(Promise);
  });

  it('remembers who was right, and only that', async () => {
    const verify = vi.fn<typeof verifyPassword>(verifyPassword);
    const verifier = new Verifier({}, verify);
    const text = await hashPassword('right');
    const hash = parseHash(text) as PasswordHash;
    const check = (name: string, password: string): unknown => verifier.check(name, text, hash, Buffer.from(password));
    expect(await check('u', 'right')).toBe(true);
    expect(check('u', 'right')).toBe(true);
    expect(verify).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 2; i += 1) expect(await check('u', 'wrong')).toBe(false);
    expect(verify).toHaveBeenCalledTimes(3);
    // Another account with the same hash, and the same account with another hash, are others.
    expect(await check('v', 'right')).toBe(true);
    expect(verify).toHaveBeenCalledTimes(4);
    expect(await verifier.check('u', SHA, HASH, Buffer.from('right'))).toBe(false);
  });

  it('verifies once what comes many times at once', async () => {
    const { verify, open, count } = held();
    const verifier = new Verifier({ concurrency: 1, waiting: 1 }, verify);
    const answers = Array.from({ length: 1_000 }, () => verifier.check('site', SHA, HASH, Buffer.from('right')));
    await vi.waitFor(() => expect(open).toHaveLength(1));
    open[0]?.();
    expect(new Set(await Promise.all(answers.map(async (answer) => answer)))).toEqual(new Set([true]));
    expect(count()).toBe(1);
  });

  it('gives the turn back when a verification throws', async () => {
    const verifier = new Verifier({ concurrency: 1 }, () => Promise.reject(new Error('as the test wants it')));
    for (const password of ['a', 'b']) await expect(verifier.check('u', SHA, HASH, Buffer.from(password))).rejects.toThrow('as the test wants it');
  });
});
