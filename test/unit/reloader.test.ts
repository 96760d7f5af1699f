import { afterEach, describe, expect, it } from 'vitest';
import type { GatewayEvent } from '../../src/domain/events.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import type { Topology } from '../../src/rabbit/topology.ts';
import { Reloader } from '../../src/app/reloader.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { VirtualTime } from '../support/sim/virtual-time.ts';
import { message } from './pipeline/fixtures.ts';
import { folderWith } from './settings/workbench.ts';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const BASE = `rabbitmq: { url: 'amqp://localhost' }
profiles: [{ name: one, topics: ['d/{device}'], device: '{device}' }]
exchanges: [{ name: out }]
routes:
  - { name: all, exchange: out }
`;

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function rig(recent: readonly InboundMessage[] = []) {
  const folder = await folderWith({ 'sluice.yaml': BASE });
  folders.push(folder);
  const file = path.join(folder, 'sluice.yaml');
  const start = await loadSettings(file, {});
  if (!start.ok) throw new Error(JSON.stringify(start.problems));
  const events: GatewayEvent[] = [];
  const did: string[] = [];
  const declared: Topology[] = [];
  let refuse: string | undefined;
  const reloader = new Reloader({
    start,
    load: async () => await loadSettings(file, {}),
    recent: () => recent,
    declare: async (topology) => {
      did.push('declare');
      declared.push(topology);
      if (refuse !== undefined) throw new Error(refuse);
      await Promise.resolve();
    },
    apply: (settings, version) => did.push(`apply ${settings.routes.map(({ name }) => name).join(' ')} ${version}`),
    observer: (event) => events.push(event),
    scheduler: new VirtualTime(() => 0.5),
  });
  const write = async (text: string): Promise<void> => await writeFile(file, text);
  return { reloader, write, events, did, declared, start, file, refuse: (why: string) => (refuse = why) };
}

describe('Reloader', () => {
  it('takes good settings over and tells what has changed', async () => {
    const { reloader, write, did, events, start } = await rig([message('d/1', '{"t":31}'), message('d/1', '{"t":1}')]);
    await write(BASE.replace('routes:\n', "routes:\n  - { name: hot, exchange: out, when: 'values.t > 30.0' }\n"));
    const report = await reloader.reload('signal');
    const { version } = reloader.inForce;
    expect(version).not.toBe(start.version);
    expect(report).toMatchObject({
      outcome: 'applied',
      version,
      problems: [],
      changes: ['routes[hot]: new'],
      trial: { messages: 2, same: 1, changes: [{ from: 'forwarded to all', to: 'forwarded to hot', messages: 1, topic: 'd/1' }] },
    });
    // Exchanges and queues are the same: there is nothing to declare.
    expect(did).toEqual([`apply hot all ${version}`]);
    expect(reloader.last).toBe(report);
    expect(events).toEqual([
      {
        type: 'config-reload',
        trigger: 'signal',
        outcome: 'applied',
        from: start.version,
        version,
        changes: 'routes[hot]: new',
        tried: 2,
        differing: 1,
        reason: undefined,
      },
    ]);
  });

  it('refuses wrong settings whole, with their place, and keeps the old ones', async () => {
    const { reloader, write, did, events, start, file } = await rig();
    await write(BASE.replace('exchange: out }', "exchange: out, when: 'valeus.t > 1.0' }"));
    expect(await reloader.reload('file')).toMatchObject({
      outcome: 'refused',
      version: start.version,
      problems: [{ file, line: 5, path: 'routes[0].when' }],
    });
    expect(did).toEqual([]);
    expect(reloader.inForce.settings).toBe(start.settings);
    expect(events).toMatchObject([{ outcome: 'refused', reason: expect.stringContaining(`${file}:5:`) as string }]);
  });

  it('refuses what a running gateway cannot take over, with its place, also where the rest is good', async () => {
    const { reloader, write, did, file } = await rig();
    await write(`${BASE.replace('name: all', 'name: every')}source: { prefetch: 17 }\n`);
    const report = await reloader.reload('http');
    expect(report).toMatchObject({
      outcome: 'refused',
      changes: ['source.prefetch', 'routes[every]: new', 'routes[all]: gone'],
      problems: [{ file, line: 6, path: 'source.prefetch', hint: 'restart the gateway, or put it back' }],
    });
    expect(did).toEqual([]);
  });

  it('does nothing where nothing has changed', async () => {
    const { reloader, write, did } = await rig();
    await write(`# a remark\n${BASE}`);
    expect(await reloader.reload('signal')).toMatchObject({ outcome: 'unchanged', trial: undefined });
    expect(did).toEqual([]);
  });

  it('declares new exchanges before it takes over, and does not where the broker will not have them', async () => {
    const { reloader, write, did, declared, refuse, start } = await rig();
    const more = BASE.replace('[{ name: out }]', '[{ name: out }, { name: more }]');
    refuse("exchange 'more': exists with other properties");
    await write(more);
    expect(await reloader.reload('signal')).toMatchObject({
      outcome: 'refused',
      version: start.version,
      problems: [{ file: '', message: /other properties/ }],
    });
    refuse(undefined as unknown as string);
    expect(await reloader.reload('signal')).toMatchObject({ outcome: 'applied', changes: ['exchanges[more]: new'] });
    expect(did).toEqual(['declare', 'declare', `apply all ${reloader.inForce.version}`]);
    expect(declared[0]?.exchanges.map(({ name }) => name)).toContain('more');
  });

  it('only says what would be in a dry run', async () => {
    const { reloader, write, did, events, start } = await rig([message('d/1', '{"t":1}')]);
    await write(BASE.replace('exchange: out }', 'exchange: out, topics: [none] }').replace('[{ name: out }]', '[{ name: out }, { name: more }]'));
    expect(await reloader.reload('http', true)).toMatchObject({
      outcome: 'would-apply',
      version: start.version,
      trial: { changes: [{ from: 'forwarded to all', to: 'dead-lettered NO_ROUTE', messages: 1 }] },
    });
    expect({ did, events, last: reloader.last }).toEqual({ did: [], events: [], last: undefined });
  });

  it('runs one at a time, each on what the one before left', async () => {
    const { reloader, write } = await rig();
    await write(BASE.replace('name: all', 'name: every'));
    const reports = await Promise.all([reloader.reload('signal'), reloader.reload('signal'), reloader.reload('file')]);
    expect(reports.map(({ outcome }) => outcome)).toEqual(['applied', 'unchanged', 'unchanged']);
  });
});
