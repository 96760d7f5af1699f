import { ReadingWriter } from '../codec/reading.ts';
import { fault } from '../domain/fault.ts';
import { owed } from '../domain/ledger.ts';
import type { Replay } from '../domain/message.ts';
import type { Reading } from '../domain/reading.ts';
import { forgetTopics } from '../domain/topic-memory.ts';
import { Batcher } from './batcher.ts';
import type { Holdings } from './books-watch.ts';
import { NO_ROUTE_NAME } from './graveyard.ts';
import { type LaneServices, laneKey } from './lane.ts';
import { Lanes } from './lanes.ts';
import { onceATurn } from './once-a-turn.ts';
import type { Normalised } from './normaliser.ts';
import type { Onlooker } from './onlooker.ts';
import { readingsInScope, routingInScope } from './replay-scope.ts';
import type { Batch, Delivery, Destination, Item, LaneStatus } from './ports.ts';
import type { RecentMessages } from './recent-messages.ts';
import type { Routing } from './router.ts';
import type { Rules } from './rules.ts';

/** A message that the process has ended on so often is buried undecoded. */
const MOST_CRASHES = 3;

export interface ForwarderOptions extends LaneServices {
  readonly rules: Rules;
  /** Shown each message. */
  readonly recent: Pick<RecentMessages, 'add'>;
  /** Makes everything unsettled come again; see `Lanes`. */
  readonly takeBack: () => Promise<void>;
  /** Deliveries of one message beyond which it is buried undecoded; 0 for no bound. */
  readonly maxDeliveries: number;
  /** Messages that may be unsettled at a time. */
  readonly prefetch: number;
  /** Sees what becomes of each message. */
  readonly onlooker?: Onlooker | undefined;
}

/**
 * The walk of one message: decode, normalise, route, split, batch. All of it synchronous, so that the order in which
 * the broker delivers is the order in which batches fill; nothing here may await.
 */
export class Forwarder {
  private readonly options: ForwarderOptions;
  private rules: Rules;
  private readonly batcher: Batcher;
  private readonly lanes: Lanes;
  /** For the message at hand, with what follows: its texts, and where they go. */
  private readonly writer = new ReadingWriter();
  private readonly texts: (Uint8Array | undefined)[] = [];
  private readonly routings: Routing[] = [];
  private readonly idleWaiters: Set<() => void> = new Set();
  private readonly endTurnLater: () => void;
  private wakeAt: number | undefined;
  private cancelWake: () => void = () => {};

  constructor(options: ForwarderOptions) {
    this.options = options;
    this.rules = options.rules;
    this.batcher = new Batcher({ nextId: options.nextId, config: () => this.rules.config, emit: (batch) => this.sealed(batch) });
    const { scheduler } = options;
    this.lanes = new Lanes({ ...options, onFree: (key) => this.batcher.freed(key, scheduler.now()), onEmpty: () => this.checkIdle() });
    this.endTurnLater = onceATurn(
      (fn) => void scheduler.after(0, fn),
      () => this.batcher.endTurn((key) => this.lanes.get(key)?.idle === false, scheduler.now()),
    );
  }

  /** Decides about the next message by other rules. What was decided before goes its way first. */
  use(rules: Rules): void {
    this.flush();
    this.rules = rules;
    forgetTopics();
    this.lanes.fence();
  }

  /** Items that have been received and not settled, counted where they are. */
  get itemsInFlight(): number {
    return this.batcher.size + this.options.graveyard.size + this.lanes.size - this.tapItems;
  }

  /** The same by holder and by route, for the books. */
  holdings(): Omit<Holdings, 'messages'> {
    const { graveyard } = this.options;
    const routes = new Map<string, number>();
    this.batcher.countOwed(routes);
    graveyard.countOwed(routes);
    this.lanes.countOwed(routes);
    return { batches: this.batcher.size - this.tapItems, lanes: this.lanes.size, deadLetters: graveyard.size, routes };
  }

  accept(delivery: Delivery): void {
    const { message } = delivery;
    const { maxDeliveries } = this.options;
    if (maxDeliveries > 0 && message.deliveryCount > maxDeliveries) {
      const text = `delivered ${message.deliveryCount} times without an answer (source.maxDeliveries is ${maxDeliveries})`;
      this.buryMessage(delivery, fault('CRASH_LOOP', text));
      return;
    }
    const { crashes = 0 } = message;
    if (crashes >= MOST_CRASHES) {
      this.buryMessage(delivery, fault('CRASH_LOOP', `the gateway has ended ${crashes} times while it handled this message`));
      return;
    }
    this.options.recent.add(message);
    const result = this.rules.normaliser.normalise(message);
    switch (result.kind) {
      case 'readings':
        this.forward(delivery, result);
        this.relieve();
        return;
      case 'filtered':
        delivery.split(1);
        this.options.ledger.filteredFor(result.reason);
        this.settle(delivery, NO_ROUTE_NAME, 'filtered');
        this.options.onlooker?.saw(message, result, [], []);
        return;
      case 'fault':
        this.buryMessage(delivery, result.fault);
        return;
    }
  }

  /** Seals all open batches: what is in them should settle as soon as it can. */
  flush(): void {
    this.batcher.flush(this.options.scheduler.now());
  }

  /** Seals all open batches and waits until every lane is empty, or until `signal` aborts. Answers whether all settled. */
  async drain(signal: AbortSignal): Promise<boolean> {
    this.batcher.flush(this.options.scheduler.now());
    while (this.itemsInFlight > 0 && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.idleWaiters.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.idleWaiters.add(wake);
        signal.addEventListener('abort', wake);
      });
      // A lane that drained may have been the last to hold back another's source message; look again.
      this.batcher.flush(this.options.scheduler.now());
    }
    return this.itemsInFlight === 0;
  }

  lanesStatus(): LaneStatus[] {
    const lanes = this.lanes.status();
    const dead = this.options.graveyard.status();
    return dead === undefined ? lanes : [...lanes, dead];
  }

  /** The graveyard calls it too: its letters count as in flight. */
  checkIdle(): void {
    if (this.idleWaiters.size === 0 || this.itemsInFlight > 0) return;
    for (const wake of this.idleWaiters) wake();
  }

  private forward(delivery: Delivery, result: Normalised & { readonly kind: 'readings' }): void {
    const { ledger } = this.options;
    const { router } = this.rules;
    const { replay } = delivery.message;
    const all = result.readings;
    const readings = readingsInScope(all, replay);
    if ('code' in readings) {
      this.buryMessage(delivery, readings);
      return;
    }
    ledger.readings += readings.length;
    if (replay === undefined) for (const reading of readings) ledger.delays.arrived(reading);
    // Two walks: how many parts there are must be known before the first can settle.
    const { routings, texts, writer } = this;
    const { length } = readings;
    if (routings.length !== length) {
      routings.length = length;
      texts.length = length;
    }
    let parts = 0;
    for (let i = 0; i < length; i += 1) {
      const routing = routingInScope(router.route(readings[i] as Reading), replay);
      routings[i] = routing;
      parts += Math.max(1, routing.takers.length);
    }
    delivery.split(parts, all.length);
    writer.begin();
    for (let i = 0; i < length; i += 1) texts[i] = this.send(delivery, readings[i] as Reading, routings[i] as Routing);
    this.options.onlooker?.saw(delivery.message, readings === all ? result : { kind: 'readings', readings }, routings, texts);
  }

  /** Answers the reading as it goes out, where it does. */
  private send(delivery: Delivery, reading: Reading, routing: Routing): Uint8Array | undefined {
    const { graveyard, ledger } = this.options;
    if (routing.fault !== undefined) {
      const route = routing.faultRoute ?? NO_ROUTE_NAME;
      ledger.itemsReceived(route, 1);
      graveyard.buryReading(delivery, reading, route, routing.fault);
    } else if (routing.droppedBy !== undefined) {
      ledger.filteredFor('route');
      this.settle(delivery, routing.droppedBy, 'filtered');
    }
    if (routing.takers.length === 0 && routing.taps.length === 0) return undefined;
    const text = this.writer.write(reading);
    for (const destination of routing.takers) this.offer(delivery, reading, destination, text);
    for (const destination of routing.taps)
      this.tap({ delivery, device: reading.device, ageMs: undefined, bytes: text.length, dedupeKey: undefined }, text, destination);
    return text;
  }

  private offer(delivery: Delivery, reading: Reading, destination: Destination, text: Uint8Array): void {
    const { dedupe, graveyard, ledger } = this.options;
    const { route } = destination;
    const remembered = rememberedAs(reading, destination, delivery.message.replay);
    const dedupeKey = remembered === undefined ? undefined : dedupe.key(remembered);
    if (dedupeKey !== undefined && dedupe.has(reading.device, dedupeKey)) {
      this.settle(delivery, route, 'deduplicated');
      return;
    }
    ledger.itemsReceived(route, 1);
    const lane = this.lanes.get(laneKey(destination, reading.topic));
    if (lane?.overflows === true) {
      graveyard.buryReading(delivery, reading, route, fault('LANE_FULL', `${lane.size} readings wait already; held by ${lane.lastFault}`));
      return;
    }
    this.add(destination, { delivery, device: reading.device, ageMs: ledger.delays.ageOf(reading), bytes: text.length, dedupeKey }, text);
  }

  private add(destination: Destination, item: Item, text: Uint8Array): void {
    if (!this.batcher.add(destination, item, text, this.options.scheduler)) return;
    if (destination.action.batch.ageMs === 0) this.endTurnLater();
    this.arm();
  }

  private tapItems = 0;

  private tap(item: Item, text: Uint8Array, destination: Destination): void {
    this.tapItems += 1;
    this.add(destination, item, text);
  }

  private sealed(batch: Batch): void {
    const { observer, sink, ledger } = this.options;
    const { destination, items } = batch;
    observer({ type: 'batch-sealed', route: destination.route, by: batch.sealedBy, items: items.length, bytes: batch.bytes });
    if (destination.action.delivery === 'best-effort') {
      this.tapItems -= items.length;
      ledger.tapSettled(destination.route, items.length, sink.offer(batch));
      return;
    }
    this.lanes.push(batch);
  }

  /** One timer for the batch that becomes due next. */
  private arm(): void {
    const { scheduler } = this.options;
    const next = this.batcher.nextDueAt();
    if (next === undefined || (this.wakeAt !== undefined && this.wakeAt <= next)) return;
    this.cancelWake();
    this.wakeAt = next;
    this.cancelWake = scheduler.after(Math.max(0, next - scheduler.monotonic()), () => {
      this.wakeAt = undefined;
      this.batcher.due(scheduler.monotonic(), scheduler.now());
      this.arm();
    });
  }

  /**
   * Where as many messages are unsettled as may be, nothing comes to fill the open batches. While those hold less than half of them, others
   * will be confirmed; beyond that their age would decide how fast the gateway is (2,000 a second with 100 destinations and a second, of 50,000).
   */
  private relieve(): void {
    const { ledger, prefetch, scheduler } = this.options;
    if (this.batcher.size > prefetch / 2 && owed(ledger.messages) >= prefetch) this.batcher.relieve(prefetch / 2, scheduler.now());
  }

  private settle(delivery: Delivery, route: string, outcome: 'filtered' | 'deduplicated'): void {
    this.options.ledger.itemsReceived(route, 1);
    this.options.ledger.itemsSettled(route, outcome, 1);
    delivery.settlePart(outcome);
  }

  private buryMessage(delivery: Delivery, reason: ReturnType<typeof fault>): void {
    delivery.split(1);
    this.options.ledger.itemsReceived(NO_ROUTE_NAME, 1);
    this.options.graveyard.buryMessage(delivery, reason);
    this.options.onlooker?.saw(delivery.message, { kind: 'fault', fault: reason }, [], []);
  }
}

/**
 * What is remembered of a reading that is confirmed there; undefined where its id names an arrival. A reading ends up in one place,
 * whichever it was: a copy may go another way than the first, because it is late by now, or the routes have changed, and is a copy
 * all the same. A copy for a route with `continue` comes on top, and a dead letter of a route is owed to that route.
 */
function rememberedAs({ id, flags }: Reading, { final, route }: Destination, replay: Replay | undefined): string | undefined {
  if (flags?.includes('arrival-id') === true) return undefined;
  return final && replay?.scope !== 'route' ? id : `${route}\n${id}`;
}
