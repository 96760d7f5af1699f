import { setMaxListeners } from 'node:events';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import { DEFAULT_LIMITS, type ProfileSpec } from '../../../src/domain/profile.ts';
import type { PublishAction, RouteSpec } from '../../../src/domain/route.ts';
import { Dedupe } from '../../../src/pipeline/dedupe.ts';
import { Forwarder } from '../../../src/pipeline/forwarder.ts';
import { Graveyard } from '../../../src/pipeline/graveyard.ts';
import { compileNormaliser } from '../../../src/pipeline/normaliser.ts';
import { Permits } from '../../../src/pipeline/permits.ts';
import { Router } from '../../../src/pipeline/router.ts';
import { SimBroker, type SimMutations, SimSink, SimSource } from './broker.ts';
import { seededRandom, VirtualTime } from './virtual-time.ts';

/** What a history found wrong; empty is a pass. */
export interface HistoryReport {
  readonly violations: string[];
  readonly attempted: number;
  readonly forwarded: number;
  readonly deadLettered: number;
  readonly duplicates: number;
  readonly redelivered: number;
  readonly faults: number;
}

const EXCHANGES = new Set(['main', 'copies', 'alarms']);

const PROFILE: ProfileSpec = {
  name: 'sim',
  topics: ['d/{device}'],
  codec: 'json',
  device: '{device}',
  deviceCheck: undefined,
  each: '$.r',
  time: { from: '$.t', unit: 'ms', zone: 'Z', futureMs: 1e15, lateMs: 1e15 },
  sequence: undefined,
  values: '$.v',
  exclude: [],
  scalar: undefined,
  units: undefined,
  tags: undefined,
};

interface World {
  readonly random: () => number;
  readonly time: VirtualTime;
  readonly broker: SimBroker;
  readonly prefetch: number;
  readonly routes: readonly RouteSpec[];
  readonly dedupe: boolean;
  readonly permits: number;
}

interface Gateway {
  readonly source: SimSource;
  readonly sink: SimSink;
  readonly ledger: Ledger;
  readonly forwarder: Forwarder;
  readonly abort: AbortController;
}

let instances = 0;

function startGateway(world: World): Gateway {
  const { time, broker } = world;
  const ledger = new Ledger();
  const sink = new SimSink(broker);
  const source = new SimSource(broker, world.prefetch, ledger);
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  const instance = `g${(instances += 1)}`;
  let ids = 0;
  const shared = {
    ledger,
    retry: { baseMs: 5, capMs: 200 },
    scheduler: time,
    observer: () => {},
    nextId: () => `${instance}-${(ids += 1)}`,
    signal: abort.signal,
  };
  let forwarder: Forwarder | undefined;
  const graveyard = new Graveyard({ ...shared, sink, concurrency: 3, onIdle: () => forwarder?.checkIdle() });
  forwarder = new Forwarder({
    ...shared,
    normaliser: compileNormaliser([PROFILE], defaultCodecs(), DEFAULT_LIMITS, instance),
    router: new Router(world.routes, () => {}),
    sink,
    graveyard,
    dedupe: new Dedupe({ entries: world.dedupe ? 1000 : 0, windowMs: 600_000 }),
    permits: new Permits(world.permits, 1_000_000),
    maxDeliveries: 0,
  });
  const started = forwarder;
  source.start((delivery) => started.accept(delivery));
  return { source, sink, ledger, forwarder, abort };
}

function action(random: () => number, exchange: string, routingKey: string): PublishAction {
  return {
    kind: 'publish',
    exchange,
    routingKey,
    headers: undefined,
    batch: { count: 1 + Math.floor(random() * 12), bytes: 200 + Math.floor(random() * 4000), ageMs: Math.floor(random() * 60) },
    encoding: 'json',
    gzip: false,
    priority: undefined,
    ttlMs: undefined,
    delivery: 'confirmed',
    overflow: 'hold',
    laneReadings: 1000,
    buryAfterMs: undefined,
  };
}

function route(name: string, rest: Partial<RouteSpec> & Pick<RouteSpec, 'action'>): RouteSpec {
  return { name, profiles: undefined, topics: undefined, when: undefined, continue: false, ...rest };
}

function makeWorld(seed: number, mutations: SimMutations): World {
  const random = seededRandom(seed);
  const time = new VirtualTime(random);
  const pick = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const routes: RouteSpec[] = [
    route('drop', { when: 'has(values.drop)', action: { kind: 'drop' } }),
    route('copy', { when: 'has(values.copy)', continue: true, action: action(random, 'copies', '{device}') }),
    route('alarms', {
      when: 'has(values.severity)',
      action: { ...action(random, 'alarms', '{values.severity}'), batch: { count: 1, bytes: 1000, ageMs: 0 } },
    }),
    route('none', { when: 'has(values.unwanted)', topics: ['nowhere'], action: { kind: 'drop' } }),
    route('main', { when: '!has(values.unwanted)', action: action(random, 'main', random() < 0.5 ? 'all' : '{device}') }),
  ];
  return {
    random,
    time,
    broker: new SimBroker(time, mutations),
    prefetch: pick(3, 60),
    routes,
    dedupe: random() < 0.7,
    permits: pick(1, 8),
  };
}

/** One random history: devices publish, things break, everything is mended, and the books are read. */
export async function runHistory(seed: number, mutations: SimMutations = {}): Promise<HistoryReport> {
  const world = makeWorld(seed, mutations);
  const { random, time, broker } = world;
  const pick = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const violations: string[] = [];
  /** n of every reading -> where it must end. */
  const expected = new Map<number, { topic: string; ends: Set<string> }>();
  const bad = new Set<string>();
  let gateway = startGateway(world);

  const books = (where: string): void => {
    const off = gateway.ledger.imbalance(gateway.source.unsettled, gateway.forwarder.itemsInFlight);
    if (off.messages !== 0 || off.items !== 0) violations.push(`${where}: imbalance of ${off.messages} messages, ${off.items} items`);
    if (gateway.source.unackedCount > world.prefetch) violations.push(`${where}: ${gateway.source.unackedCount} unacked, prefetch ${world.prefetch}`);
  };

  const topics = Array.from({ length: pick(1, 4) }, (_, i) => `d/${i}`);
  let n = 0;
  const publishOne = (): void => {
    const topic = topics[pick(0, topics.length - 1)] as string;
    if (random() < 0.04) {
      const body = `{"broken":${(n += 1)}`;
      bad.add(body);
      broker.publishFromDevice(topic, body);
      return;
    }
    const readings = Array.from({ length: random() < 0.2 ? pick(2, 5) : 1 }, () => {
      const values: Record<string, unknown> = { n: (n += 1) };
      const ends = new Set<string>();
      const chance = random();
      if (chance < 0.04) values['drop'] = true;
      else if (chance < 0.08) {
        values['unwanted'] = true;
        ends.add('NO_ROUTE');
      } else if (chance < 0.12) {
        values['poison'] = true;
        ends.add('TOO_LARGE');
      } else if (chance < 0.25) {
        values['severity'] = ['low', 'high', 'worst'][pick(0, 2)];
        ends.add('alarms');
      } else {
        ends.add('main');
        if (chance < 0.5) {
          values['copy'] = true;
          ends.add('copies');
        }
      }
      expected.set(n, { topic, ends });
      return { t: 1_690_000_000_000 + n, v: values };
    });
    const body = JSON.stringify({ r: readings });
    broker.publishFromDevice(topic, body);
    if (random() < 0.05) broker.publishFromDevice(topic, body);
  };

  const crash = (): void => {
    gateway.sink.dead = true;
    broker.cutConnections();
    gateway.abort.abort();
    gateway.source.stopped = true;
  };

  const length = pick(300, 1500);
  const messages = pick(20, 90);
  for (let i = 0; i < messages; i += 1) time.after(random() * length, publishOne);
  for (let i = pick(1, 7); i > 0; i -= 1) {
    const at = random() * length;
    const lasts = random() * 250;
    const kind = pick(0, 6);
    time.after(at, () => {
      broker.faultsApplied += 1;
      switch (kind) {
        case 0:
          broker.cutConnections();
          time.after(lasts, () => broker.restore());
          break;
        case 1:
          broker.blocked = true;
          time.after(lasts, () => broker.restore());
          break;
        case 2:
          broker.nacking = true;
          time.after(lasts, () => {
            broker.nacking = false;
          });
          break;
        case 3: {
          const exchange = ['main', 'copies', 'alarms'][pick(0, 2)] as string;
          broker.missing.add(exchange);
          time.after(lasts, () => broker.missing.delete(exchange));
          break;
        }
        case 4:
          broker.deadLettersRefused = true;
          time.after(lasts, () => {
            broker.deadLettersRefused = false;
          });
          break;
        case 5:
          // Only the consuming channel breaks: publishes under way go on and are confirmed for stale deliveries.
          gateway.source.lose();
          time.after(lasts, () => gateway.source.pump());
          break;
        default:
          crash();
          time.after(lasts, () => {
            broker.down = false;
            if (gateway.source.stopped) gateway = startGateway(world);
            broker.restore();
          });
          break;
      }
    });
  }
  for (let at = 0; at < length + 300; at += 50) {
    await time.runUntil(at);
    if (!gateway.source.stopped) books(`at ${at} ms`);
  }
  broker.nacking = false;
  broker.missing.clear();
  broker.deadLettersRefused = false;
  if (gateway.source.stopped) gateway = startGateway(world);
  broker.restore();
  gateway.source.pump();
  await time.runUntil(time.monotonic() + 5_000);
  const drained = gateway.forwarder.drain(AbortSignal.timeout(20_000));
  await time.runUntil(time.monotonic() + 60_000);
  if (gateway.forwarder.itemsInFlight === 0) await drained;
  books('at the end');
  gateway.abort.abort();
  check(world, gateway, expected, bad, violations);

  let forwarded = 0;
  let duplicates = 0;
  for (const queue of broker.destinations.values()) {
    forwarded += queue.length;
    duplicates += queue.length - new Set(queue.map((entry) => entry.value)).size;
  }
  return {
    violations,
    attempted: n,
    forwarded,
    deadLettered: broker.deadLettered.length,
    duplicates,
    redelivered: broker.redelivered,
    faults: broker.faultsApplied,
  };
}

function check(world: World, gateway: Gateway, expected: Map<number, { topic: string; ends: Set<string> }>, bad: Set<string>, violations: string[]): void {
  const { broker } = world;
  if (broker.backlog > 0) violations.push(`${broker.backlog} messages are still queued`);
  if (gateway.source.unackedCount > 0) violations.push(`${gateway.source.unackedCount} messages are still unacked`);
  if (gateway.forwarder.itemsInFlight !== 0) violations.push(`${gateway.forwarder.itemsInFlight} items are still in flight`);
  if (broker.maxPublishing > world.permits + 3) violations.push(`${broker.maxPublishing} publishes at once, allowed ${world.permits} and 3 letters`);

  const arrived = new Map<number, Set<string>>();
  for (const [name, queue] of broker.destinations) {
    const exchange = name.split('/', 1)[0] as string;
    const seen = new Set<number>();
    const last = new Map<string, number>();
    for (const { topic, value } of queue) {
      const want = expected.get(value);
      if (want === undefined || want.topic !== topic || !want.ends.has(exchange)) violations.push(`unexpected ${value} of ${topic} in ${name}`);
      const ends = arrived.get(value) ?? new Set();
      arrived.set(value, ends.add(exchange));
      if (seen.has(value)) continue;
      seen.add(value);
      if ((last.get(topic) ?? 0) > value) violations.push(`out of order in ${name}: ${value} after ${last.get(topic)} of ${topic}`);
      last.set(topic, value);
    }
  }
  const buried = new Set<string>();
  const letters = new Map<number, Set<string>>();
  for (const { code, body } of broker.deadLettered) {
    if (code === 'DECODE_INVALID') {
      if (!bad.has(body)) violations.push(`dead-lettered as invalid: ${body}`);
      buried.add(body);
      continue;
    }
    for (const { v } of (JSON.parse(body) as { r: { v: { n: number } }[] }).r) {
      const codes = letters.get(v.n) ?? new Set();
      letters.set(v.n, codes.add(code));
    }
  }
  for (const body of bad) if (!buried.has(body)) violations.push(`lost: ${body}`);
  for (const [n, { ends }] of expected) {
    for (const end of ends) {
      const there = EXCHANGES.has(end) ? arrived.get(n)?.has(end) : letters.get(n)?.has(end);
      if (there !== true) violations.push(`lost: ${n} should have reached ${end}`);
    }
  }
}
