import type { Observer } from '../domain/events.ts';
import type { Fault } from '../domain/fault.ts';
import type { Ledger } from '../domain/ledger.ts';
import type { Reading } from '../domain/reading.ts';
import { type HeldPlace, Hold } from './hold.ts';
import type { Onlooker } from './onlooker.ts';
import { persist, type PersistTask, type RetryOptions } from './persist.ts';
import type { DeadLetter, DeadLetterSink, Delivery, Item, LaneStatus, Scheduler } from './ports.ts';

const PLACE: HeldPlace = { route: '(dead letters)', destination: 'dead letters' };

/** The route name under which the books keep what ended before a route took it. */
export const NO_ROUTE_NAME = '(none)';

export interface GraveyardOptions {
  readonly sink: DeadLetterSink;
  readonly ledger: Ledger;
  readonly retry: RetryOptions;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly nextId: () => string;
  readonly signal: AbortSignal;
  /** Letters under way at once; bad messages must not be the slow path. */
  readonly concurrency: number;
  /** Version of the settings in force. */
  readonly config: () => string;
  /** Called when no letter is left. */
  readonly onIdle: () => void;
  /** Sees each letter once it is confirmed. */
  readonly onlooker?: Onlooker | undefined;
}

interface Burial {
  readonly letter: DeadLetter;
  readonly delivery: Delivery;
  readonly route: string;
}

/**
 * Brings dead letters to the dead-letter exchange. A part ends as dead-lettered only when the broker has confirmed
 * the letter; while that fails the part is held, so its source message is not acked. No order is promised here.
 */
export class Graveyard {
  private readonly options: GraveyardOptions;
  private readonly waiting: Burial[] = [];
  private active = 0;
  private pending = 0;
  private readonly pendingOf: Map<string, number> = new Map();
  private readonly hold: Hold;

  constructor(options: GraveyardOptions) {
    this.options = options;
    this.hold = new Hold(options);
  }

  /** Letters that are not confirmed yet. */
  get size(): number {
    return this.pending;
  }

  /** Adds the letters that are not confirmed yet to the items of their routes. */
  countOwed(routes: Map<string, number>): void {
    for (const [route, n] of this.pendingOf) if (n !== 0) routes.set(route, (routes.get(route) ?? 0) + n);
  }

  /** The whole message will not pass. The caller has `split` the delivery into one part. */
  buryMessage(delivery: Delivery, fault: Fault): void {
    this.bury(delivery, NO_ROUTE_NAME, undefined, fault, 0);
  }

  /** One reading found no route, or its route cannot be built. */
  buryReading(delivery: Delivery, reading: Reading, route: string, fault: Fault): void {
    this.bury(delivery, route, reading, fault, 0);
  }

  /** `id`: of its reading. */
  buryItem({ delivery, device }: Item, id: string, route: string, fault: Fault, attempts: number): void {
    this.bury(delivery, route, { id, device }, fault, attempts);
  }

  status(): LaneStatus | undefined {
    if (this.pending === 0) return undefined;
    const { fault, ms, attempts } = this.hold;
    return {
      ...PLACE,
      state: fault === undefined ? 'sending' : 'held',
      items: this.pending,
      batches: this.pending,
      attempts: fault === undefined ? 1 : attempts,
      heldSinceMs: ms,
      code: fault?.code,
      message: fault?.message,
    };
  }

  private bury(delivery: Delivery, route: string, reading: DeadLetter['reading'], fault: Fault, attempts: number): void {
    const now = this.options.scheduler.now();
    const letter: DeadLetter = {
      id: this.options.nextId(),
      message: delivery.message,
      fault,
      route: route === NO_ROUTE_NAME ? undefined : route,
      reading: reading === undefined ? undefined : { id: reading.id, device: reading.device },
      readings: delivery.readings,
      attempts,
      firstFailedAt: delivery.message.replay?.firstFailedAt ?? now,
      buriedAt: now,
      config: this.options.config(),
    };
    this.pending += 1;
    this.pendingOf.set(route, (this.pendingOf.get(route) ?? 0) + 1);
    this.waiting.push({ letter, delivery, route });
    this.next();
  }

  private next(): void {
    while (this.active < this.options.concurrency) {
      const burial = this.waiting.shift();
      if (burial === undefined) return;
      this.active += 1;
      void this.run(burial).finally(() => {
        this.active -= 1;
        this.next();
        if (this.pending === 0) this.options.onIdle();
      });
    }
  }

  private async run(burial: Burial): Promise<void> {
    const { sink, ledger, observer } = this.options;
    const { letter, delivery, route } = burial;
    const task: PersistTask = {
      attempt: async (signal) => {
        if (!delivery.live) return { ok: true, value: undefined };
        const result = await sink.bury(letter, signal);
        // What cannot even be buried is held in plain sight instead of lost: somebody has to look.
        return result.ok || result.fault.kind === 'retryable' ? result : { ok: false, fault: { ...result.fault, kind: 'retryable' } };
      },
      giveUp: () => false,
      onFailure: (fault, attempts, retryMs) => this.hold.fail({ ...PLACE, destination: letter.fault.code }, fault, attempts, retryMs),
    };
    const ending = await persist(task, this.options);
    this.pending -= 1;
    this.pendingOf.set(route, (this.pendingOf.get(route) ?? 0) - 1);
    if (ending.kind !== 'done' || !delivery.live) {
      ledger.itemsSettled(route, 'abandoned', 1);
      delivery.settlePart('abandoned');
      return;
    }
    this.hold.end(PLACE, ending.attempts);
    ledger.faulted(letter.fault.code);
    this.options.onlooker?.buried(letter);
    ledger.itemsSettled(route, 'dead-lettered', 1);
    observer({ type: 'dead-lettered', code: letter.fault.code, stage: letter.fault.stage, topic: letter.message.topic, message: letter.fault.message });
    delivery.settlePart('dead-lettered');
  }
}
