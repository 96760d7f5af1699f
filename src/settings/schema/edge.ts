import { type Static, Type } from '@sinclair/typebox';
import { amount, choice, entry, flag, integer, list, section, SHORT, text } from './keys.ts';

const host = text('Address to listen on: `0.0.0.0` for every one of the machine.', { default: '0.0.0.0', minLength: 1 });
const port = (byDefault: number) => integer('Port; 0 takes any that is free.', { default: byDefault, minimum: 0, maximum: 65_535 });

const Certificates = {
  cert: text("The edge's certificate, PEM: write `${file:edge.pem}`.", { minLength: 1 }),
  key: text('Private key to `cert`.', { secret: true, minLength: 1 }),
  passphrase: Type.Optional(text('Opens `key`.', { secret: true, minLength: 1 })),
  ca: Type.Optional(text('Certificate of the authority that signs the certificates of devices.', { minLength: 1 })),
  clientCertificates: choice(
    'Whether devices show certificates. `optional` lets them in without one too; with either, a certificate that is shown must be signed by `ca`.',
    ['none', 'optional', 'required'],
    'none',
  ),
};

const filters = (what: string) => list(what, text('One filter.', { minLength: 1 }));

const User = entry('Who may connect.', {
  name: text('User name, and one level of topics: no `/`, `+`, `#`, braces or control characters.', { minLength: 1, maxBytes: 128 }),
  passwordHash: Type.Optional(
    text("Made by `sluice edge password`, or taken from RabbitMQ's definitions (SHA-256 or SHA-512).", { secret: true, minLength: 1 }),
  ),
  certificateOnly: flag('It has no password: its certificate lets it in.', false),
  publish: Type.Optional(
    filters(
      'Topic filters that it may publish to; `{username}` and `{clientid}` stand for its name and its client id. Left out: `devices/{username}/+/#`; for a name of two parts, `SITE.DEVICE`, `devices/SITE/DEVICE/+/#`.',
    ),
  ),
  subscribe: Type.Optional(
    filters('Topic filters that it may subscribe to. Left out: `devices/{username}/#` and `commands/{username}/#`, with the same exception.'),
  ),
  clientIds: choice(
    "Client ids that it may use: its name, alone or before one of `.`, `:`, `/`; or (`free`) also any that begins with no user's name.",
    ['own', 'free'],
    'own',
  ),
});

const Limits = section('Bounds on what devices can ask for.', {
  packetBytes: integer('Longest packet. A longer one closes its connection before its body is read.', {
    default: 1_048_576,
    minimum: 1024,
    maximum: 268_435_455,
    unit: 'bytes',
  }),
  topicBytes: integer('Longest topic. RabbitMQ routes at most 255 bytes, and a longer routing key ends the channels of AMQP consumers.', {
    default: 200,
    minimum: 1,
    maximum: 255,
    unit: 'bytes',
  }),
  connections: integer('Most connections.', { default: 20_000, minimum: 1, maximum: 1_000_000 }),
  connectionsPerSecond: integer('New connections a second; what is more waits for its turn. 0: no bound.', { default: 1000, minimum: 0, maximum: 100_000 }),
  clientsPerUser: integer(
    'Most client ids of one account at a time: connected, or away with a persistent session. With an account for each device: 1, or as many clients as a device runs. 0: no bound.',
    { default: 0, minimum: 0, maximum: 1_000_000 },
  ),
  publishesPerSecond: integer('Publishes of one device a second. One that is faster is read more slowly; nothing is dropped. 0: no bound.', {
    default: 0,
    minimum: 0,
    maximum: 1_000_000,
  }),
  heldMessages: integer('Most messages of all devices that are read and not yet acknowledged. Beyond it nobody is read.', {
    default: 50_000,
    minimum: 100,
    maximum: 10_000_000,
    unit: 'messages',
  }),
  heldBytes: integer('Most bytes of them, 512 for each included.', { default: 67_108_864, minimum: 65_536, maximum: 17_179_869_184, unit: 'bytes' }),
  outgoingBytes: integer('Most bytes that wait in the socket of one subscriber that reads slowly; then it is closed.', {
    default: 4_194_304,
    minimum: 4096,
    maximum: 1_073_741_824,
    unit: 'bytes',
  }),
});

const Spool = section('What is kept on disk while RabbitMQ is away or slow.', {
  dir: text('Folder, for this gateway alone; made when it is not there. Relative to the working directory.', { default: '.sluice/edge', minLength: 1 }),
  maxBytes: integer('Most bytes on disk.', { default: 4_294_967_296, minimum: 33_554_432, maximum: Number.MAX_SAFE_INTEGER, unit: 'bytes' }),
  whenFull: choice(
    'What a full spool does with what is new. `block`: it is not acknowledged, and the devices wait. `drop-oldest-qos0`: the oldest messages of QoS 0, which nobody was promised, make room first; they are counted.',
    ['block', 'drop-oldest-qos0'],
    'block',
  ),
  maxAgeSeconds: Type.Optional(
    amount('Messages that have waited longer are dropped, acknowledged or not, and counted. Left out: nothing is too old.', {
      minimum: 1,
      maximum: 315_360_000,
      unit: 's',
    }),
  ),
  afterMs: integer('A message that RabbitMQ has not confirmed after this is written to the disk, and acknowledged. 0: every message, at once.', {
    default: 250,
    minimum: 0,
    maximum: 60_000,
    unit: 'ms',
  }),
  drainPerSecond: integer('Most messages a second that go from the spool to RabbitMQ when it is back, so that new ones keep their pace. 0: no bound.', {
    default: 0,
    minimum: 0,
    maximum: 10_000_000,
    unit: 'messages',
  }),
});

const Bridge = section('How messages go to RabbitMQ with `mode: bridge`: as its own MQTT plugin would publish them.', {
  exchange: text('Exchange of the MQTT plugin.', { default: 'amq.topic', minLength: 1, ...SHORT }),
  inFlight: integer('Most messages that are sent and not yet confirmed.', { default: 1000, minimum: 1, maximum: 65_535, unit: 'messages' }),
  inFlightPerTopic: integer(
    'Most of them of one topic. 1 keeps the order even where RabbitMQ refuses a message (a full queue, one without a leader), at one message a round trip; with more, a refused one may come behind later ones of its topic.',
    { default: 1, minimum: 1, maximum: 65_535, unit: 'messages' },
  ),
  unroutable: choice(
    'What becomes of a message that no queue in RabbitMQ takes. `hold`: it waits, loudly, until one does. `drop`: it is lost, as with the MQTT plugin.',
    ['hold', 'drop'],
    'hold',
  ),
});

const Sessions = section('What is kept for devices that subscribe.', {
  expirySeconds: amount('A persistent session that nobody has come back to for so long is forgotten.', {
    default: 86_400,
    minimum: 1,
    maximum: 31_536_000,
    unit: 's',
  }),
  count: integer('Most persistent sessions.', { default: 20_000, minimum: 1, maximum: 1_000_000 }),
  queuedMessages: integer('Most messages that wait for one device that is away. The oldest make room, and are counted.', {
    default: 1000,
    minimum: 1,
    maximum: 1_000_000,
    unit: 'messages',
  }),
  retainedMessages: integer('Most retained messages.', { default: 20_000, minimum: 0, maximum: 1_000_000, unit: 'messages' }),
});

export const Edge = section('MQTT next to the devices: messages are kept on disk while RabbitMQ is away. docs/edge.md', {
  mode: choice(
    '`bridge`: this process is an edge, and publishes what devices send into RabbitMQ, for gateways there. `direct`: this gateway takes what devices send itself, besides what comes from its queue, and forwards it as its routes say.',
    ['off', 'bridge', 'direct'],
    'off',
  ),
  tcp: Type.Optional(entry('MQTT over TCP.', { host, port: port(1883) })),
  tls: Type.Optional(entry('MQTT over TLS.', { host, port: port(8883), ...Certificates })),
  websocket: Type.Optional(
    entry('MQTT over WebSocket, path `/ws`.', {
      host,
      port: port(15_675),
      tls: Type.Optional(entry('Over TLS (`wss:`).', Certificates)),
    }),
  ),
  users: list('Accounts of devices.', User, { default: [] }),
  anonymous: Type.Optional(
    entry('Lets in who gives no name. Left out: nobody.', {
      publish: filters('What it may publish to.'),
      subscribe: filters('What it may subscribe to.'),
    }),
  ),
  certificateName: choice(
    "What in a device's certificate is its user name: the common name, or the one alternative name of a kind.",
    ['cn', 'dns', 'email', 'uri'],
    'cn',
  ),
  qos0: choice(
    'QoS 0: `keep`: as the others, without an acknowledgement. `best-effort`: sent on if RabbitMQ is there, else dropped and counted.',
    ['keep', 'best-effort'],
    'keep',
  ),
  lateSeconds: amount(
    'A message that goes on so long after it was received is late: its readings are flagged. With `bridge` it carries the header `sluice-received-at` (milliseconds since 1970), which a Sluice gateway behind it takes for the time of arrival.',
    { default: 10, minimum: 0.1, maximum: 86_400, unit: 's' },
  ),
  commands: list(
    'Topic filters of what comes the other way: messages in RabbitMQ with such topics are handed to the devices that subscribe here. They wait in a durable queue while the edge is away.',
    text('One filter.', { minLength: 1 }),
    { default: [] },
  ),
  limits: Limits,
  spool: Spool,
  sessions: Sessions,
  bridge: Bridge,
});

export type EdgeSettings = Static<typeof Edge>;
