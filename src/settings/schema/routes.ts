import { Type } from '@sinclair/typebox';
import { amount, choice, entry, flag, integer, list, SHORT, section, table, text } from './keys.ts';

const Batch = section('When a batch is sealed: the first bound that is reached does it.', {
  count: integer('Most readings in a batch. 1: each reading goes out at once.', { default: 500, minimum: 1, maximum: 10_000, unit: 'readings' }),
  bytes: integer('Most bytes of encoded readings in a batch. A single reading that is larger makes a batch of its own.', {
    default: 262_144,
    minimum: 1,
    maximum: 67_108_864,
    unit: 'bytes',
  }),
  ageMs: integer(
    'Longest time that a reading waits for company. 0: for none that has not come yet; what came together leaves at once, or as soon as the batch before it is confirmed. Without meaning when `count` is 1.',
    {
      default: 100,
      minimum: 0,
      maximum: 3_600_000,
      unit: 'ms',
    },
  ),
});

export const Route = entry(
  'One rule. Rules are tried in order; the first that matches takes the reading, and the search goes on behind it only with `continue: true`. A reading that no rule takes is dead-lettered.',
  {
    name: text('Name; metrics and log lines carry it.', { minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$' }),
    profiles: Type.Optional(list('Profiles that the rule is for. Left out: all.', text('Name of a profile.', { minLength: 1 }), { minItems: 1 })),
    topics: Type.Optional(list('MQTT topic filters (`+`, `#`) that the rule is for. Left out: all.', text('One filter.', { minLength: 1 }), { minItems: 1 })),
    when: Type.Optional(
      text('CEL expression over device, profile, topic, values, units, tags, flags, measuredAt and receivedAt.', { minLength: 1, maxLength: 4096 }),
    ),
    continue: flag('Look at the rules behind this one too.', false),
    drop: flag('Leave the reading out on purpose; it is counted as filtered. Such a rule has no key below this line.', false),
    exchange: Type.Optional(text('Exchange to publish to.', { minLength: 1, ...SHORT })),
    routingKey: text(
      'Template: `{device}`, `{profile}`, `{topic}` (dots between levels), `{tags.NAME}`, `{values.NAME}`. Dots and wildcards inside what is inserted become `_`.',
      { default: '', ...SHORT },
    ),
    headers: Type.Optional(table('AMQP header -> template as above.', text('Template.', { maxLength: 4096 }))),
    delivery: choice(
      '`confirmed`: held until the broker confirms it. `best-effort`: for live taps; transient, and dropped and counted when it cannot go out at once.',
      ['confirmed', 'best-effort'],
      'confirmed',
    ),
    batch: Batch,
    encoding: choice('`json`: one array. `ndjson`: one object a line.', ['json', 'ndjson'], 'json'),
    gzip: flag('Compress the body (`content-encoding: gzip`).', false),
    priority: Type.Optional(integer('AMQP priority; only a classic queue with `maxPriority` looks at it.', { minimum: 0, maximum: 255 })),
    ttlMs: Type.Optional(integer('The broker drops the message when it waited longer in a queue.', { minimum: 0, maximum: 4_294_967_295, unit: 'ms' })),
    overflow: choice(
      'When the destination cannot be reached and `laneReadings` wait for it: `hold` stops the source, `dead-letter` sends the rest to the dead letters.',
      ['hold', 'dead-letter'],
      'hold',
    ),
    laneReadings: integer('Most readings that wait for one destination, with `overflow: dead-letter`.', {
      default: 10_000,
      minimum: 1,
      maximum: 1_000_000,
      unit: 'readings',
    }),
    buryAfterSeconds: Type.Optional(
      amount('Dead-letter what has been held this long. Left out: held until it can be sent.', { minimum: 1, maximum: 31_536_000, unit: 's' }),
    ),
  },
);
