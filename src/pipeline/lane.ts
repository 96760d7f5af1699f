import type { Observer } from '../domain/events.ts';
import { type Fault, type FaultCode, failed, type Result } from '../domain/fault.ts';
import type { Ledger, Outcome } from '../domain/ledger.ts';
import type { PublishAction } from '../domain/route.ts';
import { bytesOf, copiesIn, idsOf, partOf } from './batch-part.ts';
import type { Dedupe } from './dedupe.ts';
import type { Graveyard } from './graveyard.ts';
import type { Permits } from './permits.ts';
import { persist, type RetryOptions } from './persist.ts';
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

interface Held {
  readonly since: number;
  code: Fault['code'];
  message: string;
}

/**
 * The one asynchronous place of the pipeline: sealed batches of one destination, in order. The head is tried until
 * the broker confirms it or it is refused for good; nothing overtakes it. One batch is under way at a time, because
 * with two a refusal of the first after an acceptance of the second would break the order.
 */
export class Lane {
  readonly key: string;
  /** Of the batch at the head: a lane may serve several routing keys (see `laneKey`). */
  private destination: Destination;
  private readonly context: LaneContext;
  private readonly queue: Batch[] = [];
  private itemCount = 0;
  private attempts = 0;
  private held: Held | undefined;
  private running = false;
  private released = false;

  /** `destination` is that of the first batch. Sends nothing before `release`. */
  constructor(key: string, destination: Destination, context: LaneContext) {
    this.key = key;
    this.destination = destination;
    this.context = context;
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
    return overflow === 'dead-letter' && this.held !== undefined && this.itemCount >= laneReadings;
  }

  get lastFault(): string {
    return this.held === undefined ? '' : `${this.held.code}: ${this.held.message}`;
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
    const { route, exchange, routingKey } = this.destination;
    return {
      route,
      destination: `${exchange}/${routingKey}`,
      state: this.held !== undefined ? 'held' : this.attempts > 0 ? 'sending' : 'waiting',
      items: this.itemCount,
      batches: this.queue.length,
      attempts: this.attempts,
      heldSinceMs: this.held === undefined ? undefined : this.context.scheduler.monotonic() - this.held.since,
      code: this.held?.code,
      message: this.held?.message,
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

  private async sendHead(head: Batch): Promise<void> {
    const { scheduler, signal, observer } = this.context;
    const startedAt = scheduler.monotonic();
    let pending = head.items;
    /** Of them, second copies of others: they settle with those, and not before. */
    let copies: readonly Item[] = [];
    let sent = pending;
    const ending = await persist({
      attempt: async (signal) => {
        pending = this.prune(pending);
        if (pending.length === 0) return { ok: true, value: undefined };
        copies = copiesIn(pending);
        sent = copies.length === 0 ? pending : pending.filter((item) => !copies.includes(item));
        return await this.publish(sent === head.items ? head : partOf(head, sent), signal);
      },
      availability: this.context.sink,
      retry: this.context.retry,
      scheduler,
      signal,
      giveUp: () => this.expired(head),
      onFailure: (fault, attempts, retryMs) => {
        this.hold(fault, attempts, retryMs);
        if (!NOTHING_PASSES.has(fault.code)) this.context.onRefused();
      },
    });
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
    if (!(await permits.acquire(batch.bytes, signal))) return failed('NOT_CONNECTED', 'the gateway is stopping');
    this.attempts += 1;
    try {
      return await sink.publish(batch, signal);
    } finally {
      permits.release(batch.bytes);
    }
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

  private expired(head: Batch): boolean {
    const { buryAfterMs } = head.destination.action;
    if (buryAfterMs === undefined || this.held === undefined) return false;
    const { scheduler } = this.context;
    const held = scheduler.monotonic() - this.held.since;
    return Math.min(held, scheduler.now() - head.sealedAt) >= buryAfterMs;
  }

  private hold(fault: Fault, attempt: number, retryMs: number): void {
    const { observer, scheduler } = this.context;
    const { route, exchange, routingKey } = this.destination;
    const destination = `${exchange}/${routingKey}`;
    if (this.held === undefined) {
      this.held = { since: scheduler.monotonic(), code: fault.code, message: fault.message };
      observer({ type: 'lane-held', route, destination, code: fault.code, message: fault.message });
    } else {
      this.held.code = fault.code;
      this.held.message = fault.message;
    }
    observer({ type: 'publish-failed', route, destination, code: fault.code, message: fault.message, attempt, retryMs });
  }

  private resumed(attempts: number): void {
    if (this.held === undefined) return;
    const { observer, scheduler } = this.context;
    const { route, exchange, routingKey } = this.destination;
    observer({ type: 'lane-resumed', route, destination: `${exchange}/${routingKey}`, heldMs: scheduler.monotonic() - this.held.since, attempts });
    this.held = undefined;
  }
}
