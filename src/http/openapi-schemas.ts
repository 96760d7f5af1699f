import { FAULTS } from '../domain/fault.ts';
import { FLAGS } from '../domain/flags.ts';
import { TAP_OUTCOMES } from '../pipeline/tap-hub.ts';
import { ANY, AT, choice, COUNT, described, exactly, FLAG, ISO, listOf, NUMBER, orNull, ref, type Schema, tableOf, TEXT } from './openapi-parts.ts';

const STAGES = ['receive', 'decode', 'normalise', 'route', 'publish'] as const;
const PAIR = exactly({ messages: { type: 'integer' }, items: { type: 'integer' } });
const PERCENTILES = orNull(exactly({ p50: NUMBER, p99: NUMBER }));
const FLAG_NAME = choice(...FLAGS);
const CODE = choice(...Object.keys(FAULTS));
const VALUE: Schema = { type: ['number', 'string', 'boolean'], description: 'As the device sent it; whole numbers of any size as their digits.' };

const TALLY = exactly({ received: COUNT, forwarded: COUNT, deadLettered: COUNT, filtered: COUNT, deduplicated: COUNT, abandoned: COUNT });

const ROW = {
  device: TEXT,
  profile: TEXT,
  topic: described(TEXT, 'Of its last reading.'),
  firstSeenAt: AT,
  lastSeenAt: AT,
  measuredAt: described(NUMBER, 'Time of its last reading by its own clock.'),
  intervalMs: described(orNull(COUNT), 'Time between its messages, smoothed; null before the second.'),
  silentForMs: NUMBER,
  silent: described(FLAG, 'For more than three of its intervals, and 10 s at least.'),
  readings: COUNT,
  refused: described(COUNT, 'Dead letters, where it is known that they are its own.'),
  late: described(COUNT, 'Readings that came late by its own clock.'),
  flags: described(tableOf(COUNT), 'Readings by flag.'),
  lastFlags: listOf(FLAG_NAME),
  spark: orNull(exactly({ name: TEXT, values: listOf(orNull(NUMBER)) })),
  values: tableOf(VALUE),
  units: tableOf(TEXT),
};

const WIRE = {
  id: TEXT,
  device: TEXT,
  profile: TEXT,
  topic: TEXT,
  measuredAt: NUMBER,
  receivedAt: NUMBER,
  values: tableOf(VALUE),
};
const WIRE_OPTIONAL = { units: tableOf(TEXT), tags: tableOf(TEXT), flags: listOf(FLAG_NAME) };

const OUTCOME = {
  profile: orNull(TEXT),
  outcome: described(choice(...TAP_OUTCOMES), 'Of the message as a whole; a reading that no route takes has its own `fault`.'),
  reason: described(orNull(TEXT), 'Why it was filtered.'),
  fault: orNull(ref('Fault')),
  readingCount: described(COUNT, 'How many readings the message holds.'),
  readings: listOf(ref('RoutedReading'), 'The first 50.'),
};

const PLACE = { severity: choice('error', 'warning'), path: TEXT, file: TEXT, line: COUNT, column: COUNT, message: TEXT };
const LETTER_WALK = {
  present: COUNT,
  seen: COUNT,
  matched: COUNT,
  otherReaders: COUNT,
  ended: TEXT,
};
const READY = {
  ready: described(FLAG, 'It forwards everything; with an edge: it keeps everything.'),
  reasons: listOf(TEXT, 'What stands in the way of forwarding.'),
};

/** Every schema that paths refer to, by name. */
export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Problem: described(exactly({ type: TEXT, title: TEXT, status: COUNT, detail: TEXT }), 'Problem details (RFC 9457).'),
  Readiness: {
    type: 'object',
    properties: { ...READY, components: listOf({ type: 'object' }), heldLanes: listOf({ type: 'object' }), heldLaneCount: COUNT },
    required: ['ready', 'reasons', 'components', 'heldLanes', 'heldLaneCount'],
    additionalProperties: false,
  },
  Status: {
    type: 'object',
    properties: {
      ...READY,
      name: TEXT,
      version: TEXT,
      configVersion: TEXT,
      startedAt: ISO,
      uptimeSeconds: COUNT,
      ledger: exactly({ messages: TALLY, items: TALLY }),
      inFlight: PAIR,
      imbalance: PAIR,
      routes: tableOf(TALLY),
      lagMs: orNull(NUMBER),
    },
    required: ['name', 'version', 'configVersion', 'startedAt', 'uptimeSeconds', 'ready', 'reasons', 'ledger', 'inFlight', 'imbalance', 'routes', 'lagMs'],
  },
  Device: exactly(ROW),
  DeviceDetail: exactly({
    ...ROW,
    topics: listOf(TEXT, 'The last eight, the newest last.'),
    history: described(
      exactly({ names: listOf(TEXT), at: listOf(NUMBER), values: listOf(listOf(orNull(NUMBER))) }),
      'The last numbers of up to eight values, 5 s apart or more, 60 at most.',
    ),
    cut: described(FLAG, 'The last reading was longer than 4096 characters: only the beginning of its values is shown.'),
    lastReading: ref('Reading'),
  }),
  Devices: exactly({
    devices: listOf(ref('Device')),
    total: described(COUNT, 'That match.'),
    known: COUNT,
    forgotten: described(COUNT, 'That made room for others.'),
    offset: COUNT,
    limit: COUNT,
  }),
  DeviceSummary: exactly({
    known: COUNT,
    forgotten: COUNT,
    silent: COUNT,
    late: described(COUNT, 'Devices with late readings.'),
    byProfile: tableOf(COUNT),
    byFlag: tableOf(COUNT),
    top: exactly({
      silent: listOf(exactly({ device: TEXT, silentForMs: NUMBER })),
      late: listOf(exactly({ device: TEXT, late: COUNT })),
      refused: listOf({ anyOf: [exactly({ device: TEXT, refused: COUNT }), exactly({ topic: TEXT, refused: COUNT })] }),
    }),
  }),
  Reading: described(exactly(WIRE, WIRE_OPTIONAL), 'A reading in wire format (docs/wire-format.md).'),
  RoutedReading: exactly(
    {
      ...WIRE,
      routes: listOf(exactly({ route: TEXT, action: choice('publish', 'drop'), exchange: orNull(TEXT), routingKey: orNull(TEXT), bestEffort: FLAG })),
      fault: orNull(ref('Fault')),
    },
    { ...WIRE_OPTIONAL, cut: FLAG },
  ),
  Fault: exactly({ code: CODE, message: TEXT, stage: choice(...STAGES) }),
  TapMessage: exactly({
    n: described(COUNT, 'Number of the message among those that fit, from 1: a gap is what was skipped.'),
    at: AT,
    topic: TEXT,
    routingKey: TEXT,
    bytes: COUNT,
    contentType: orNull(TEXT),
    contentEncoding: orNull(TEXT),
    qos: orNull({ type: 'integer', enum: [0, 1] }),
    redelivered: FLAG,
    payload: { ...exactly({ cut: described(FLAG, 'Longer than 4096 bytes.') }, { text: TEXT, base64: TEXT }), minProperties: 2 },
    ...OUTCOME,
  }),
  TapSkipped: exactly({ count: COUNT }),
  Explanation: exactly({ text: described(TEXT, 'For a person, as `sluice decode --explain` prints it.'), ...OUTCOME }),
  Live: exactly({
    at: AT,
    ...READY,
    rates: described(
      exactly({ received: NUMBER, forwarded: NUMBER, deadLettered: NUMBER, filtered: NUMBER, deduplicated: NUMBER, readings: NUMBER, bytes: NUMBER }),
      'A second, over the last second.',
    ),
    latencyMs: described(exactly({ gateway: PERCENTILES, device: PERCENTILES }), 'Over the last 5 s: receipt to confirm, and clock of the device to confirm.'),
    lagMs: orNull(NUMBER),
    inFlight: PAIR,
    imbalance: PAIR,
    process: exactly({ rssBytes: COUNT, cpu: described(NUMBER, 'Cores in use.'), loopP99Ms: NUMBER }),
    flow: exactly({
      sessions: listOf(exactly({ name: TEXT, state: TEXT, address: orNull(TEXT), reason: orNull(TEXT) })),
      components: listOf(exactly({ name: TEXT, phase: TEXT, reason: orNull(TEXT) })),
      source: exactly({ queue: TEXT, prefetch: COUNT, unsettled: COUNT }),
      routes: listOf(
        exactly({
          route: TEXT,
          kind: choice('publish', 'drop'),
          exchange: orNull(TEXT),
          state: choice('idle', 'sending', 'waiting', 'held'),
          lanes: COUNT,
          items: COUNT,
          heldMs: orNull(NUMBER),
          code: orNull(CODE),
          message: orNull(TEXT),
          forwarded: described(COUNT, 'Dropped, where the route drops.'),
          rate: NUMBER,
        }),
      ),
      deadLetters: exactly({ exchange: TEXT, queue: TEXT, buried: COUNT, waiting: COUNT }),
    }),
  }),
  History: exactly({
    stepMs: COUNT,
    points: listOf(
      exactly({ at: AT, received: NUMBER, forwarded: NUMBER, deadLettered: NUMBER, filtered: NUMBER, gatewayP50: orNull(NUMBER), gatewayP99: orNull(NUMBER) }),
      'The last ten minutes, the oldest first.',
    ),
  }),
  ConfigProblem: exactly(PLACE, { hint: TEXT }),
  Config: exactly({
    version: TEXT,
    loadedAt: AT,
    file: orNull(TEXT),
    settings: described({ type: 'object' }, 'Every key; secrets are `***`.'),
    warnings: listOf(ref('ConfigProblem')),
    reload: described(orNull(ref('Reload')), 'The last one; dry runs do not count.'),
  }),
  Reload: exactly(
    {
      ok: described(FLAG, 'Not refused.'),
      outcome: choice('applied', 'unchanged', 'refused', 'would-apply'),
      at: AT,
      version: described(TEXT, 'Of the settings that are in force now.'),
      problems: described(listOf(ref('ConfigProblem')), 'Why it was refused. Without a place `file` is empty and line and column are 0.'),
      warnings: listOf(ref('ConfigProblem')),
      changes: described(listOf(TEXT), 'What is different: `routes[alarms].when`.'),
    },
    {
      trial: described(
        exactly({ messages: COUNT, same: COUNT, changes: listOf(exactly({ from: TEXT, to: TEXT, messages: COUNT, topic: TEXT })) }),
        'What the new settings would have made of the last messages.',
      ),
    },
  ),
  DeadLetter: { type: 'object', properties: { id: TEXT, code: TEXT }, required: ['id', 'code'] },
  DeadLetterPayload: {
    type: 'object',
    properties: { id: TEXT, code: TEXT, payload_b64: described(TEXT, 'At most 1 MiB of it.'), payloadCut: FLAG },
    required: ['id', 'code', 'payload_b64', 'payloadCut'],
  },
  DeadLetters: exactly({ letters: listOf(ref('DeadLetter')), offset: COUNT, limit: COUNT, ...LETTER_WALK }, { reason: TEXT }),
  DeadLetterChanges: {
    type: 'object',
    properties: {
      ...LETTER_WALK,
      done: COUNT,
      skipped: tableOf(COUNT),
      uncertain: COUNT,
      plan: described({ type: 'object' }, 'Of a dry run: what would become of the letters.'),
    },
    required: Object.keys(LETTER_WALK),
  },
  OpenApi: { type: 'object', properties: { openapi: TEXT, paths: tableOf(ANY) }, required: ['openapi', 'paths'] },
};
