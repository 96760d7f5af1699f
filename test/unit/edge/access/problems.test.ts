import { describe, expect, it } from 'vitest';
import { accessProblems } from '../../../../src/edge/access/problems.ts';

const HASH = Buffer.alloc(36).toString('base64');

describe('the settings of access', () => {
  it('are right', () => {
    const users = [
      { name: 'plant-1', passwordHash: HASH },
      { name: 'plant-1.pump', certificateOnly: true, publish: ['x/{username}/y-{clientid}/#'], subscribe: [] },
    ];
    expect(accessProblems({ users, anonymous: { publish: ['open/{clientid}/+'], subscribe: ['#'] } })).toEqual([]);
  });

  it.each([
    [{ name: '', passwordHash: HASH }, 'users.0.name', 'cannot be a name'],
    [{ name: 'a/b', passwordHash: HASH }, 'users.0.name', 'cannot be a name'],
    [{ name: 'a+', passwordHash: HASH }, 'users.0.name', 'cannot be a name'],
    [{ name: '$a', passwordHash: HASH }, 'users.0.name', 'cannot be a name'],
    [{ name: 'x'.repeat(129), passwordHash: HASH }, 'users.0.name', 'cannot be a name'],
    [{ name: 'a' }, 'users.0', 'nobody could ever log in'],
    [{ name: 'a', certificateOnly: true, passwordHash: HASH }, 'users.0.passwordHash', 'certificateOnly has no password'],
    [{ name: 'a', passwordHash: 'hunter2' }, 'users.0.passwordHash', 'is no password hash'],
    [{ name: 'a', passwordHash: HASH, publish: ['a', 'b/#/c'] }, 'users.0.publish.1', 'has # before its last level'],
    [{ name: 'a', passwordHash: HASH, subscribe: ['$SYS/#'] }, 'users.0.subscribe.0', 'begins with $'],
    [{ name: 'a', passwordHash: HASH, subscribe: ['a/{user}'] }, 'users.0.subscribe.0', 'holds "{user}"'],
    [{ name: 'a', passwordHash: HASH, subscribe: ['a/{username}+'] }, 'users.0.subscribe.0', 'a level of its own'],
    [{ name: 'a', passwordHash: HASH, subscribe: [''] }, 'users.0.subscribe.0', 'is empty'],
  ])('are wrong: %o', (user, path, message) => {
    const found = accessProblems({ users: [user] });
    expect(found.map((problem) => problem.path.join('.'))).toEqual([path]);
    expect(found[0]?.message).toContain(message);
  });

  it('are wrong where a name stands twice, or who is anonymous would have one', () => {
    const user = { name: 'a', passwordHash: HASH };
    expect(accessProblems({ users: [user, user] })).toEqual([{ path: ['users', 1, 'name'], message: '"a" is the name of users[0] already' }]);
    const found = accessProblems({ users: [], anonymous: { publish: ['{username}/x'], subscribe: [] } });
    expect(found[0]?.message).toContain('has no name');
  });

  it('are told without their secrets', () => {
    const texts = ['hunter2', '$scrypt$hunter2', '$2b$hunter2', `$scrypt$ln=30,r=8,p=1$${'hunter2'.padEnd(22, 'A')}$${'A'.repeat(43)}`];
    const found = accessProblems({ users: texts.map((passwordHash, i) => ({ name: `u${i}`, passwordHash })) });
    expect(found).toHaveLength(4);
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
});
