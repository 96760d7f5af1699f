import { Type } from '@sinclair/typebox';
import { amount, choice, entry, list, table, text } from './keys.ts';

const source = { minLength: 1, maxLength: 1024 } as const;

const Time = entry('Where the time of measurement stands. Left out: the time of receipt is used, and flagged.', {
  from: text('Path of the time in the payload.', source),
  unit: choice('`iso`: RFC 3339 or ISO 8601 text. The others: a number (or digits as text) since 1970.', ['iso', 's', 'ms', 'us', 'ns'], 'iso'),
  zone: text('Offset for ISO texts without one: `Z` or `+02:00`.', { default: 'Z', pattern: '^(Z|[+-]\\d\\d:\\d\\d)$' }),
  futureSeconds: amount('A time further ahead than this is flagged `future`.', { default: 300, minimum: 0, maximum: 1e10, unit: 's' }),
  lateSeconds: amount('A time further back than this is flagged `late`.', { default: 3600, minimum: 0, maximum: 1e10, unit: 's' }),
});

export const Profile = entry(
  'How to read what one kind of device sends. A text that begins with `$` is a path into the payload (`$` the object of the reading, `$.a.b`, `$.list[0]`, `$["odd.name"]`; `$$` the whole payload under `each`). Any other text is a template over the names that the topic captures: `{site}/{device}`.',
  {
    name: text('Name; routes and dead letters refer to it.', { minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$' }),
    topics: list('Topic templates: `{name}` takes one level, `{name...}` the rest, `+` one level without a name.', text('One template.', source), {
      minItems: 1,
    }),
    codec: text('Format of the payload.', { default: 'json', minLength: 1 }),
    device: text('What names the device.', source),
    deviceCheck: Type.Optional(text('A second place that names the device. Where it differs the reading is flagged `device-mismatch`.', source)),
    each: Type.Optional(text('Path of an array in the payload: each element is a reading.', source)),
    time: Type.Optional(Time),
    sequence: Type.Optional(text('Sequence number of the message, for the id of the reading where there is no time.', source)),
    values: Type.Union(
      [
        text('Path of an object whose fields are the values; nested ones are flattened (`a.b`).', source),
        table('Name of the value -> path.', text('Path.', source)),
      ],
      { description: 'Path of the object whose fields are the values, or a table from the name of a value to its path.', default: '$' },
    ),
    exclude: list('Names below `values`, flattened, that are not values.', text('One name.', { minLength: 1 }), { default: [] }),
    scalar: Type.Optional(text('Name of the value where the payload is a bare number, text or truth value. Left out: such a payload is refused.', source)),
    units: Type.Optional(table('Name of the value -> unit (UCUM or SenML).', text('Unit.', { minLength: 1, maxLength: 64 }))),
    tags: Type.Optional(table('Name of the tag -> what it holds.', text('Path or template.', source))),
  },
);
