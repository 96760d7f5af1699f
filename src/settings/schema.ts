import { type Static, Type } from '@sinclair/typebox';
import { DEFAULT_LIMITS, type Limits, type ProfileSpec } from '../domain/profile.ts';
import type { RouteSpec } from '../domain/route.ts';
import { amount, choice, flag, integer, list, SHORT, section, text } from './schema/keys.ts';
import { Edge, type EdgeSettings } from './schema/edge.ts';
import { Layout } from './schema/payloads.ts';
import { Profile, UsedProfile } from './schema/profiles.ts';
import { Rabbitmq, Source } from './schema/rabbitmq.ts';
import { Route } from './schema/routes.ts';
import { Exchange, Queue } from './schema/topology.ts';

const Gateway = section('The gateway as a whole.', {
  name: text('Name in logs, metrics, connection names and batch ids. Give each instance its own.', {
    default: 'sluice',
    maxLength: 64,
    pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$',
  }),
  stateDir: text(
    'Folder for what codecs with a memory keep across restarts (Sparkplug); made when it is first needed, and for this gateway alone. Relative to the working directory.',
    {
      default: '.sluice/state',
      minLength: 1,
    },
  ),
  watchConfig: flag('Read the settings again when one of their files changes, as after SIGHUP. What is wrong is refused whole, and the log says so.', false),
  drainSeconds: amount('How long a stop waits for what is in flight. What is left then stays in the broker.', {
    default: 8,
    minimum: 0,
    maximum: 3600,
    unit: 's',
  }),
});

const LimitsSection = section('Bounds on one message, so that a hostile payload cannot stall or fill the process. What is beyond them is dead-lettered.', {
  messageBytes: integer('Longest payload.', { default: DEFAULT_LIMITS.messageBytes, minimum: 1, maximum: 134_217_728, unit: 'bytes' }),
  depth: integer('Deepest nesting.', { default: DEFAULT_LIMITS.depth, minimum: 1, maximum: 256 }),
  fields: integer('Most fields and array elements in one payload.', { default: DEFAULT_LIMITS.fields, minimum: 1, maximum: 1_000_000 }),
  readingsPerMessage: integer('Most readings in one message.', {
    default: DEFAULT_LIMITS.readingsPerMessage,
    minimum: 1,
    maximum: 1_000_000,
    unit: 'readings',
  }),
});

const Dedupe = section(
  'Leaves out readings that were forwarded before, by their id, also where a copy would take another route by now. Readings flagged `arrival-id` are never left out.',
  {
    enabled: flag('Deduplicate.', true),
    entries: integer(
      'Most ids that are remembered. Where there is no room, the oldest of the devices with most readings go first; `sluice_dedupe_evicted_early_total` counts them.',
      { default: 100_000, minimum: 1, maximum: 10_000_000, unit: 'entries' },
    ),
    windowSeconds: amount('How long an id is remembered.', { default: 600, minimum: 1, maximum: 604_800, unit: 's' }),
  },
);

const Devices = section('What is remembered of the devices that were seen, for the pages and the API. Nothing is forwarded by it, and a restart begins anew.', {
  entries: integer('Most devices. The one that was not seen for longest makes room; `/api/devices` says how many did.', {
    default: 100_000,
    minimum: 1,
    maximum: 5_000_000,
    unit: 'entries',
  }),
  historyBytes: integer(
    'Most memory for the last values of all devices together (60 of each at most, 5 s apart or more). Where there is no more, devices that have fallen silent lose theirs first.',
    { default: 33_554_432, minimum: 0, maximum: 4_294_967_296, unit: 'bytes' },
  ),
});

const DeadLetters = section('Where messages go that will never pass. Exchange and queue are declared, durable, and bound to one another.', {
  exchange: text('Name of the exchange.', { default: 'sluice.dead', minLength: 1, pattern: '^(?!amq\\.)', ...SHORT }),
  queue: text('Name of the queue.', { default: 'sluice.dead', minLength: 1, pattern: '^(?!amq\\.)', ...SHORT }),
  concurrency: integer('Most dead letters that are sent and not yet confirmed.', { default: 16, minimum: 1, maximum: 1024, unit: 'messages' }),
});

const Retry = section('Back-off with full jitter: before attempt n the wait is a random time up to `baseMs` x 2^n, and never above `capMs`.', {
  baseMs: integer('Upper bound of the first wait.', { default: 100, minimum: 1, maximum: 60_000, unit: 'ms' }),
  capMs: integer('Upper bound of every wait.', { default: 10_000, minimum: 1, maximum: 600_000, unit: 'ms' }),
});

const Http = section(
  'Health, metrics, API. On loopback reading needs no login; elsewhere what is below `/api` needs the token, and health, status and metrics need nothing.',
  {
    host: text('Address to listen on.', { default: '127.0.0.1', minLength: 1 }),
    allowedHosts: list(
      'Names under which the server may be asked for, besides `localhost` and loopback addresses: what a reverse proxy sends as `Host`, without the port. On loopback every other name is refused, so that no web page can read the answers by a name that it makes point here (DNS rebinding). On other addresses names are checked where this list has some.',
      text('One name.', { pattern: '^[^\\s:/@]+$' }),
      { default: [] },
    ),
    port: integer('Port; 0 takes any that is free.', { default: 9600, minimum: 0, maximum: 65_535 }),
    token: Type.Optional(
      text(
        'What a request must show (`Authorization: Bearer`) to change something, such as replaying or dropping dead letters and reloading the settings, and to read anything below `/api` where `host` is not a loopback address. Take it from the environment or a file: `${SLUICE_HTTP_TOKEN}`, `${file:token}`. 16 to 1024 characters; empty or left out: nobody can.',
        { secret: true, pattern: '^([A-Za-z0-9._~+/=-]{16,1024})?$' },
      ),
    ),
  },
);

const Log = section('One JSON object a line, on standard output.', {
  level: choice('Least severity that is written.', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
  pretty: flag('Lines for people instead of JSON.', false),
});

/** The table that types, defaults, validation, documentation and the JSON Schema for editors are made from. */
export const SettingsSchema = Type.Object(
  {
    gateway: Gateway,
    rabbitmq: Rabbitmq,
    source: Source,
    limits: LimitsSection,
    dedupe: Dedupe,
    profiles: list('Device profiles.', Profile, { default: [] }),
    profileFiles: list(
      'Further files with profiles, relative to this file; `*` and `?` stand for any characters in a name. Such a file is one profile, or a list of profiles below the key `profiles`.',
      text('Path.', { minLength: 1 }),
      { default: [] },
    ),
    useProfiles: list(
      'Profiles that come with Sluice, by name: `tasmota`, `zigbee2mqtt`; docs/formats.md lists them. They stand behind those of this file and of `profileFiles`, in this order. `{ name, payload }` also says how the bytes of LoRaWAN devices are laid out (docs/payloads.md).',
      Type.Union([text('Name.', { minLength: 1 }), UsedProfile], { description: 'Name, or name and layout.' }),
      { default: [] },
    ),
    payloadFiles: list(
      'Files with layouts of payloads of your own, one in each, relative to this file; `*` and `?` stand for any characters in a name. One with the name of a layout that comes with Sluice stands in its place.',
      text('Path.', { minLength: 1 }),
      { default: [] },
    ),
    exchanges: list('Exchanges to declare.', Exchange, { default: [] }),
    queues: list('Queues to declare.', Queue, { default: [] }),
    routes: list('The routing table. At least one rule, save for an edge that only passes messages on (`edge.mode: bridge`).', Route, { default: [] }),
    deadLetters: DeadLetters,
    devices: Devices,
    edge: Edge,
    retry: Retry,
    http: Http,
    log: Log,
  },
  { additionalProperties: false, description: 'Settings of the Sluice gateway.' },
);

/** A file of `profileFiles`. */
export const ProfileFileSchema = Type.Object({ profiles: list('Device profiles.', Profile, { minItems: 1 }) }, { additionalProperties: false });
export { Layout as LayoutSchema, Profile as ProfileSchema };

/** The file with its defaults filled in, in the shape that it has on disk. */
export type RawSettings = Static<typeof SettingsSchema>;
export type RawProfile = Static<typeof Profile>;
export type RawRoute = Static<typeof Route>;

export type RabbitmqSettings = Omit<RawSettings['rabbitmq'], 'url' | 'urls'> & {
  /** At least one; holds passwords: print `redact(settings)` instead. */
  readonly urls: readonly string[];
};
export type SourceSettings = RawSettings['source'];
export type ExchangeSettings = Static<typeof Exchange>;
export type QueueSettings = Static<typeof Queue>;

/** What the loader hands out: every key there, in the terms of the domain. */
export interface Settings {
  readonly gateway: RawSettings['gateway'];
  readonly rabbitmq: RabbitmqSettings;
  readonly source: SourceSettings;
  readonly limits: Limits;
  readonly dedupe: RawSettings['dedupe'];
  /** Those of the file, then those of `profileFiles` in the order of their names, then those of `useProfiles`. */
  readonly profiles: readonly ProfileSpec[];
  readonly exchanges: readonly ExchangeSettings[];
  readonly queues: readonly QueueSettings[];
  readonly routes: readonly RouteSpec[];
  readonly deadLetters: RawSettings['deadLetters'];
  readonly devices: RawSettings['devices'];
  readonly edge: EdgeSettings;
  readonly retry: RawSettings['retry'];
  readonly http: RawSettings['http'];
  readonly log: RawSettings['log'];
}
