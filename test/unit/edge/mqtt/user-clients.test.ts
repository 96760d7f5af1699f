import { expect, it } from 'vitest';
import { UserClients } from '../../../../src/edge/mqtt/limits/user-clients.ts';

it('keeps the place of a client id until the last of its log-ins is over', () => {
  const connected = new Set<string>();
  const clients = new UserClients({
    most: 1,
    isConnected: (id) => connected.has(id),
    hasSession: () => false,
    sessionIds: () => [],
    ownerOf: () => undefined,
  });
  const [first, second, other] = [{}, {}, {}];
  expect([clients.mayEnter(first, 'a', 'a.1'), clients.mayEnter(second, 'a', 'a.1'), clients.mayEnter(other, 'a', 'a.2')]).toEqual([true, true, false]);
  // Who was refused has no log-in that could end.
  clients.entered(other, 'a.2');
  clients.entered(first, 'a.1');
  clients.entered(first, 'a.1');
  expect(clients.mayEnter(other, 'a', 'a.2')).toBe(false);
  connected.add('a.1');
  clients.entered(second, 'a.1');
  expect(clients.mayEnter(other, 'a', 'a.2')).toBe(false);
  connected.clear();
  expect([clients.mayEnter(other, 'a', 'a.2'), clients.mayEnter(first, 'b', 'b.1')]).toEqual([true, true]);
});
