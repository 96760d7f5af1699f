import { setMaxListeners } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { Ledger } from '../../../src/domain/ledger.ts';
import { DEFAULT_LIMITS, type ProfileSpec } from '../../../src/domain/profile.ts';
import type { PublishAction, RouteSpec } from '../../../src/domain/route.ts';
import { Dedupe } from '../../../src/pipeline/dedupe.ts';
import { Forwarder } from '../../../src/pipeline/forwarder.ts';
import { Graveyard } from '../../../src/pipeline/graveyard.ts';
import { compileNormaliser } from '../../../src/pipeline/normaliser.ts';
import { Permits } from '../../../src/pipeline/permits.ts';
import type { Batch } from '../../../src/pipeline/ports.ts';
import { RecentMessages } from '../../../src/pipeline/recent-messages.ts';
import { Router } from '../../../src/pipeline/router.ts';
import type { Rules } from '../../../src/pipeline/rules.ts';
import { readingsIn } from '../batches.ts';
import { SimBroker, type SimMutations } from './broker.ts';
import { DEAD_LETTERS } from './check.ts';
import { SimSink } from './sink.ts';
import { SimSource } from './source.ts';
import { seededRandom, VirtualTime } from './virtual-time.ts';

/** Dead letters under way at once. */
export const LETTERS = 3;
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

/** What a gateway is started in; it stays when the gateway goes. */
export interface World {
  readonly random: () => number;
  readonly time: VirtualTime;
  readonly broker: SimBroker;
  readonly prefetch: number;
  routes: readonly RouteSpec[];
  readonly dedupe: boolean;
  readonly permits: number;
}

export interface Gateway {
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

/** What is kept of a reading beside its text is of that text. */
function checkItems(batch: Batch): void {
  const readings = readingsIn(batch);
  for (const [i, { delivery, device, ageMs }] of batch.items.entries()) {
    const { message } = delivery;
    const at = ageMs === undefined ? readings[i]?.['measuredAt'] : message.receivedAt - ageMs;
    if (
      !isDeepStrictEqual(
        [device, message.topic, at],
        ['device', 'topic', 'measuredAt'].map((key) => readings[i]?.[key]),
      )
    )
      throw new Error(`batch ${batch.id} does not hold what its items are`);
  }
}

export function startGateway(world: World): Gateway {
  const { time, broker } = world;
  const ledger = new Ledger();
  const sink = new SimSink({
    broker,
    confirmTimeoutMs: CONFIRM_TIMEOUT_MS,
    deadLetters: DEAD_LETTERS,
    tooLarge: (batch) => readingsIn(batch).some(({ values }) => 'poison' in values),
    check: checkItems,
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
    prefetch: world.prefetch,
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
    batch: { count: 1 + Math.floor(random() * 12), bytes: 200 + Math.floor(random() * 4000), ageMs: random() < 0.3 ? 0 : Math.floor(random() * 60) },
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

export function makeWorld(seed: number, mutations: SimMutations): World {
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
export function randomRoutes(random: () => number): RouteSpec[] {
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
