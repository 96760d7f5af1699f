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
import { RecentMessages } from '../../../src/pipeline/recent-messages.ts';
import { Router } from '../../../src/pipeline/router.ts';
import type { Rules } from '../../../src/pipeline/rules.ts';
import { SimBroker, type SimMutations } from './broker.ts';
import { arrivals, checkHistory, DEAD_LETTERS, type Expected } from './check.ts';
import { SimSink } from './sink.ts';
import { SimSource } from './source.ts';
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

/** Dead letters under way at once. */
const LETTERS = 3;
/** Far above the slowest confirm of the simulated broker: a time-out in a history is one that a fault caused. */
const CONFIRM_TIMEOUT_MS = 100;

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
  routes: readonly RouteSpec[];
  readonly dedupe: boolean;
  readonly permits: number;
}

interface Gateway {
  readonly source: SimSource;
  readonly sink: SimSink;
  readonly ledger: Ledger;
  readonly forwarder: Forwarder;
  readonly abort: AbortController;
  /** Other settings while it runs. */
  readonly reload: (routes: readonly RouteSpec[]) => void;
}

let instances = 0;
let versions = 0;

function rulesOf(routes: readonly RouteSpec[], instance: string): Rules {
  const config = `v${(versions += 1)}`;
  return {
    config,
    normaliser: compileNormaliser([PROFILE], defaultCodecs(), DEFAULT_LIMITS, `${instance}.${config}`),
    router: new Router(routes, () => {}),
  };
}

function startGateway(world: World): Gateway {
  const { time, broker } = world;
  const ledger = new Ledger();
  const sink = new SimSink({
    broker,
    confirmTimeoutMs: CONFIRM_TIMEOUT_MS,
    deadLetters: DEAD_LETTERS,
    tooLarge: (batch) => batch.items.some((item) => 'poison' in item.reading.values),
  });
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
  const graveyard = new Graveyard({ ...shared, sink, config: () => 'v1', concurrency: LETTERS, onIdle: () => forwarder?.checkIdle() });
  forwarder = new Forwarder({
    ...shared,
    rules: rulesOf(world.routes, instance),
    recent: new RecentMessages(10, 10_000),
    takeBack: () => source.renew(),
    sink,
    graveyard,
    dedupe: new Dedupe({ entries: world.dedupe ? 1000 : 0, windowMs: 600_000 }),
    permits: new Permits(world.permits, 1_000_000),
    maxDeliveries: 0,
  });
  const started = forwarder;
  // Rejects when the gateway crashes before its first consume; the next one consumes then.
  source.start((delivery) => started.accept(delivery), abort.signal).catch(() => {});
  const reload = (routes: readonly RouteSpec[]): void => {
    started.use(rulesOf(routes, instance));
    world.routes = routes;
  };
  return { source, sink, ledger, forwarder, abort, reload };
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
  const routes = randomRoutes(random);
  const broker = new SimBroker(time, mutations);
  for (const exchange of ['main', 'copies']) broker.exchanges.set(exchange, (key) => `${exchange}/${key}`);
  // All severities meet in one queue, as in the shipped configuration: there they must still be in order.
  for (const exchange of ['alarms', DEAD_LETTERS]) broker.exchanges.set(exchange, () => exchange);
  return {
    random,
    time,
    broker,
    prefetch: pick(3, 60),
    routes,
    dedupe: random() < 0.7,
    permits: pick(1, 8),
  };
}

/** Where readings go does not depend on chance; how they are batched does. */
function randomRoutes(random: () => number): RouteSpec[] {
  return [
    route('drop', { when: 'has(values.drop)', action: { kind: 'drop' } }),
    route('copy', { when: 'has(values.copy)', continue: true, action: action(random, 'copies', '{device}') }),
    route('alarms', {
      when: 'has(values.severity)',
      action: { ...action(random, 'alarms', '{values.severity}'), batch: { count: 1, bytes: 1000, ageMs: 0 } },
    }),
    route('none', { when: 'has(values.unwanted)', topics: ['nowhere'], action: { kind: 'drop' } }),
    route('main', { when: '!has(values.unwanted)', action: action(random, 'main', random() < 0.5 ? 'all' : '{device}') }),
  ];
}

/** One random history: devices publish, things break, everything is mended, and the books are read. */
export async function runHistory(seed: number, mutations: SimMutations = {}): Promise<HistoryReport> {
  const world = makeWorld(seed, mutations);
  const { random, time, broker } = world;
  const pick = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1));
  const violations: string[] = [];
  const expected: Expected = { readings: new Map(), broken: new Set() };
  let gateway = startGateway(world);

  const books = (where: string): void => {
    const { routes } = gateway.forwarder.holdings();
    const off = gateway.ledger.discrepancies({ messages: gateway.source.unsettled, items: gateway.forwarder.itemsInFlight, routes });
    for (const { what, by } of off) violations.push(`${where}: imbalance of ${by} in ${what}`);
    if (gateway.source.unackedCount > world.prefetch) violations.push(`${where}: ${gateway.source.unackedCount} unacked, prefetch ${world.prefetch}`);
  };

  const topics = Array.from({ length: pick(1, 4) }, (_, i) => `d/${i}`);
  let n = 0;
  const publishOne = (): void => {
    const topic = topics[pick(0, topics.length - 1)] as string;
    if (random() < 0.04) {
      const body = `{"broken":${(n += 1)}`;
      expected.broken.add(body);
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
      expected.readings.set(n, { topic, ends });
      return { t: 1_690_000_000_000 + n, v: values };
    });
    const body = JSON.stringify({ r: readings });
    broker.publishFromDevice(topic, body);
    if (random() < 0.05) broker.publishFromDevice(topic, body);
  };

  const crash = (): void => {
    broker.cut();
    gateway.sink.close();
    gateway.abort.abort();
    void gateway.source.close();
  };

  const length = pick(300, 1500);
  const messages = pick(20, 90);
  for (let i = 0; i < messages; i += 1) time.after(random() * length, publishOne);
  for (let i = pick(1, 7); i > 0; i -= 1) {
    const at = random() * length;
    const lasts = random() * 250;
    const kind = pick(0, 7);
    time.after(at, () => {
      broker.faultsApplied += 1;
      switch (kind) {
        case 0:
          broker.cut();
          time.after(lasts, () => broker.restore());
          break;
        case 1:
          broker.block();
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
          broker.full.add(DEAD_LETTERS);
          time.after(lasts, () => broker.full.delete(DEAD_LETTERS));
          break;
        case 5:
          // Only the consuming channel breaks: publishes under way go on and are confirmed for stale deliveries.
          gateway.source.lose();
          time.after(lasts, () => gateway.source.changed());
          break;
        case 6:
          gateway.reload(randomRoutes(random));
          break;
        default:
          crash();
          time.after(lasts, () => {
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
  broker.full.clear();
  if (gateway.source.stopped) gateway = startGateway(world);
  broker.restore();
  gateway.source.changed();
  await time.runUntil(time.monotonic() + 5_000);
  const drained = gateway.forwarder.drain(AbortSignal.timeout(20_000));
  await time.runUntil(time.monotonic() + 60_000);
  if (gateway.forwarder.itemsInFlight === 0) await drained;
  books('at the end');
  gateway.abort.abort();
  const { source, forwarder } = gateway;
  const arrived = arrivals(broker);
  const left = { messages: source.unackedCount, items: forwarder.itemsInFlight, publishes: world.permits + LETTERS };
  violations.push(...checkHistory(broker, arrived, left, expected));

  let forwarded = 0;
  let duplicates = 0;
  for (const queue of arrived.values()) {
    forwarded += queue.length;
    duplicates += queue.length - new Set(queue.map((entry) => entry.n)).size;
  }
  return {
    violations,
    attempted: n,
    forwarded,
    deadLettered: broker.queues.get(DEAD_LETTERS)?.length ?? 0,
    duplicates,
    redelivered: broker.redelivered,
    faults: broker.faultsApplied,
  };
}
