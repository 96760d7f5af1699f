import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { GatewayEvent, GatewayEventType } from '../../src/domain/events.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { Session, type SessionOptions } from '../../src/rabbit/session.ts';
import type { TestBroker } from './global-broker.ts';

/** Polls until the condition holds; throws, naming it, after `deadlineMs`. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await sleep(10);
  }
}

/** The promise, or an error that names it after `deadlineMs`. */
export async function soon<T>(what: string, promise: Promise<T>, deadlineMs = 10_000): Promise<T> {
  const late = sleep(deadlineMs, undefined, { ref: false }).then(() => {
    throw new Error(`not within ${deadlineMs} ms: ${what}`);
  });
  return await Promise.race([promise, late]);
}

/** Collects events. */
export class EventLog {
  readonly events: GatewayEvent[] = [];
  readonly observer = (event: GatewayEvent): void => void this.events.push(event);

  of<T extends GatewayEventType>(type: T): Extract<GatewayEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<GatewayEvent, { type: T }> => event.type === type);
  }
}

export function newSession(url: string, options: Partial<SessionOptions> = {}): Session {
  return new Session({
    name: `test-${unique()}`,
    urls: [url],
    heartbeatSeconds: 5,
    connectTimeoutMs: 5000,
    observer: () => {},
    scheduler: systemScheduler,
    ...options,
  });
}

let count = 0;
/** A name that no other test of this run has. */
export function unique(): string {
  count += 1;
  return `${process.pid.toString(36)}${Date.now().toString(36)}${count}`;
}

/** The test's own hand on the broker: plain amqplib, nothing of src/rabbit. */
export class Hand {
  readonly model: ChannelModel;
  readonly channel: ConfirmChannel;

  private constructor(model: ChannelModel, channel: ConfirmChannel) {
    this.model = model;
    this.channel = channel;
  }

  static async open(url: string): Promise<Hand> {
    const model = await connect(url, { timeout: 5000 });
    model.on('error', () => {});
    const channel = await model.createConfirmChannel();
    channel.on('error', () => {});
    return new Hand(model, channel);
  }

  /** Publishes to a queue and waits for the confirms. */
  async fill(queue: string, bodies: readonly string[]): Promise<void> {
    for (const body of bodies) this.channel.publish('', queue, Buffer.from(body), { deliveryMode: 2 });
    await this.channel.waitForConfirms();
  }

  /** Takes everything out of the queue: a mark behind it tells the end. Not basic.get: a queue with a single active consumer refuses it. */
  async drain(queue: string): Promise<string[]> {
    const bodies: string[] = [];
    const mark = `mark-${unique()}`;
    await this.fill(queue, [mark]);
    let found = (): void => {};
    const end = new Promise<void>((resolve) => {
      found = resolve;
    });
    const { consumerTag } = await this.channel.consume(
      queue,
      (message) => {
        const body = message?.content.toString() ?? mark;
        if (body === mark) found();
        else bodies.push(body);
      },
      { noAck: true },
    );
    await soon(`the end of queue ${queue}`, end);
    await this.channel.cancel(consumerTag);
    return bodies;
  }

  /** Messages that are ready. */
  async depth(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  async close(): Promise<void> {
    await soon('closing the test connection', this.model.close()).catch(() => {});
  }
}

/** RabbitMQ's management API, as the administrator. */
export class Management {
  private readonly base: string;
  private readonly authorization: string;

  constructor(broker: TestBroker) {
    const { name, password } = broker.users.admin;
    this.base = broker.managementUrl;
    this.authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
  }

  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const init: RequestInit = {
      method,
      headers: { authorization: this.authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(10_000),
    };
    const response = await fetch(`${this.base}/api/${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Closes the connections that gave themselves this name, as an operator does. */
  async closeConnection(connectionName: string): Promise<void> {
    let found: string[] = [];
    await until(
      `connection ${connectionName} is listed`,
      async () => {
        const all = (await this.request('GET', 'connections')) as {
          name: string;
          user_provided_name?: string;
          client_properties?: { connection_name?: string };
        }[];
        found = all.filter((c) => (c.user_provided_name ?? c.client_properties?.connection_name) === connectionName).map((c) => c.name);
        return found.length > 0;
      },
      20_000,
    );
    for (const name of found) await this.request('DELETE', `connections/${encodeURIComponent(name)}`);
  }
}
