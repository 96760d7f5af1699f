import { Type } from '@sinclair/typebox';
import { amount, choice, entry, flag, integer, list, SHORT, section, text } from './keys.ts';

const url = { secret: true, form: 'amqp-url', minLength: 1 } as const;

export const Rabbitmq = section('The broker, and how hard the gateway leans on it.', {
  url: Type.Optional(
    text(
      '`amqp://user:password@host:port/vhost`, or `amqps://` for TLS; also several with commas between, as one variable of the environment can hold them. Left out together with `urls`: `amqp://localhost:5672`.',
      { ...url, form: 'amqp-urls' },
    ),
  ),
  urls: Type.Optional(
    list('Nodes of one cluster. When one is lost the next has its turn at once, see docs/operations.md. Instead of `url`.', text('One node.', url), {
      minItems: 1,
    }),
  ),
  management: Type.Optional(
    text(
      "`http://user:password@host:15672`: RabbitMQ's management API. It is asked for plugins, policies and bindings at the start and in `sluice doctor`, every 5 s whether the ingest queue is still bound (AMQP alone cannot tell), and every 15 s for the depths of the queues (the metrics `sluice_queue_*`). The user needs the tag `monitoring`. Empty: as if left out.",
      { secret: true, form: 'http-url' },
    ),
  ),
  heartbeatSeconds: integer('AMQP heartbeat. A broker that went silent is noticed after two to three of them; there is no way to switch it off.', {
    default: 5,
    minimum: 1,
    maximum: 60,
    unit: 's',
  }),
  connectTimeoutSeconds: amount('How long one attempt to connect may take, TLS and AMQP handshake included.', {
    default: 10,
    minimum: 0.1,
    maximum: 120,
    unit: 's',
  }),
  confirmTimeoutSeconds: amount('How long the broker may take to confirm a batch. Then the channel is closed and the batch sent again.', {
    default: 30,
    minimum: 0.1,
    maximum: 600,
    unit: 's',
  }),
  maxInFlightBatches: integer('Most batches that are sent and not yet confirmed, over all routes.', {
    default: 256,
    minimum: 1,
    maximum: 65_535,
    unit: 'batches',
  }),
  maxInFlightBytes: integer('Most bytes that are sent and not yet confirmed, over all routes.', {
    default: 67_108_864,
    minimum: 65_536,
    maximum: 1_073_741_824,
    unit: 'bytes',
  }),
  maxMessageBytes: integer("Largest message that the gateway publishes; not above the broker's `max_message_size`.", {
    default: 16_777_216,
    minimum: 1024,
    maximum: 536_870_912,
    unit: 'bytes',
  }),
  tls: Type.Optional(
    entry('For `amqps://`. Certificates are PEM text: write `${file:ca.pem}`.', {
      ca: Type.Optional(text("Certificate of the authority that signed the broker's. Left out: those that Node.js trusts.", { minLength: 1 })),
      cert: Type.Optional(text("The gateway's own certificate, where the broker asks for one.", { minLength: 1 })),
      key: Type.Optional(text('Private key to `cert`.', { secret: true, minLength: 1 })),
      passphrase: Type.Optional(text('Opens `key`.', { secret: true, minLength: 1 })),
      serverName: Type.Optional(text("Name that the broker's certificate must carry, where it is not the host of the URL.", { minLength: 1 })),
      expiryWarningDays: integer('Certificates that expire in fewer days make a warning in the log, at each connect.', {
        default: 30,
        minimum: 0,
        maximum: 3650,
        unit: 'days',
      }),
    }),
  ),
});

export const Source = section('The queue that devices fill. It and its bindings are declared before the gateway says that it is ready, and outlive it.', {
  queue: text('Name of the queue.', { default: 'sluice.ingest', minLength: 1, ...SHORT }),
  exchange: text('Exchange that the queue is bound to; the MQTT plugin publishes to `amq.topic`.', { default: 'amq.topic', minLength: 1, ...SHORT }),
  topics: list('MQTT topic filters (`+`, `#`) whose messages the queue takes.', text('One filter.', { minLength: 1 }), { default: ['#'], minItems: 1 }),
  type: choice('Type of the queue. A quorum queue counts redeliveries and was the faster of the two when measured.', ['quorum', 'classic'], 'quorum'),
  declare: flag('Declare the queue and its bindings. `false`: both exist, and the gateway only looks whether they do.', true),
  prefetch: integer('Most messages that are delivered and not yet acked: the bound on everything that the gateway holds.', {
    default: 2000,
    minimum: 1,
    maximum: 65_535,
    unit: 'messages',
  }),
  maxDeliveries: integer(
    'A message that comes back more often than this without an answer is dead-lettered before it is read. Only a quorum queue counts. A destination that is held for hours costs one redelivery per `consumer_timeout` of the broker (30 minutes), so keep this well above 10.',
    { default: 100, minimum: 1, maximum: 10_000 },
  ),
  deliveryLimit: integer(
    "The broker's own limit (`x-delivery-limit`), for messages that kill the connection before the gateway sees them. Beyond it the broker moves the message to the dead letters; each delivery until then costs a reconnect. Above `maxDeliveries`; quorum queues only.",
    { default: 120, minimum: 1, maximum: 100_000 },
  ),
  maxLength: Type.Optional(integer('Most messages in the queue.', { minimum: 1, maximum: 4_294_967_295, unit: 'messages' })),
  maxBytes: Type.Optional(integer('Most bytes in the queue.', { minimum: 1, maximum: Number.MAX_SAFE_INTEGER, unit: 'bytes' })),
  overflow: choice(
    'What a full queue does: refuse what is new (a device with QoS 1 then gets no PUBACK), or throw away what is old.',
    ['reject-publish', 'drop-head'],
    'reject-publish',
  ),
  singleActiveConsumer: flag('One gateway at a time gets messages and others stand by. Without it topics lose their order when two gateways run.', true),
});
