import { type Static, Type } from '@sinclair/typebox';
import { FLAGS } from '../../domain/flags.ts';
import { choice, entry, integer, list, scalar, table, text } from './keys.ts';

const MESSAGE = {
  topic: Type.Optional(text('MQTT topic of the message; it is taken through the broker, as on its way to the gateway.', { minLength: 1 })),
  profile: Type.Optional(text('Only this profile is tried. Without a topic one is made up for it.', { minLength: 1 })),
  payload: Type.Optional(text('The payload as text.')),
  payloadHex: Type.Optional(text('The payload as hexadecimal digits; white space is allowed.')),
  payloadBase64: Type.Optional(text('The payload as base64; white space is allowed.')),
  payloadFile: Type.Optional(text('File with the payload, beside the file of tests.', { minLength: 1 })),
  contentEncoding: Type.Optional(text('Content encoding of the message, such as `gzip`.', { minLength: 1 })),
  received: Type.Optional(text('When it arrives: ISO 8601 with its zone. Left out: now. Flags like `late` depend on it.')),
} as const;

const Reading = entry('One reading. What is not named here is not looked at.', {
  device: Type.Optional(text('Its device.')),
  profile: Type.Optional(text('The profile that made it.')),
  values: Type.Optional(table('Name -> value. Decimals agree to 12 digits; an integer beyond 2^53 stands in quotes.', scalar('Value.'))),
  absent: Type.Optional(list('Names of values that it does not have.', text('Name.'))),
  count: Type.Optional(integer('How many values it has.', { minimum: 0, maximum: 1_000_000 })),
  units: Type.Optional(table('Name of a value -> its unit.', text('Unit.'))),
  tags: Type.Optional(table('Name -> tag.', text('Tag.'))),
  flags: Type.Optional(list('Exactly its flags, in any order.', choice('Flag.', FLAGS))),
  measuredAt: Type.Optional(text('When it was measured: ISO 8601 with its zone.')),
  routes: Type.Optional(list('Exactly the routes that take it, in their order; a rule that drops it counts. Empty: no rule does.', text('Name of a route.'))),
  routingKeys: Type.Optional(list('Exactly the routing keys with which it goes out, in the order of the routes.', text('Routing key.'))),
});

const Expectation = entry('What becomes of the message. What is not named here is not looked at.', {
  outcome: Type.Optional(
    choice('`readings`: forwarded or whatever the routes say. Left out: as `code` or `readings` imply.', ['readings', 'filtered', 'dead-lettered']),
  ),
  code: Type.Optional(text('Fault code (docs/faults.md), or why it is filtered.', { minLength: 1 })),
  message: Type.Optional(text('Stands somewhere in what the fault says.', { minLength: 1 })),
  profile: Type.Optional(text('Profile whose template takes the topic.', { minLength: 1 })),
  readings: Type.Optional(list('Exactly as many readings, in this order.', Reading)),
});

const Case = entry('One message and what is expected of it.', {
  name: text('What it shows.', { minLength: 1, maxLength: 200 }),
  given: Type.Optional(list('Messages that came before, for codecs with a memory. Each test begins with nothing remembered.', entry('A message.', MESSAGE))),
  ...MESSAGE,
  expect: Expectation,
});

/** A file of tests for settings; `sluice test` runs it. */
export const CasesSchema = Type.Object(
  {
    settings: Type.Optional(
      text('Settings file that is tested, beside this file. Left out: every profile that comes with Sluice, and no routes.', { minLength: 1 }),
    ),
    tests: list('The tests. Each stands for itself.', Case, { minItems: 1 }),
  },
  { additionalProperties: false, description: 'Tests of a settings file.' },
);

export type RawMessage = Partial<Static<typeof Case>>;
export type RawCase = Static<typeof Case>;
export type ExpectedReading = Static<typeof Reading>;
export type Expectation = Static<typeof Expectation>;
export type RawCases = Static<typeof CasesSchema>;
