import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, FleetError, type FleetOptions } from '../../../devices/fleet.ts';
import { messageKey, readLedger } from '../../../devices/ledger.ts';
import { type Broker, type BrokerOptions, type Seen, startBroker, temporaryFolder, until } from './support.ts';

const cleanup: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) {
    await undo();
  }
});

async function broker(options: BrokerOptions = {}): Promise<Broker> {
  const running = await startBroker(options);
  cleanup.push(() => running.close());
  return running;
}

function fleetOf(options: FleetOptions): Fleet {
  const fleet = new Fleet({ connectRate: 5000, retryMs: { first: 10, most: 50 }, faultShare: 0, site: 's1', ...options });
  cleanup.push(() => fleet.stop(0));
  return fleet;
}

function ledgerFile(): string {
  const folder = temporaryFolder();
  cleanup.push(folder.remove);
  return folder.path('ledger.ndjson');
}

const isStatus = ({ topic }: { topic: string }): boolean => topic.endsWith('/status');
const keyOf = (seen: { topic: string; text: string }): string => messageKey(seen.topic, (JSON.parse(seen.text) as { seq: number }).seq);

describe('fleet', () => {
  it('over TCP and WebSocket: every message planned arrives once, in order per topic, and the ledger is equal to what arrived', async () => {
    const server = await broker();
    const ledger = ledgerFile();
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, wsUrl: server.wsUrl, devices: 20, intervalMs: 20, messages: 400, audit: true, ledger });
    await fleet.start();
    await fleet.done();
    const stats = await fleet.stop(10_000);
    expect(stats).toMatchObject({
      devices: 20,
      connections: 20,
      connected: 20,
      planned: 400,
      attempted: 400,
      pubacked: 400,
      inFlight: 0,
      overdue: 0,
      silent: 0,
    });
    expect(stats).toMatchObject({ reconnects: 0, resent: 0, failed: 0, statusPubacked: 40 });
    const content = readLedger(ledger);
    const arrived = server.arrived.filter((seen) => !isStatus(seen));
    expect(arrived.length).toBe(400);
    expect(arrived.every(({ qos, dup }) => qos === 1 && !dup)).toBe(true);
    expect(new Set(arrived.map(keyOf))).toEqual(new Set(content.attempted.keys()));
    expect(content.pubacked).toEqual(new Set(content.attempted.keys()));
    expect(content.truncated).toBe(false);
    const last = new Map<string, number>();
    for (const { topic, text } of arrived) {
      const { seq } = JSON.parse(text) as { seq: number };
      expect(seq).toBe((last.get(topic) ?? 0) + 1);
      last.set(topic, seq);
    }
    // Half of the connections each, and the subprotocol is the one of the specification [MQTT-6.0.0-3].
    expect(server.subprotocols).toEqual(Array.from({ length: 10 }, () => 'mqtt'));
  });

  it('with several nodes: connections are spread, and those of a node that dies go on at the next one with all that they owe', async () => {
    const nodes = [await broker({ onPublish: (_, accept) => void setTimeout(accept, 5) }), await broker()] as const;
    const urls = nodes.map(({ mqttUrl }) => mqttUrl);
    const ledger = ledgerFile();
    const fleet = fleetOf({ mqttUrl: urls, devices: 10, intervalMs: 10, messages: 1000, audit: true, ledger });
    await fleet.start();
    await until('both nodes have messages', () => nodes[0].arrived.length > 50 && nodes[1].arrived.length > 50);
    await nodes[0].close();
    await fleet.done();
    expect(await fleet.stop(20_000)).toMatchObject({ connected: 10, pubacked: 1000, inFlight: 0 });
    const arrived = new Set(nodes.flatMap((node) => node.arrived.filter((seen) => !isStatus(seen)).map(keyOf)));
    expect(arrived).toEqual(readLedger(ledger).pubacked);
    expect(new Set(nodes.map((node) => node.connects.length > 4))).toEqual(new Set([true]));
  });

  it('starts where one of several nodes is not there, and not where none is', async () => {
    const node = await broker();
    const gone = 'mqtt://127.0.0.1:1';
    const fleet = fleetOf({ mqttUrl: [gone, node.mqttUrl], devices: 4, messages: 4 });
    await fleet.start();
    await fleet.done();
    expect(await fleet.stop(10_000)).toMatchObject({ connected: 4, pubacked: 4 });
    await expect(fleetOf({ mqttUrl: [gone, 'mqtt://127.0.0.1:2'], devices: 1 }).start()).rejects.toThrow(/no MQTT broker answers at mqtt:\/\/127\.0\.0\.1:2/);
  });

  it('the same seed and start time give the same messages on every run', async () => {
    const runs: string[][] = [];
    for (let run = 0; run < 2; run += 1) {
      const server = await broker();
      const fleet = fleetOf({ mqttUrl: server.mqttUrl, devices: 10, intervalMs: 5, messages: 200, seed: 42, startTime: 1_700_000_000_000, faultShare: 0.5 });
      await fleet.start();
      await fleet.done();
      await fleet.stop(10_000);
      runs.push(server.arrived.map(({ topic, text }) => `${topic} ${text}`).sort());
    }
    expect(runs[0]?.length).toBeGreaterThan(180);
    expect(runs[0]).toEqual(runs[1]);
  });

  it('many devices share few connections; QoS mix is one QoS per device; sessions persist under fixed names', async () => {
    const server = await broker();
    const fleet = fleetOf({
      mqttUrl: server.mqttUrl,
      devices: 40,
      connections: 3,
      rate: 4000,
      messages: 400,
      qos: 'mix',
      username: 's1',
      password: 'x',
      prefix: 'p-',
    });
    await fleet.start();
    await fleet.done();
    const stats = await fleet.stop(10_000);
    expect(stats.attempted).toBe(400);
    expect(stats.pubacked + stats.unanswered).toBe(400);
    expect(server.connects.map(({ clientId }) => clientId).sort()).toEqual(['s1-p-hub-0001', 's1-p-hub-0002', 's1-p-hub-0003']);
    expect(server.connects.every(({ clean, username }) => !clean && username === 's1')).toBe(true);
    const qosOf = new Map<string, Set<number>>();
    for (const seen of server.arrived.filter((seen) => !isStatus(seen))) {
      const device = seen.topic.split('/').slice(0, 3).join('/');
      qosOf.set(device, (qosOf.get(device) ?? new Set()).add(seen.qos));
    }
    expect(qosOf.size).toBe(40);
    expect([...qosOf.values()].every((set) => set.size === 1)).toBe(true);
    expect(new Set([...qosOf.values()].flatMap((set) => [...set]))).toEqual(new Set([0, 1]));
  });

  it('says online on connect and offline before a clean end, and leaves a last will where it is cut off', async () => {
    const server = await broker();
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, wsUrl: server.wsUrl, devices: 2, profiles: ['thermostat'], intervalMs: 1000, messages: 0 });
    await fleet.start();
    const topics = ['devices/s1/thermostat-0001/status', 'devices/s1/thermostat-0002/status'];
    const said = (topic: string): string[] => server.published.filter((seen) => seen.topic === topic).map(({ text }) => text);
    await until('both online', () => topics.every((topic) => said(topic).length === 1));
    expect(new Set(server.connects.map(({ will }) => will))).toEqual(new Set(topics.map((topic) => `${topic} {"status":"offline"} qos 1 retain false`)));
    server.dropAll();
    await until('will and online again', () => topics.every((topic) => said(topic).length === 3));
    await until('both statuses answered', () => fleet.stats().statusPubacked === 4);
    const stats = await fleet.stop(10_000);
    expect(stats.reconnects).toBe(2);
    expect(server.connects.map(({ clientId }) => clientId).sort()).toEqual([1, 1, 2, 2].map((n) => `s1-thermostat-000${n}`));
    // A third device that is cut off after the two have gone: its will comes after any will of theirs.
    await until('both gone', () => server.aedes.connectedClients === 0);
    const third = fleetOf({ mqttUrl: server.mqttUrl, devices: 1, prefix: 'third-', messages: 0 });
    await third.start();
    await until('third online', () => third.stats().statusPubacked === 1);
    server.dropAll();
    await until('third will', () => said('devices/s1/third-thermostat-0001/status').includes('{"status":"offline"}'));
    // A clean DISCONNECT discards the will [MQTT-3.14.4-3]: one offline, by ourselves.
    for (const topic of topics) {
      expect(said(topic)).toEqual(['{"status":"online"}', '{"status":"offline"}', '{"status":"online"}', '{"status":"offline"}']);
    }
  });

  it('what is in the ledger as acknowledged is what the broker acknowledged, exactly, also for messages that never are', async () => {
    const accepted = new Set<string>();
    const server = await broker({
      onPublish(seen, accept) {
        // Every fifth message of a device is never answered.
        if (isStatus(seen) || (JSON.parse(seen.text) as { seq: number }).seq % 5 !== 0) {
          if (!isStatus(seen)) {
            accepted.add(keyOf(seen));
          }
          accept();
        }
      },
    });
    const ledger = ledgerFile();
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, devices: 5, intervalMs: 5, messages: 50, ledger });
    await fleet.start();
    await fleet.done();
    await until('all arrived', () => server.arrived.filter((seen) => !isStatus(seen)).length === 50);
    const stats = await fleet.stop(300);
    const content = readLedger(ledger);
    expect(content.attempted.size).toBe(50);
    expect(content.pubacked).toEqual(accepted);
    expect(accepted.size).toBe(40);
    expect(stats).toMatchObject({ attempted: 50, pubacked: 40, inFlight: 10 });
  });

  it('survives a broker that drops connections in the middle: nothing lost, nothing counted that was not acknowledged, re-sent with DUP, identifier and order kept', async () => {
    const accepted = new Set<string>();
    const held: Seen[] = [];
    const firstId = new Map<string, number | undefined>();
    const wrong: string[] = [];
    let drops = 0;
    let arrivals = 0;
    const server = await broker({
      onPublish(seen, accept) {
        if (isStatus(seen)) {
          accept();
          return;
        }
        arrivals += 1;
        const key = keyOf(seen);
        const before = firstId.get(key);
        if (before !== undefined && (before !== seen.packetId || !seen.dup)) {
          wrong.push(`${key} first ${before}, again ${seen.packetId} dup ${seen.dup}`);
        }
        firstId.set(key, before ?? seen.packetId);
        if (drops < 6 && arrivals % 50 >= 40) {
          // These get no PUBACK, and soon nobody has a connection left.
          held.push(seen);
          if (arrivals % 50 === 49) {
            drops += 1;
            server.dropAll();
          }
          return;
        }
        accepted.add(key);
        accept();
      },
    });
    const ledger = ledgerFile();
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, wsUrl: server.wsUrl, devices: 8, connections: 4, rate: 1000, messages: 500, window: 20, ledger });
    await fleet.start();
    const early: string[] = [];
    const watch = setInterval(() => {
      // At no moment more in the ledger's books than the broker took.
      if (fleet.stats().pubacked > accepted.size) {
        early.push(`${fleet.stats().pubacked} > ${accepted.size}`);
      }
    }, 2);
    await fleet.done();
    const stats = await fleet.stop(10_000);
    clearInterval(watch);
    expect(drops).toBe(6);
    expect(held.length).toBeGreaterThan(30);
    expect(early).toEqual([]);
    expect(wrong).toEqual([]);
    expect(stats).toMatchObject({ attempted: 500, pubacked: 500, inFlight: 0, overdue: 0 });
    expect(stats.resent).toBeGreaterThanOrEqual(held.length / 2);
    expect(stats.reconnects).toBeGreaterThan(6);
    const content = readLedger(ledger);
    expect(content.pubacked).toEqual(accepted);
    expect(content.pubacked.size).toBe(500);
    // First arrivals in order per topic, in spite of everything [MQTT-4.6.0-1].
    const last = new Map<string, number>();
    const known = new Set<string>();
    for (const seen of server.arrived) {
      if (isStatus(seen) || known.has(keyOf(seen))) {
        continue;
      }
      known.add(keyOf(seen));
      const { seq } = JSON.parse(seen.text) as { seq: number };
      expect(seq).toBe((last.get(seen.topic) ?? 0) + 1);
      last.set(seen.topic, seq);
    }
    expect(server.arrived.some(({ dup }) => dup)).toBe(true);
  });

  it('a full window holds messages back, and the lateness is counted', async () => {
    let open = false;
    const waiting: (() => void)[] = [];
    const server = await broker({
      onPublish(seen, accept) {
        if (open || isStatus(seen)) {
          accept();
        } else {
          waiting.push(accept);
        }
      },
    });
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, devices: 1, profiles: ['thermostat'], intervalMs: 2, messages: 200, window: 10 });
    await fleet.start();
    await until('200 planned', () => fleet.stats().planned === 200);
    expect(fleet.stats()).toMatchObject({ attempted: 10, pubacked: 0, inFlight: 10, overdue: 190 });
    open = true;
    for (const accept of waiting) {
      accept();
    }
    await fleet.done();
    const stats = await fleet.stop(10_000);
    expect(stats).toMatchObject({ attempted: 200, pubacked: 200, overdue: 0 });
    expect(stats.lateMs.max).toBeGreaterThan(200);
    expect(stats.pubackMs.max).toBeGreaterThanOrEqual(stats.lateMs.max * 0.9);
    // The device times are the planned ones.
    const times = server.arrived.filter((seen) => !isStatus(seen)).map(({ text }) => (JSON.parse(text) as { time: number }).time);
    expect(times.map((time) => time - (times[0] as number))).toEqual(Array.from({ length: 200 }, (_, k) => 2 * k));
  });

  it('waits for a broker that goes away, and catches up', async () => {
    const first = await startBroker();
    const fleet = fleetOf({ mqttUrl: first.mqttUrl, devices: 3, intervalMs: 10, messages: 150 });
    await fleet.start();
    await until('some sent', () => fleet.stats().pubacked > 10);
    await first.close();
    await until('down', () => fleet.stats().connected === 0 && fleet.stats().overdue > 20);
    expect(fleet.stats().lastError).toContain('ECONNREFUSED');
    const second = await broker({ port: first.port });
    await fleet.done();
    const stats = await fleet.stop(10_000);
    expect(stats).toMatchObject({ attempted: 150, pubacked: 150, overdue: 0, connected: 3 });
    const keys = new Set([...first.arrived, ...second.arrived].filter((seen) => !isStatus(seen)).map(keyOf));
    expect(keys.size).toBe(150);
  });

  it('replays a series beside the devices', async () => {
    const server = await broker();
    const series = { times: [0, 10, 20], rows: [{ a: 1 }, { a: 2 }, { a: 3 }] };
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, series, audit: true, firstSeq: 11 });
    await fleet.start();
    await fleet.done();
    expect(await fleet.stop(5000)).toMatchObject({ devices: 1, attempted: 3, pubacked: 3 });
    const bodies = server.arrived.filter((seen) => !isStatus(seen)).map(({ text }) => JSON.parse(text) as { kind: string; values: { a: number; n: number } });
    expect(bodies.map(({ values }) => [values.a, values.n])).toEqual([
      [1, 11],
      [2, 12],
      [3, 13],
    ]);
  });
});

describe('a fleet that cannot start', () => {
  const codeOf = async (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'started',
      (error: unknown) => `${(error as FleetError).code}: ${(error as Error).message}`,
    );

  it('says unreachable, over TCP and WebSocket', async () => {
    const server = await startBroker();
    await server.close();
    expect(await codeOf(fleetOf({ mqttUrl: server.mqttUrl, devices: 3 }).start())).toMatch(/^unreachable: no MQTT broker answers at mqtt:.*ECONNREFUSED/);
    expect(await codeOf(fleetOf({ wsUrl: server.wsUrl, devices: 3 }).start())).toMatch(/^unreachable: no MQTT broker answers at ws:.*ECONNREFUSED/);
    const good = await broker();
    expect(await codeOf(fleetOf({ mqttUrl: good.mqttUrl, wsUrl: server.wsUrl, devices: 3 }).start())).toMatch(/^unreachable: .* at ws:/);
  });

  it.each([4, 5])('says refused for CONNACK %i', async (code) => {
    const server = await broker({ refuse: (_username, password) => (password === 'right' ? undefined : code) });
    expect(await codeOf(fleetOf({ mqttUrl: server.mqttUrl, username: 's1', password: 'wrong' }).start())).toMatch(/^refused: .*refuses user "s1"/);
    expect(await codeOf(fleetOf({ wsUrl: server.wsUrl, username: 's1', password: 'wrong' }).start())).toMatch(/^refused: /);
    const fleet = fleetOf({ mqttUrl: server.mqttUrl, username: 's1', password: 'right' });
    await fleet.start();
    expect((await fleet.stop(5000)).connected).toBe(10);
  });

  it('gives up on a listener that never answers, and can be aborted while it waits', async () => {
    const sockets: { destroy(): unknown }[] = [];
    const mute = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    cleanup.push(() => {
      sockets.forEach((socket) => socket.destroy());
      return new Promise((resolve) => mute.close(resolve));
    });
    const mqttUrl = `mqtt://127.0.0.1:${(mute.address() as { port: number }).port}`;
    expect(await codeOf(fleetOf({ mqttUrl, devices: 2, connectTimeoutMs: 100 }).start())).toMatch(/^unreachable: .*connack timeout/);
    expect(await codeOf(fleetOf({ mqttUrl, devices: 2, startTimeoutMs: 100 }).start())).toMatch(/^unreachable: 2 of 2 connections/);
    const abort = new AbortController();
    const start = codeOf(fleetOf({ mqttUrl, devices: 2 }).start(abort.signal));
    await until('a connection is being tried', () => sockets.length >= 3);
    abort.abort();
    expect(await start).toMatch(/^aborted/);
  });

  it('names every wrong option at once', () => {
    const make = (options: FleetOptions) => () => new Fleet(options);
    expect(make({})).toThrow(/a broker is needed/);
    expect(make({ mqttUrl: 'http://x', devices: 0, rate: 1, intervalMs: 5, window: 0.5 })).toThrow(/mqtt must be.*devices must.*window must.*exclude/);
    expect(make({ mqttUrl: 'mqtt://u:p@localhost' })).toThrow(/must not hold a user name/);
    expect(make({ mqttUrl: 'mqtt://localhost', site: 'a.b' })).toThrow(/site/);
    expect(make({ mqttUrl: 'mqtt://localhost', devices: 2, rate: 2001 })).toThrow(/rate must be/);
    expect(make({ mqttUrl: 'mqtt://localhost', profiles: ['kettle'] })).toThrow(/no profile "kettle"; there are: thermostat/);
  });

  it('does not overwrite a ledger', async () => {
    const server = await broker();
    const ledger = ledgerFile();
    const first = fleetOf({ mqttUrl: server.mqttUrl, devices: 1, messages: 1, ledger });
    await first.start();
    await first.done();
    await first.stop(5000);
    expect(await codeOf(fleetOf({ mqttUrl: server.mqttUrl, devices: 1, ledger }).start())).toMatch(/^ledger: .*EEXIST/);
    expect(readLedger(ledger).pubacked.size).toBe(1);
  });
});
