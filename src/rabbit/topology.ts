import { bindingKeyFromFilter } from '../domain/message.ts';

export type AmqpArguments = Readonly<Record<string, string | number | boolean>>;

export interface ExchangeSpec {
  readonly name: string;
  readonly type: 'topic' | 'direct' | 'fanout' | 'headers';
  readonly durable: boolean;
  readonly arguments: AmqpArguments;
}

export interface QueueSpec {
  readonly name: string;
  readonly durable: boolean;
  /** False: the queue belongs to somebody else and must only exist. */
  readonly declare: boolean;
  readonly arguments: AmqpArguments;
}

export interface BindingSpec {
  readonly source: string;
  readonly queue: string;
  readonly routingKey: string;
  readonly arguments: AmqpArguments;
}

/** Names a binding in messages. */
export function bindingText({ queue, source, routingKey }: BindingSpec): string {
  return `binding of queue '${queue}' to exchange '${source}' with key '${routingKey}'`;
}

/** Everything that the gateway needs on the broker, in the order in which it can be declared. */
export interface Topology {
  /** Exchange that the gateway itself publishes commands to devices to; absent where it sends none. */
  readonly commands?: string | undefined;
  readonly exchanges: readonly ExchangeSpec[];
  readonly queues: readonly QueueSpec[];
  readonly bindings: readonly BindingSpec[];
}

/** Where devices' messages wait. */
export interface IngestOptions {
  readonly queue: string;
  /** Default `amq.topic`, where RabbitMQ's MQTT plugin publishes. */
  readonly exchange?: string | undefined;
  /** MQTT topic filters. */
  readonly topics: readonly string[];
  readonly type?: 'quorum' | 'classic' | undefined;
  /** False: queue and bindings exist already; default true. */
  readonly declare?: boolean | undefined;
  /** `x-delivery-limit`, quorum queues only; default 100. */
  readonly deliveryLimit?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly maxBytes?: number | undefined;
  /** Default `reject-publish`: a full queue refuses what is new. `drop-head` loses the oldest and rules out at-least-once dead-lettering. */
  readonly overflow?: 'reject-publish' | 'drop-head' | undefined;
  /** Default true: one gateway at a time gets messages, a second one stands by; without it topics lose their order when two run. */
  readonly singleActiveConsumer?: boolean | undefined;
}

export interface QueueOptions {
  readonly name: string;
  readonly type: 'quorum' | 'classic';
  readonly durable?: boolean | undefined;
  readonly maxPriority?: number | undefined;
  readonly messageTtlMs?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly overflow?: 'reject-publish' | 'drop-head' | undefined;
  readonly arguments?: AmqpArguments | undefined;
  readonly bindings: readonly { readonly exchange: string; readonly routingKey?: string | undefined; readonly arguments?: AmqpArguments | undefined }[];
}

export interface ExchangeOptions {
  readonly name: string;
  readonly type: ExchangeSpec['type'];
  readonly durable?: boolean | undefined;
  readonly alternateExchange?: string | undefined;
  readonly arguments?: AmqpArguments | undefined;
}

export interface TopologyOptions {
  readonly ingest: IngestOptions;
  readonly deadLetters: { readonly exchange: string; readonly queue: string };
  readonly exchanges: readonly ExchangeOptions[];
  readonly queues: readonly QueueOptions[];
  /** The gateway sends commands to devices through the ingest exchange. */
  readonly commands?: boolean | undefined;
}

/** Routing key of what the broker itself moves to the dead letters (delivery limit, expiry). */
export const POISON_KEY = 'ingest.poison';

/**
 * RabbitMQ 4 drops a message of a quorum queue after 20 redeliveries unless the queue says otherwise, and 3.x does not know
 * -1 for "never": a number that nobody reaches is what all versions understand.
 */
const NO_DELIVERY_LIMIT = 1_000_000;

/** The one table of exchanges, queues and bindings: asserted at start, printed by `sluice topology`, written into the broker's definitions. */
export function buildTopology(options: TopologyOptions): Topology {
  const { ingest, deadLetters } = options;
  const exchanges: ExchangeSpec[] = [
    // A topic exchange, so that somebody can bind for one stage or one code: `decode.*`, `*.NO_ROUTE`.
    { name: deadLetters.exchange, type: 'topic', durable: true, arguments: {} },
    ...options.exchanges.map(
      (e): ExchangeSpec => ({
        name: e.name,
        type: e.type,
        durable: e.durable ?? true,
        arguments: present({ ...e.arguments, 'alternate-exchange': e.alternateExchange }),
      }),
    ),
  ];
  const queues: QueueSpec[] = [
    { name: deadLetters.queue, durable: true, declare: true, arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': NO_DELIVERY_LIMIT } },
    ingestQueue(ingest, deadLetters.exchange),
    ...options.queues.map(
      (q): QueueSpec => ({
        name: q.name,
        durable: q.type === 'quorum' || (q.durable ?? true),
        declare: true,
        arguments: present({
          'x-queue-type': q.type,
          'x-delivery-limit': q.type === 'quorum' ? NO_DELIVERY_LIMIT : undefined,
          'x-max-priority': q.maxPriority,
          'x-message-ttl': q.messageTtlMs,
          'x-max-length': q.maxLength,
          'x-max-length-bytes': q.maxBytes,
          // Said even without a bound: a policy may add one later, and drop-head would then lose silently.
          'x-overflow': q.overflow ?? 'reject-publish',
          ...q.arguments,
        }),
      }),
    ),
  ];
  const bindings: BindingSpec[] = [{ source: deadLetters.exchange, queue: deadLetters.queue, routingKey: '#', arguments: {} }];
  if (ingest.declare !== false) {
    for (const filter of ingest.topics) {
      bindings.push({ source: ingest.exchange ?? 'amq.topic', queue: ingest.queue, routingKey: bindingKeyFromFilter(filter), arguments: {} });
    }
  }
  for (const q of options.queues) {
    for (const b of q.bindings) bindings.push({ source: b.exchange, queue: q.name, routingKey: b.routingKey ?? '', arguments: b.arguments ?? {} });
  }
  return options.commands === true ? { exchanges, queues, bindings, commands: ingest.exchange ?? 'amq.topic' } : { exchanges, queues, bindings };
}

function ingestQueue(ingest: IngestOptions, deadLetterExchange: string): QueueSpec {
  const quorum = (ingest.type ?? 'quorum') === 'quorum';
  const overflow = ingest.overflow ?? 'reject-publish';
  return {
    name: ingest.queue,
    durable: true,
    declare: ingest.declare ?? true,
    arguments: present({
      'x-queue-type': quorum ? 'quorum' : 'classic',
      'x-dead-letter-exchange': deadLetterExchange,
      // A key of our own: with the device's, a topic longer than 255 bytes would make the dead letter as deadly as the message.
      'x-dead-letter-routing-key': POISON_KEY,
      // The broker offers at-least-once on quorum queues only, and only with reject-publish.
      'x-dead-letter-strategy': quorum && overflow === 'reject-publish' ? 'at-least-once' : undefined,
      'x-overflow': overflow,
      'x-delivery-limit': quorum ? (ingest.deliveryLimit ?? 100) : undefined,
      'x-max-length': ingest.maxLength,
      'x-max-length-bytes': ingest.maxBytes,
      'x-single-active-consumer': (ingest.singleActiveConsumer ?? true) ? true : undefined,
    }),
  };
}

function present(table: Record<string, string | number | boolean | undefined>): AmqpArguments {
  const kept: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(table)) if (value !== undefined) kept[key] = value;
  return kept;
}

/** The queue in which commands wait for an edge of this name: durable, and bound for the topics that it asks for. */
export function commandTopology(edge: string, { exchange, commands }: { readonly exchange: string; readonly commands: readonly string[] }): Topology {
  const queue = `sluice.edge.${edge}.commands`;
  return {
    exchanges: [],
    queues: [{ name: queue, durable: true, declare: true, arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true } }],
    bindings: commands.map((filter) => ({ source: exchange, queue, routingKey: bindingKeyFromFilter(filter), arguments: {} })),
  };
}
