import type { Observer } from '../domain/events.ts';
import { type Discrepancy, type InFlight, type Ledger, owed } from '../domain/ledger.ts';
import type { Scheduler } from './ports.ts';

/** What the gateway holds, counted where it is and not from the ledger. */
export interface Holdings {
  /** Deliveries without an answer. */
  readonly messages: number;
  /** Items: in open batches, in lanes, and as dead letters under way. Copies for best-effort routes are owed to nobody and not among them. */
  readonly batches: number;
  readonly lanes: number;
  readonly deadLetters: number;
  /** The same items by route. */
  readonly routes: ReadonlyMap<string, number>;
}

export function inFlightOf({ messages, batches, lanes, deadLetters, routes }: Holdings): InFlight {
  return { messages, items: batches + lanes + deadLetters, routes };
}

/** What holds messages and looks into none of them. */
export function messagesAlone(messages: number): Holdings {
  return { messages, batches: 0, lanes: 0, deadLetters: 0, routes: new Map() };
}

export interface BooksWatchOptions {
  readonly ledger: Ledger;
  readonly holdings: () => Holdings;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly everyMs: number;
}

/**
 * Holds the ledger against what the gateway holds. Things move from holder to holder and into the ledger within one
 * synchronous run, so in a turn of its own (a timer, a request) the two sides agree at any load, and any difference is a
 * bug; `test/property` checks that over random histories. Costs one walk over open batches and lanes.
 */
export class BooksWatch {
  private readonly options: BooksWatchOptions;
  private why: string | undefined;
  private cancel: () => void = () => {};

  constructor(options: BooksWatchOptions) {
    this.options = options;
  }

  /** What does not agree, for a person; undefined as it should be. */
  get reason(): string | undefined {
    return this.why;
  }

  start(): void {
    this.cancel = this.options.scheduler.after(this.options.everyMs, () => {
      this.check();
      this.start();
    });
  }

  close(): void {
    this.cancel();
  }

  /** Tells of an imbalance once, when it arises, and once when it is gone. */
  check(): void {
    const { ledger, observer } = this.options;
    const held = this.options.holdings();
    const inFlight = inFlightOf(held);
    const off = ledger.discrepancies(inFlight);
    if (off.length === 0) {
      if (this.why !== undefined) observer({ type: 'ledger-balanced' });
      this.why = undefined;
      return;
    }
    const first = this.why === undefined;
    this.why = `${off.map(explain).join('; ')}. Held: ${held.messages} messages; ${held.batches} items in batches, ${held.lanes} in lanes, ${held.deadLetters} dead letters under way`;
    if (!first) return;
    const { messages, items } = ledger.imbalance(inFlight.messages, inFlight.items);
    observer({ type: 'ledger-imbalance', messagesOff: messages, itemsOff: items, reason: this.why });
  }
}

function explain({ what, tally, inFlight, by }: Discrepancy): string {
  const side = by > 0 ? `${by} neither settled nor held` : `${-by} settled twice or held too often`;
  return `${what}: ${side} (received ${tally.received}, settled ${tally.received - owed(tally)}, in flight ${inFlight})`;
}
