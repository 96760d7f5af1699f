import { connect } from 'mqtt';
import { ChosenIds, EmptyStore } from './mqtt-parts.ts';
import type { MqttClient } from 'mqtt';
import type { Clock } from './clock.ts';
import type { Message, Qos } from './device.ts';
import type { Presence } from './formats/format.ts';
import type { TlsOptions } from './options.ts';
import type { Rng } from './random.ts';

export interface ConnectionOptions {
  /** `mqtt://host:port` or `ws://host:port/path`; with TLS `mqtts://` or `wss://`. */
  readonly url: string;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** For mqtts and wss. */
  readonly tls: TlsOptions | undefined;
  /** What is said on each connect, before a clean end, and as the last will; undefined: nothing, and there is no will. */
  readonly presence: Presence | undefined;
  /** False keeps the session at the broker over reconnects and runs. */
  readonly clean: boolean;
  /** Seconds; a dead peer is noticed after 1.5 times this. */
  readonly keepalive: number;
  /** Bound on QoS 1 messages without PUBACK, 1 to 60000. */
  readonly window: number;
  readonly connectTimeoutMs: number;
  readonly retryMs: { readonly first: number; readonly most: number };
}

export interface ConnectionEvents {
  up(): void;
  /** The connection, or an attempt at one, ended without our asking. `refused`: wrong user name or password, or not authorised. */
  down(reason: string, refused: boolean): void;
  /** `message` undefined: a status. */
  pubacked(message: Message | undefined): void;
  /** A message may be sent again where none could be before. */
  room(): void;
}

interface Pending {
  readonly message: Message | undefined;
  readonly topic: string;
  readonly payload: string | Buffer;
}

/**
 * One MQTT session over as many network connections as it takes.
 *
 * Each network connection has a client of its own (no automatic reconnect). Messages without PUBACK are kept here, and
 * sent again in their order, with their packet identifiers and the DUP flag, on the next one [MQTT-4.4.0-1, MQTT-4.6.0-1,
 * MQTT-3.3.1-1]. A message counts as acknowledged when the publish callback came without an error, and at no other time.
 */
export class Connection {
  /** Network connections that broke or could not be made, and were tried again. */
  reconnects = 0;
  /** QoS 1 messages sent again after a reconnect. */
  resent = 0;
  /** Publish callbacks with an error; such a message stays in flight. */
  failed = 0;
  lastError: string | undefined;
  private readonly options: ConnectionOptions;
  private readonly events: ConnectionEvents;
  private readonly clock: Clock;
  private readonly rng: Rng;
  private readonly pending = new Map<number, Pending>();
  private readonly ids = new ChosenIds();
  private client: MqttClient | undefined;
  private isUp = false;
  private leaving = false;
  private closing = false;
  private closed = false;
  private lastId = 0;
  private unwritten = 0;
  private attempts = 0;
  private cancelRetry: (() => void) | undefined;

  constructor(options: ConnectionOptions, events: ConnectionEvents, clock: Clock, rng: Rng) {
    this.options = options;
    this.events = events;
    this.clock = clock;
    this.rng = rng;
  }

  get up(): boolean {
    return this.isUp;
  }

  get url(): string {
    return this.options.url;
  }

  /** Messages and statuses without PUBACK. */
  get inFlight(): number {
    return this.pending.size;
  }

  /** Whether `send` may be called. QoS 0 counts while the socket has not taken it. */
  get ready(): boolean {
    return this.isUp && !this.closing && this.pending.size + this.unwritten < this.options.window;
  }

  start(): void {
    this.open();
  }

  /** Only while `ready`. */
  send(message: Message): void {
    this.publish(message.topic, message.payload, message.qos, message);
  }

  /** Tells the world that the device goes away, if there is a connection to tell it on; answered by a PUBACK like any message. */
  farewell(): void {
    this.leaving = true;
    if (this.isUp) {
      this.sayStatus();
    }
  }

  /** Ends the connection: with DISCONNECT, so no last will, if all is acknowledged; else by cutting it. Waits at most `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.closing = true;
    this.cancelRetry?.();
    const { client } = this;
    if (client === undefined) {
      this.closed = true;
      return;
    }
    const graceful = this.isUp && this.pending.size === 0;
    await new Promise<void>((resolve) => {
      const cancel = this.clock.after(deadlineMs, () => {
        client.stream.destroy();
        resolve();
      });
      client.end(!graceful, {}, () => {
        cancel();
        resolve();
      });
    });
    this.isUp = false;
    this.closed = true;
  }

  private open(): void {
    const { url, clientId, username, password, tls, presence, clean, keepalive, connectTimeoutMs } = this.options;
    const client = connect(url, {
      protocolVersion: 4,
      clientId,
      clean,
      keepalive,
      connectTimeout: connectTimeoutMs,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      timerVariant: 'native',
      messageIdProvider: this.ids,
      outgoingStore: new EmptyStore(),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...tls,
      // Spoken to the broker once per connection; not retained, so that a consumer that starts later is not told old news.
      ...(presence === undefined ? {} : { will: { topic: presence.topic, payload: Buffer.from(presence.offline), qos: 1, retain: false } }),
    });
    this.client = client;
    let reason: string | undefined;
    let refused = false;
    let ended = false;
    client.on('error', (error) => {
      reason ??= describe(error);
      // CONNACK return codes [MQTT-3.2.2.3]: 4 bad user name or password, 5 not authorised.
      refused ||= 'code' in error && (error.code === 4 || error.code === 5);
    });
    client.on('connect', () => this.connected());
    client.on('close', () => {
      if (!ended) {
        ended = true;
        client.end(true);
        this.lost(reason, refused);
      }
    });
  }

  private connected(): void {
    this.isUp = true;
    for (const [id, pending] of this.pending) {
      this.resent += 1;
      // A clean session knows nothing of the earlier attempt: there it is a first delivery.
      this.write(id, pending, !this.options.clean);
    }
    this.sayStatus();
    this.events.up();
    this.events.room();
  }

  private sayStatus(): void {
    const { presence } = this.options;
    const said = this.leaving ? presence?.offline : presence?.online;
    if (presence !== undefined && said !== undefined) {
      this.publish(presence.topic, said, 1, undefined);
    }
  }

  private lost(error: string | undefined, refused: boolean): void {
    const wasUp = this.isUp;
    this.isUp = false;
    this.unwritten = 0;
    if (this.closing) {
      return;
    }
    let reason = error ?? (wasUp ? 'the broker closed the connection' : 'the connection was closed before CONNACK');
    if (wasUp && this.attempts >= 2 && this.pending.size > 0) {
      reason += ' again, before any PUBACK: may this user publish to these topics?';
    }
    this.lastError = reason;
    this.reconnects += 1;
    // Full jitter, so that a fleet does not come back as one wave.
    const { first, most } = this.options.retryMs;
    const delay = 20 + this.rng() * Math.min(most, first * 2 ** Math.min(this.attempts, 16));
    this.attempts += 1;
    this.cancelRetry = this.clock.after(delay, () => {
      if (!this.closing) {
        this.open();
      }
    });
    this.events.down(reason, refused);
  }

  private publish(topic: string, payload: string | Buffer, qos: Qos, message: Message | undefined): void {
    if (qos === 0) {
      this.unwritten += 1;
      const { client } = this;
      client?.publish(topic, payload, { qos: 0 }, () => {
        if (client === this.client && this.isUp) {
          this.unwritten -= 1;
          this.events.room();
        }
      });
      return;
    }
    do {
      this.lastId = (this.lastId % 65_535) + 1;
    } while (this.pending.has(this.lastId));
    const pending: Pending = { message, topic, payload };
    this.pending.set(this.lastId, pending);
    this.write(this.lastId, pending, false);
  }

  private write(id: number, pending: Pending, dup: boolean): void {
    this.ids.id = id;
    this.client?.publish(pending.topic, pending.payload, { qos: 1, dup }, (error) => {
      if (this.closed) {
        // What comes after the end has nobody left to tell; such a message stays one of unknown fate.
        return;
      }
      if (error) {
        this.failed += 1;
      } else if (this.pending.get(id) === pending) {
        this.pending.delete(id);
        // A connection that gets an answer is a good one: the next retry starts from the first delay again.
        this.attempts = 0;
        this.events.pubacked(pending.message);
        this.events.room();
      }
    });
  }
}

/** One line for a person. Errors of several addresses (localhost is two) hide their text in `errors`. */
function describe(error: Error): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  const text = first instanceof Error ? first.message || first.name : String(first);
  return text.replaceAll(/\s+/g, ' ');
}
