import type { SimMutations } from './broker.ts';
import { arrivals, checkHistory, DEAD_LETTERS, type Expected } from './check.ts';
import { LETTERS, makeWorld, randomRoutes, startGateway } from './world.ts';

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
