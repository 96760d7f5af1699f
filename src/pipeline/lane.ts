import type { Observer } from '../domain/events.ts';
import { type Fault, type FaultCode, failed, type Result } from '../domain/fault.ts';
import type { Ledger, Outcome } from '../domain/ledger.ts';
import type { PublishAction } from '../domain/route.ts';
import { bytesOf, copiesIn, idsOf, partOf } from './batch-part.ts';
import type { Dedupe } from './dedupe.ts';
import type { Graveyard } from './graveyard.ts';
import { type HeldPlace, Hold } from './hold.ts';
import type { Permits } from './permits.ts';
import { persist, type PersistTask, type RetryOptions } from './persist.ts';
import type { Batch, Destination, Item, LaneStatus, Scheduler, Sink } from './ports.ts';

/** What lanes use, and whoever opens them has. */
export interface LaneServices {
  readonly sink: Sink;
  readonly graveyard: Graveyard;
  readonly dedupe: Dedupe;
  readonly ledger: Ledger;
  readonly permits: Permits;
  readonly retry: RetryOptions;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly nextId: () => string;
  /** Aborts every wait: what is left is given back to the broker. */
  readonly signal: AbortSignal;
}

export interface LaneContext extends LaneServices {
  /** Called when the lane has nothing left; it may be forgotten, or be given more later. */
  readonly onIdle: () => void;
  /** Called when the head does not get through though others might: may be again and again. */
  readonly onRefused: () => void;
}

/**
 * Which lane a batch of this destination takes; readings of one lane keep their order. A lane of its own per
 * destination; but where readings go out one by one, one per topic, so that a device's alarms keep their order also
 * when their severity, and with it the routing key, changes, and a key that nobody takes holds up that topic alone.
 */
export function laneKey(destination: Destination, topic: string): string {
  return destination.action.batch.count === 1 ? `${destination.route}\n${topic}` : destination.key;
}

/** Nothing at all can be published. With any other code this destination alone is held up, and another might not be. */
const NOTHING_PASSES: ReadonlySet<FaultCode> = new Set<FaultCode>(['NOT_CONNECTED', 'BLOCKED']);

const NO_ITEMS: readonly Item[] = [];

/**
 * The one asynchronous place of the pipeline: sealed batches of one destination, in order. The head is tried until
 * the broker confirms it or it is refused for good; nothing overtakes it. One batch is under way at a time, because
 * with two a refusal of the first after an acceptance of the second would break the order.
 */
export class Lane implements PersistTask {
  readonly key: string;
  /** Of the batch at the head: a lane may serve several routing keys (see `laneKey`). */
  private destination: Destination;
  private readonly context: LaneContext;
  private readonly queue: Batch[] = [];
  /** Of the head while it is tried: those that are still wanted, */
  private pending: readonly Item[] = NO_ITEMS;
  /** of them second copies of others, which settle with those and not before, */
  private copies: readonly Item[] = NO_ITEMS;
  /** and what went out last. */
  private sent: readonly Item[] = NO_ITEMS;
  private itemCount = 0;
  private attempts = 0;
  private readonly hold: Hold;
  private running = false;
  private released = false;

  /** `destination` is that of the first batch. Sends nothing before `release`. */
  constructor(key: string, destination: Destination, context: LaneContext) {
    this.key = key;
    this.destination = destination;
    this.context = context;
    this.hold = new Hold(context);
  }

  /** One route has many lanes, a lane has one route. */
  get route(): string {
    return this.destination.route;
  }

  /** Holds nothing, and has said so. */
  get idle(): boolean {
    return this.queue.length === 0 && !this.running;
  }

  /** Items waiting or under way. */
  get size(): number {
    return this.itemCount;
  }

  /** True when a new item must be dead-lettered instead of waiting: held, full, and the route says so. */
  get overflows(): boolean {
    const { overflow, laneReadings }: PublishAction = (this.queue.at(-1)?.destination ?? this.destination).action;
    return overflow === 'dead-letter' && this.hold.fault !== undefined && this.itemCount >= laneReadings;
  }

  get lastFault(): string {
    const { fault } = this.hold;
    return fault === undefined ? '' : `${fault.code}: ${fault.message}`;
  }

  push(batch: Batch): void {
    this.queue.push(batch);
    this.itemCount += batch.items.length;
    this.start();
  }

  /** From here on it sends. */
  release(): void {
    this.released = true;
    this.start();
  }

  status(): LaneStatus {
    const { fault, ms } = this.hold;
    return {
      ...this.place,
      state: fault !== undefined ? 'held' : this.attempts > 0 ? 'sending' : 'waiting',
      items: this.itemCount,
      batches: this.queue.length,
      attempts: this.attempts,
      heldSinceMs: ms,
      code: fault?.code,
      message: fault?.message,
    };
  }

  private start(): void {
    if (this.running || !this.released || this.queue.length === 0) return;
    this.running = true;
    void this.run();
  }

  private async run(): Promise<void> {
    for (let head = this.queue[0]; head !== undefined; head = this.queue[0]) {
      this.destination = head.destination;
      await this.sendHead(head);
      this.attempts = 0;
    }
    this.resumed(0);
    this.running = false;
    this.context.onIdle();
  }

  /** One try to send what is left of the head. */
  attempt(signal: AbortSignal): Promise<Result<void>> {
    const head = this.queue[0] as Batch;
    this.pending = this.prune(this.pending);
    const { pending } = this;
    if (pending.length === 0) return Promise.resolve({ ok: true, value: undefined });
    const copies = copiesIn(pending);
    this.copies = copies;
    this.sent = copies.length === 0 ? pending : pending.filter((item) => !copies.includes(item));
    return this.publish(this.sent === head.items ? head : partOf(head, this.sent), signal);
  }

  onFailure(fault: Fault, attempts: number, retryMs: number): void {
    this.hold.fail(this.place, fault, attempts, retryMs);
    if (!NOTHING_PASSES.has(fault.code)) this.context.onRefused();
  }

  /** Held for longer than its route lets it be. */
  giveUp(): boolean {
    const { destination, sealedAt } = this.queue[0] as Batch;
    const { buryAfterMs } = destination.action;
    const { ms } = this.hold;
    return buryAfterMs !== undefined && ms !== undefined && Math.min(ms, this.context.scheduler.now() - sealedAt) >= buryAfterMs;
  }

  private async sendHead(head: Batch): Promise<void> {
    const { scheduler, observer } = this.context;
    const startedAt = scheduler.monotonic();
    this.pending = head.items;
    this.copies = NO_ITEMS;
    this.sent = head.items;
    const ending = await persist(this, this.context);
    const { pending, sent, copies } = this;
    this.forgetHead();
    switch (ending.kind) {
      case 'done':
        this.queue.shift();
        if (pending.length > 0) {
          const at = scheduler.now();
          observer({
            type: 'batch-forwarded',
            route: this.destination.route,
            items: sent.length,
            bytes: sent === head.items ? head.bytes : bytesOf(sent),
            attempts: ending.attempts,
            publishMs: scheduler.monotonic() - startedAt,
            oldestReceivedAt: sent[0]?.delivery.message.receivedAt ?? at,
            at,
          });
          this.forwarded(sent);
          this.end(copies, 'deduplicated');
        }
        this.resumed(ending.attempts);
        return;
      case 'aborted':
        this.queue.shift();
        this.end(pending, 'abandoned');
        return;
      case 'permanent':
        if (pending.length > 1) this.split(head, pending, ending.fault);
        else this.buryHead(head, pending, ending.fault, ending.attempts);
        return;
      case 'expired':
        this.buryHead(head, pending, ending.fault, ending.attempts);
        return;
    }
  }

  private async publish(batch: Batch, signal: AbortSignal): Promise<Result<void>> {
    const { permits, sink } = this.context;
    if (!permits.tryAcquire(batch.bytes) && !(await permits.acquire(batch.bytes, signal))) return failed('NOT_CONNECTED', 'the gateway is stopping');
    this.attempts += 1;
    try {
      return await sink.publish(batch, signal);
    } finally {
      permits.release(batch.bytes);
    }
  }

  /** A lane that waits for its next batch holds on to nothing. */
  private forgetHead(): void {
    this.pending = NO_ITEMS;
    this.copies = NO_ITEMS;
    this.sent = NO_ITEMS;
  }

  /** Leaves out what the broker will deliver again anyway, and what it has confirmed since: an earlier copy got through. */
  private prune(items: readonly Item[]): readonly Item[] {
    const { dedupe } = this.context;
    const wanted = (item: Item): boolean => item.delivery.live && (item.dedupeKey === undefined || !dedupe.hasNow(item.device, item.dedupeKey));
    if (items.every(wanted)) return items;
    const kept = items.filter(wanted);
    this.end(
      items.filter((item) => !item.delivery.live),
      'abandoned',
    );
    this.end(
      items.filter((item) => item.delivery.live && !wanted(item)),
      'deduplicated',
    );
    return kept;
  }

  private forwarded(items: readonly Item[]): void {
    const { dedupe, ledger, scheduler } = this.context;
    const { route } = this.destination;
    const now = scheduler.now();
    for (const { delivery, device, ageMs, dedupeKey } of items) {
      if (ageMs !== undefined) ledger.delays.confirmed(route, delivery.message.receivedAt - ageMs, now);
      if (dedupeKey !== undefined) dedupe.commit(device, dedupeKey, now);
    }
    this.end(items, 'forwarded');
  }

  private end(items: readonly Item[], outcome: Outcome): void {
    if (items.length === 0) return;
    this.itemCount -= items.length;
    this.context.ledger.itemsSettled(this.destination.route, outcome, items.length);
    for (const item of items) item.delivery.settlePart(outcome);
  }

  /** Halves the head, in order: the good readings of a batch must not share the fate of the one that cannot pass. */
  private split(head: Batch, items: readonly Item[], fault: Fault): void {
    const middle = items.length >> 1;
    const half = (part: readonly Item[]): Batch => ({ ...partOf(head, part), id: this.context.nextId(), sealedBy: 'split' });
    this.queue.splice(0, 1, half(items.slice(0, middle)), half(items.slice(middle)));
    this.context.observer({ type: 'batch-split', route: this.destination.route, items: items.length, code: fault.code });
  }

  private buryHead(head: Batch, items: readonly Item[], fault: Fault, attempts: number): void {
    this.queue.shift();
    this.itemCount -= items.length;
    const ids = idsOf(head, items);
    for (const [i, item] of items.entries()) this.context.graveyard.buryItem(item, ids[i] as string, this.destination.route, fault, attempts);
  }

  private get place(): HeldPlace {
    const { route, exchange, routingKey } = this.destination;
    return { route, destination: `${exchange}/${routingKey}` };
  }

  private resumed(attempts: number): void {
    if (this.hold.fault !== undefined) this.hold.end(this.place, attempts);
  }
}
