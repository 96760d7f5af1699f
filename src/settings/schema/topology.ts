import { Type } from '@sinclair/typebox';
import { choice, entry, flag, integer, list, SHORT, scalar, table, text } from './keys.ts';

const amqpArguments = (description: string) => Type.Optional(table(description, scalar('Value.')));

/** AMQP 0-9-1 reserves names that begin with `amq.`: declaring one is refused (403). */
const OWN_NAME = { minLength: 1, pattern: '^(?!amq\\.)', ...SHORT } as const;

export const Exchange = entry('An exchange that the gateway declares.', {
  name: text('Name; not `amq.…`, which AMQP reserves.', OWN_NAME),
  type: choice('Type.', ['topic', 'direct', 'fanout', 'headers'], 'topic'),
  durable: flag('Survives a restart of the broker.', true),
  alternateExchange: Type.Optional(text('Where messages go that no queue is bound for.', { minLength: 1, ...SHORT })),
  arguments: amqpArguments('Further AMQP arguments.'),
});

export const Binding = entry('From an exchange to this queue.', {
  exchange: text('Exchange to bind to: one from `exchanges`, or `amq.…`.', { minLength: 1, ...SHORT }),
  routingKey: text('Binding key; `*` and `#` are wildcards on a topic exchange. Fanout and headers exchanges ignore it.', { default: '', ...SHORT }),
  arguments: amqpArguments('What a headers exchange compares, with `x-match: any` or `all`.'),
});

export const Queue = entry('A queue that the gateway declares, so that what it forwards is kept until somebody reads it.', {
  name: text('Name; not `amq.…`, which AMQP reserves.', OWN_NAME),
  type: choice('Type of the queue.', ['quorum', 'classic'], 'quorum'),
  durable: flag('Survives a restart of the broker. Quorum queues always do.', true),
  maxPriority: Type.Optional(integer('Number of priorities. Classic queues only.', { minimum: 1, maximum: 255 })),
  messageTtlMs: Type.Optional(
    integer('The broker drops messages that waited longer (or dead-letters them, where `arguments` say so).', {
      minimum: 1,
      maximum: 4_294_967_295,
      unit: 'ms',
    }),
  ),
  maxLength: Type.Optional(integer('Most messages in the queue.', { minimum: 1, maximum: 4_294_967_295, unit: 'messages' })),
  maxBytes: Type.Optional(integer('Most bytes in the queue.', { minimum: 1, maximum: Number.MAX_SAFE_INTEGER, unit: 'bytes' })),
  overflow: choice(
    'What a full queue does: refuse what is new (the gateway holds it), or throw away what is old.',
    ['reject-publish', 'drop-head'],
    'reject-publish',
  ),
  arguments: amqpArguments('Further AMQP arguments (`x-…`).'),
  bindings: list('Bindings of the queue.', Binding, { default: [] }),
});
