import { connect } from 'mqtt';
import { clientOptions } from './connection-options.ts';
import { ChosenIds, describe } from './mqtt-parts.ts';
import type { MqttClient } from 'mqtt';
import type { Clock } from './clock.ts';
import type { ConnectionEvents, ConnectionOptions } from './connection-options.ts';
import type { Message, Qos } from './device.ts';
import type { Rng } from './random.ts';
import type { Said, Session } from './session.ts';

/** Most jitter before another URL has its turn. */
const SOON_MS = 200;

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
 * MQTT-3.3.1-1], unless its session renews them. A message counts as acknowledged when the publish callback came without
 * an error, and at no other time.
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
  private upSince = 0;
  private leaving = false;
  private closing = false;
  private closed = false;
  private lastId = 0;
  private unwritten = 0;
  private attempts = 0;
  /** Turns that URLs have had, and those since the last pause. */
  private turn = 0;
  private turns = 0;
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

  /** Where it is, or was tried last. */
  get url(): string {
    const { urls } = this.options;
    return urls[this.turn % urls.length] ?? '';
  }

  get urls(): readonly string[] {
    return this.options.urls;
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
      this.say(this.options.session?.farewell());
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
    const { session } = this.options;
    const client = connect(this.url, { ...clientOptions(this.options), messageIdProvider: this.ids });
    this.client = client;
    let reason: string | undefined;
    let refused = false;
    let ended = false;
    let subscribing: string | undefined;
    client.on('error', (error) => {
      reason ??= describe(error);
      // CONNACK return codes [MQTT-3.2.2.3]: 4 bad user name or password, 5 not authorised.
      refused ||= 'code' in error && (error.code === 4 || error.code === 5);
    });
    client.on('connect', () => {
      if (session?.commandTopic === undefined) {
        this.connected();
        return;
      }
      subscribing = `the broker refused the subscription to ${session.commandTopic}: may this user read it?`;
      this.ids.id = this.freeId();
      client.subscribe(session.commandTopic, { qos: 1 }, (error) => {
        if (ended) {
          return;
        }
        if (error) {
          refused = true;
          client.stream.destroy();
        } else {
          subscribing = undefined;
          this.connected();
        }
      });
    });
    client.on('message', (topic, payload) => {
      if (this.isUp && !this.leaving && !this.closing) {
        this.say(session?.onCommand?.(topic, payload));
      }
    });
    client.on('close', () => {
      if (!ended) {
        ended = true;
        client.end(true);
        this.lost(reason ?? subscribing, refused);
      }
    });
  }

  private connected(): void {
    this.isUp = true;
    this.upSince = this.clock.monotonic();
    const { session } = this.options;
    if (session?.renew === undefined) {
      this.resend();
      this.say(this.leaving ? session?.farewell() : session?.hello());
    } else {
      this.beginAnew(session);
    }
    this.events.up();
    this.events.room();
  }

  private resend(): void {
    for (const [id, pending] of this.pending) {
      this.resent += 1;
      // A clean session knows nothing of the earlier attempt: there it is a first delivery.
      this.write(id, pending, !this.options.clean);
    }
  }

  private beginAnew(session: Session): void {
    const before = [...this.pending];
    this.pending.clear();
    this.say(session.hello());
    for (const [, { message }] of before) {
      // What the last session said of itself holds no longer.
      if (message !== undefined) {
        this.resent += 1;
        this.publish(message.topic, session.renew?.(message) ?? message.payload, 1, message);
      }
    }
    if (this.leaving) {
      this.say(session.farewell());
    }
  }

  private say(said: readonly Said[] = []): void {
    for (const { topic, payload, qos } of said) {
      this.publish(topic, payload, qos, undefined);
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
    const { retryMs, urls } = this.options;
    const { first, most } = retryMs;
    if (wasUp && this.clock.monotonic() - this.upSince > most) {
      // With QoS 0 alone there is no answer that would tell a good connection.
      this.attempts = 0;
      this.turns = 0;
    }
    this.turns += 1;
    const all = this.turns >= urls.length;
    // Full jitter, so that a fleet does not come back as one wave. Another URL has its turn soon: pauses grow from round to round.
    const delay = 20 + this.rng() * (all ? Math.min(most, first * 2 ** Math.min(this.attempts, 16)) : Math.min(first, SOON_MS));
    if (all) {
      this.attempts += 1;
      this.turns = 0;
    }
    this.cancelRetry = this.clock.after(delay, () => {
      if (!this.closing) {
        this.turn += 1;
        this.open();
      }
    });
    this.events.down(reason, refused, all);
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
    const id = this.freeId();
    const pending: Pending = { message, topic, payload };
    this.pending.set(id, pending);
    this.write(id, pending, false);
  }

  private freeId(): number {
    do {
      this.lastId = (this.lastId % 65_535) + 1;
    } while (this.pending.has(this.lastId));
    return this.lastId;
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
