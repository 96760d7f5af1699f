/** Deaths in a row by an internal error of the broker (541) before a message is suspected. Such an error is rare in itself. */
const MOST_ERRORS = 3;
/** The same for connections that were lost in any other way: a bad network does that too, only not so often without a break. */
const MOST_ENDS = 10;
/** An attachment that lived this long was no victim: a poisonous message kills within milliseconds of the consume. */
const SHORT_MS = 5000;
/** What was settled on a connection that lived shorter than this is no progress: its acks may never have reached the broker. */
const TOO_SHORT_FOR_ACKS_MS = 1000;
/** Pauses do not grow for this many times the delivery limit: poison messages that wait together are delivered in turns. */
const HURRIED_LIMITS = 10;
/** After a suspicion the next death by an error is enough for this long: poison seldom comes alone. */
const WARY_MS = 60_000;

export interface PoisonWatchOptions {
  /** Prefetch of ordinary consuming. */
  readonly prefetch: number;
  /** Deliveries after which the broker moves a message away (`x-delivery-limit`); 0 where it never does (classic queue). */
  readonly deliveryLimit: number;
}

/** How the consumer of one channel ended. Times in milliseconds on the monotonic clock. */
export interface AttachmentEnd {
  /** From the attempt to consume to its end. */
  readonly livedMs: number;
  /** `error`: the broker closed the connection with 541; `lost`: the connection went otherwise; `ours`: only the channel, or by our own doing. */
  readonly cause: 'error' | 'lost' | 'ours';
  readonly received: number;
  readonly settled: number;
}

/** Why the suspicion is over. */
export type Relief = 'moved' | 'progress' | 'quiet';

/**
 * Tells a message that kills the connection at each delivery from ordinary bad days. RabbitMQ's MQTT plugin takes topics
 * that no AMQP frame can carry (a routing key is a short string of at most 255 bytes, AMQP 0-9-1, 4.2.5.3): it queues the
 * message, and each delivery of it ends the consumer's connection with 541 (3.10.8; rabbitmq-server#9372). It cannot be
 * seen or acked, and each death counts a delivery for everything that was unacked beside it.
 *
 * So after a few short-lived attachments without progress, messages are taken one at a time: then the poison alone is
 * delivered when the connection dies, and it alone collects deliveries (measured: limit 5, six deaths, the poison moved and
 * none of 100 others).
 *
 * The end is told by the first message that was never delivered before: a queue gives out what came back before what is
 * new, so all that was delivered beside the poison, and the poison itself, are gone then. Not earlier: what comes back
 * alone, while others that came back still wait, is put behind them (quorum queue, 3.10.8), and order is lost. Pure: no
 * clock, no broker.
 */
export class PoisonWatch {
  private readonly options: PoisonWatchOptions;
  /** Suspicious deaths in a row; those by 541 among them. */
  private ends = 0;
  private errors = 0;
  private suspecting = false;
  /** Deaths since the suspicion at which no delivery was open: only what we never got can have caused them. */
  private unseenKills = 0;
  private waryUntil = Number.NEGATIVE_INFINITY;

  constructor(options: PoisonWatchOptions) {
    this.options = options;
  }

  /** A message is suspected: take one at a time. */
  get careful(): boolean {
    return this.suspecting;
  }

  get prefetch(): number {
    return this.suspecting ? 1 : this.options.prefetch;
  }

  /** Suspicious deaths in a row. */
  get deaths(): number {
    return this.ends;
  }

  /** Deaths bring the end nearer, so reconnect without growing pauses. Bounded: where the broker does not move the message in time, pauses grow again. */
  get hurried(): boolean {
    return this.suspecting && this.unseenKills < this.options.deliveryLimit * HURRIED_LIMITS;
  }

  /** Milliseconds without a death and a delivery after which `calm` may be asked. */
  get quietMs(): number {
    return SHORT_MS;
  }

  /** An attachment is over. Answers true when that raises the suspicion. */
  ended(end: AttachmentEnd, now: number): boolean {
    if (end.cause === 'ours') return false;
    if (this.suspecting) {
      this.ends += 1;
      if (end.received === end.settled) this.unseenKills += 1;
      return false;
    }
    if (end.livedMs >= SHORT_MS || (end.settled > 0 && end.livedMs >= TOO_SHORT_FOR_ACKS_MS)) {
      this.forget();
      return false;
    }
    this.ends += 1;
    if (end.cause === 'error') this.errors += 1;
    const enough = this.errors >= MOST_ERRORS || this.ends >= MOST_ENDS || (end.cause === 'error' && now < this.waryUntil);
    if (!enough) return false;
    this.suspecting = true;
    this.unseenKills = 0;
    return true;
  }

  /** Messages were acked; `fresh`: the last of them had never been delivered before. Answers why the suspicion is over, if it is. */
  progressed(fresh: boolean, now: number): Relief | undefined {
    return this.suspecting && fresh ? this.relieve(this.unseenKills > 0 ? 'moved' : 'progress', now) : undefined;
  }

  /** Nothing came for `quietMs`, and a message that is open, if there is one, is fresh: coming back, it stays in front. */
  calm(now: number): Relief | undefined {
    return this.suspecting ? this.relieve(this.unseenKills > 0 ? 'moved' : 'quiet', now) : undefined;
  }

  private relieve(why: Relief, now: number): Relief {
    this.suspecting = false;
    this.forget();
    this.waryUntil = now + WARY_MS;
    return why;
  }

  private forget(): void {
    this.ends = 0;
    this.errors = 0;
  }
}
