import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/settings/load.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-edge-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function problemsOf(edge: string, more = ''): Promise<string[]> {
  const file = join(dir, 'sluice.yaml');
  writeFileSync(file, `edge: ${edge}\n${more}\n`);
  const loaded = await loadSettings(file, {});
  return (loaded.ok ? loaded.warnings : loaded.problems).map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

const HASH = `$scrypt$ln=14,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
const USERS = `users: [{ name: a, passwordHash: '${HASH}' }]`;

describe('settings of an edge', () => {
  it('are good with a door and an account, and then need no routes', async () => {
    expect(await problemsOf(`{ mode: bridge, tcp: {}, ${USERS} }`)).toEqual([]);
  });

  it('without a mode are those of a gateway, which needs routes', async () => {
    expect(await problemsOf(`{ tcp: {}, ${USERS} }`)).toEqual(['error routes: holds no rule, so nothing would be forwarded']);
  });

  it.each([
    ['nowhere to listen', `{ mode: bridge, ${USERS} }`, 'error edge: listens nowhere'],
    ['nobody who could connect', '{ mode: bridge, tcp: {} }', 'error edge.users: nobody could connect'],
    [
      'a name that is no level',
      `{ mode: bridge, tcp: {}, users: [{ name: a/b, passwordHash: '${HASH}' }] }`,
      'error edge.users[0].name: "a/b" cannot be a name',
    ],
    ['no hash', "{ mode: bridge, tcp: {}, users: [{ name: a, passwordHash: 'secret' }] }", 'error edge.users[0].passwordHash: this text is no password hash'],
    ['neither password nor certificate', '{ mode: bridge, tcp: {}, users: [{ name: a }] }', 'error edge.users[0]: has neither'],
    [
      'a certificate that nobody asks for',
      '{ mode: bridge, tcp: {}, users: [{ name: a, certificateOnly: true }] }',
      'warning edge.users[0]: can never connect',
    ],
    ['anybody, from anywhere', "{ mode: bridge, tcp: {}, anonymous: { publish: ['#'], subscribe: [] } }", 'warning edge.anonymous: whoever reaches the port'],
    ['a filter that is none', `{ mode: bridge, tcp: {}, ${USERS}, commands: ['a/#/b'] }`, 'error edge.commands[0]: '],
    [
      'certificates that nothing could prove',
      `{ mode: bridge, tls: { cert: x, key: y, clientCertificates: required }, ${USERS} }`,
      'error edge.tls.clientCertificates: has no effect without `ca`',
    ],
    [
      'more of a topic than in all',
      `{ mode: bridge, tcp: {}, ${USERS}, bridge: { inFlight: 5, inFlightPerTopic: 6 } }`,
      'error edge.bridge.inFlightPerTopic: is more than `inFlight`',
    ],
    [
      'no room for four packets',
      `{ mode: bridge, tcp: {}, ${USERS}, limits: { heldBytes: 65536 } }`,
      'error edge.limits.heldBytes: holds fewer than four packets',
    ],
    [
      'packets that RabbitMQ would refuse',
      `{ mode: bridge, tcp: {}, ${USERS}, limits: { packetBytes: 2000 } }`,
      'error edge.limits.packetBytes: is more than `rabbitmq.maxMessageBytes` (1024)',
      'rabbitmq: { maxMessageBytes: 1024 }',
    ],
  ])('tell of %s', async (_, edge, expected, more = '') => {
    const found = await problemsOf(edge, more);
    expect(found.filter((line) => line.startsWith(expected))).toHaveLength(1);
    expect(found.join('\n')).not.toContain('secret');
  });
});
