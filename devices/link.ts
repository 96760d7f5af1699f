import { Connection } from './connection.ts';
import { Histogram } from './histogram.ts';
import { stream } from './random.ts';
import type { Clock } from './clock.ts';
import type { Message } from './device.ts';
import type { Driver, Lane } from './driver.ts';
import type { LedgerWriter } from './ledger.ts';
import type { FleetOptions } from './options.ts';
import type { Crew } from './population.ts';

/** What the whole fleet has done; see `FleetStats` for the meaning of the numbers. */
export class Books {
  attempted = 0;
  pubacked = 0;
  unanswered = 0;
  silent = 0;
  statusPubacked = 0;
  readonly lateMs = new Histogram();
  readonly pubackMs = new Histogram();
  ledger: LedgerWriter | undefined;
}

export interface LinkHost {
  readonly clock: Clock;
  /** Device time (milliseconds since 1970) of what is due `dueMs` after the start. */
  timeOf(dueMs: number): number;
  /** A connection came up, or something in flight was acknowledged. */
  changed(): void;
  down(link: Link, reason: string, refused: boolean, all: boolean): void;
}

/** One connection with the devices behind it and their plan: takes its turns, and keeps the books about them. */
export class Link implements Lane {
  readonly crew: Crew;
  readonly connection: Connection;
  wasUp = false;
  private readonly books: Books;
  private readonly driver: Driver;
  private readonly host: LinkHost;
  /** Turns taken so far. */
  private taken = 0;
  /** When the messages in flight were due. */
  private readonly dueOf = new Map<Message, number>();

  constructor(crew: Crew, urls: readonly string[], options: FleetOptions, books: Books, driver: Driver, host: LinkHost) {
    this.crew = crew;
    this.books = books;
    this.driver = driver;
    this.host = host;
    const { username, password, tls, clean = false, keepalive = 15, window = 100, seed = 1 } = options;
    const { connectTimeoutMs = 10_000, retryMs = { first: 500, most: 10_000 } } = options;
    this.connection = new Connection(
      { urls, clientId: crew.clientId, username, password, tls, session: crew.session, clean, keepalive, window, connectTimeoutMs, retryMs },
      {
        up: () => {
          this.wasUp = true;
          host.changed();
        },
        down: (reason, refused, all) => host.down(this, reason, refused, all),
        pubacked: (message) => this.pubacked(message),
        room: () => driver.wake(this),
      },
      host.clock,
      stream(seed, `${crew.clientId} retry`),
    );
  }

  get nextDue(): number {
    return this.taken >= this.crew.plan.count ? Number.POSITIVE_INFINITY : this.crew.plan.due(this.taken);
  }

  get ready(): boolean {
    return this.connection.ready;
  }

  emit(lateMs: number): void {
    const { plan, speakers } = this.crew;
    const due = plan.due(this.taken);
    const message = speakers[plan.speaker(this.taken)]?.next(this.host.timeOf(due));
    this.taken += 1;
    if (message === undefined) {
      this.books.silent += 1;
      return;
    }
    // In the ledger before it is on the wire: what came out downstream was attempted, whatever happens in between.
    this.books.ledger?.attempted(message);
    this.books.attempted += 1;
    this.books.lateMs.record(lateMs);
    if (message.qos === 0) {
      this.books.unanswered += 1;
    } else {
      this.dueOf.set(message, due);
    }
    this.connection.send(message);
  }

  private pubacked(message: Message | undefined): void {
    if (message === undefined) {
      this.books.statusPubacked += 1;
    } else {
      this.books.ledger?.pubacked(message.topic, message.seq);
      this.books.pubacked += 1;
      this.books.pubackMs.record(this.driver.elapsed() - (this.dueOf.get(message) ?? 0));
      this.dueOf.delete(message);
    }
    this.host.changed();
  }
}
