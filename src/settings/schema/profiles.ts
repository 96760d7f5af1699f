import { Type } from '@sinclair/typebox';
import { COMPRESSIONS, PAYLOAD_ENCODINGS, TIME_UNITS } from '../../domain/profile.ts';
import { amount, choice, entry, free, list, scalar, table, text } from './keys.ts';

const source = { minLength: 1, maxLength: 1024 } as const;
const name = { minLength: 1, maxLength: 256 } as const;

const Time = entry('Where the time of measurement stands. Left out: the time of receipt is used, and flagged.', {
  from: text('Path of the time in the payload.', source),
  unit: choice(
    '`iso`: RFC 3339 or ISO 8601 text. `s`, `ms`, `us`, `ns`: a number (or digits as text) since 1970. `auto`: such a number, whose digits tell the unit (10: s, 13: ms, 16: us, 19: ns). `uptime`: the device has no clock; the time of receipt is used and flagged `clock-unset`.',
    [...TIME_UNITS],
    'iso',
  ),
  zone: text('Offset for ISO texts without one: `Z` or `+02:00`.', { default: 'Z', pattern: '^(Z|[+-]\\d\\d:\\d\\d)$' }),
  futureSeconds: amount('A time further ahead than this is flagged `future`.', { default: 300, minimum: 0, maximum: 1e10, unit: 's' }),
  lateSeconds: amount('A time further back than this is flagged `late`.', { default: 3600, minimum: 0, maximum: 1e10, unit: 's' }),
});

const Ignore = entry('A condition; where there are several, one that holds is enough.', {
  at: text('Path in the payload; under `each` also in each element.', source),
  is: Type.Optional(list('What stands there is one of these.', scalar('Text, number or truth value.'), { minItems: 1 })),
  exists: Type.Optional(Type.Boolean({ description: 'Something stands there (`true`) or nothing does (`false`); null is something.' })),
});

const Convert = entry('A conversion that is a factor and an offset: no logarithms.', {
  from: text('Unit of the device: UCUM, or a SenML name (RFC 8428 section 12.1, RFC 8798).', { minLength: 1, maxLength: 64 }),
  to: text('Unit that is handed on; becomes the unit of the value.', { minLength: 1, maxLength: 64 }),
});

const modes = ['none', 'plain', 'unit'] as const;
const number = Type.Number({ description: 'Number.' });

/** What may be said of values by name; names are those after `rename`, and patterns of them. */
const rules = {
  units: Type.Optional(
    table(
      'Name of the value -> unit (UCUM or SenML), or the path of the place that names it (`$.unit`).',
      text('Unit or path.', { minLength: 1, maxLength: 1024 }),
    ),
  ),
  rename: Type.Optional(
    table(
      'Flattened name -> new name, in which `{1}` is what the first star took. A name that another value has is not given a second time: the value keeps its own.',
      text('New name.', name),
    ),
  ),
  map: Type.Optional(
    table(
      'Name of the value -> table from what the device sends to what is handed on: `{ state: { ON: true, OFF: false } }`.',
      table('Value as text -> value.', scalar('New value.')),
    ),
  ),
  missing: Type.Optional(
    list('Texts that mean that there is no value: `nan`, `unavailable`. Exactly these.', Type.String({ description: 'Text.', maxLength: 256 })),
  ),
  textNumbers: Type.Optional(
    Type.Union([choice('For all values.', modes), table('By name.', choice('For this value.', modes))], {
      description:
        'Texts that are numbers (`"69.8"`) become numbers: `plain`; with `unit` also those with a unit behind (`"21.5 °C"`). `007` and `0x1F` stay texts. For all values, or a table from names to one of these.',
    }),
  ),
  sentinels: Type.Optional(
    table(
      'Name of the value -> numbers that the device sends when it cannot measure, in its own unit. Such a value is left out, and the reading flagged `sentinel`.',
      list('Numbers.', number, { minItems: 1 }),
    ),
  ),
  ranges: Type.Optional(
    table(
      'Name of the value -> lowest and highest value that can be, in the unit that is handed on. Beyond them the reading is flagged `out-of-range`.',
      list('Bounds.', number, { minItems: 2 }),
    ),
  ),
  convert: Type.Optional(
    table('Name of the value -> conversion of its unit. Where the payload names another unit than `from`, the value stays as it is.', Convert),
  ),
};

const PayloadAt = entry('Where a network server puts the bytes of a device. They are read where `payload` names a layout and nothing was decoded before.', {
  bytes: text('Path of the bytes.', source),
  encoding: choice('How they are written.', [...PAYLOAD_ENCODINGS], 'base64'),
  port: Type.Optional(text('Path of the LoRaWAN port (FPort).', source)),
  decoded: list(
    'Paths where values stand that the network server decoded: then the bytes are left alone. What is read from them is put at the first.',
    text('Path.', source),
    {
      minItems: 1,
    },
  ),
  model: Type.Optional(text('Path of the name of the model, or of the device profile.', source)),
});

const payload = Type.Union([text('Layout.', { minLength: 1 }), table('By device or model.', text('Layout.', { minLength: 1 }))], {
  description:
    'How the bytes that the devices send are laid out (docs/payloads.md): the name of a layout; or a table from names of devices, or else of their models, to layouts. In a name `*` stands for one level (between slashes) or a part of it. Needs `payloadAt`.',
});

/** An entry of `useProfiles` that says more than a name. */
export const UsedProfile = entry('A profile that comes with Sluice, and how the bytes of its devices are laid out.', {
  name: text('Name of the profile.', { minLength: 1 }),
  payload: Type.Optional(payload),
});

const Device = entry(
  'Rules of some devices. For each kind of rule and each name: where this table says something, that of the profile is not looked at.',
  rules,
);

export const Profile = entry(
  'How to read what one kind of device sends. A text that begins with `$` is a path into the payload (`$` the object of the reading, `$.a.b`, `$.list[0]`, `$["odd.name"]`; `$$` the whole payload under `each`). Any other text is a template over the names that the topic captures: `{site}/{device}`. In tables by name of the value `*` stands for one level of the name or a part of it, `**` at the end for the rest; an exact name goes before patterns, and those are tried in order. The rules are applied in this order: missing, rename, map, textNumbers, sentinels, convert, ranges.',
  {
    name: text('Name; routes and dead letters refer to it.', { minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$' }),
    topics: list('Topic templates: `{name}` takes one level, `{name...}` the rest, `+` one level without a name.', text('One template.', source), {
      minItems: 1,
    }),
    ignore: list(
      'Topic templates of messages that hold no readings (states, discovery, commands). They are counted as filtered. Tried before `topics`.',
      text('One template.', source),
      {
        default: [],
      },
    ),
    ignoreWhen: list('Payloads, or elements of `each`, that hold no readings. They are counted as filtered.', Ignore, { default: [] }),
    codec: Type.Union([text('Format of the payload.', { minLength: 1 }), list('Formats.', text('Format.', { minLength: 1 }), { minItems: 1 })], {
      description: 'Format of the payload; or several, of which the first that can read it is taken.',
      default: 'json',
    }),
    codecOptions: Type.Optional(free('Options of the codec (docs/formats.md). Where `codec` is a list: name of the codec -> its options.')),
    encodings: list(
      'Compressions that are undone first: told by the content encoding, or by the first bytes. `zstd` needs Node.js 22.15.',
      choice('Compression.', [...COMPRESSIONS]),
      {
        default: [],
      },
    ),
    device: text('What names the device.', source),
    deviceElse: Type.Optional(text('What names the device where `device` finds nothing.', source)),
    deviceCheck: Type.Optional(text('A second place that names the device. Where it differs the reading is flagged `device-mismatch`.', source)),
    each: Type.Optional(text('Path of an array in the payload: each element is a reading.', source)),
    time: Type.Optional(Time),
    sequence: Type.Optional(text('Sequence number of the message, for the id of the reading where there is no time.', source)),
    values: Type.Union(
      [
        text('Path of an object whose fields are the values; nested ones are flattened (`a.b`).', source),
        list('Paths of several such objects.', text('Path.', source), { minItems: 1 }),
        table('Name of the value -> path.', text('Path.', source)),
      ],
      {
        description:
          'Path of the object whose fields are the values; or a list of such paths; or a table from the name of a value (which may hold captures of the topic) to its path; or, for name/value pairs in an array, exactly the keys `each`, `name`, `value` and if you like `unit`: `{ each: $.list, name: $.n, value: $.v, unit: $.u }`, where `$` in the last three is the element.',
        default: '$',
      },
    ),
    exclude: list('Names below `values`, flattened, that are not values.', text('One name.', { minLength: 1 }), { default: [] }),
    scalar: Type.Optional(
      text(
        'Name of the value where the payload is a bare number, text or truth value; may hold captures of the topic: `{sensor}`. Left out: such a payload is refused.',
        source,
      ),
    ),
    ...rules,
    unitsFrom: Type.Optional(text('Path of an object: name of the value (before `rename`) -> unit.', source)),
    unitNames: Type.Optional(table("Unit as the device writes it -> unit: `{ F: '[degF]' }`.", text('Unit.', { minLength: 1, maxLength: 64 }))),
    tags: Type.Optional(table('Name of the tag -> what it holds.', text('Path or template.', source))),
    tagsFrom: Type.Optional(text('Path of an object whose fields are tags.', source)),
    flagsFrom: Type.Optional(text('Path of a list of flags (docs/wire-format.md).', source)),
    devices: Type.Optional(table('Name of devices, `*` for one level (between slashes) or a part of it -> rules for them.', Device)),
    payload: Type.Optional(payload),
    payloadAt: Type.Optional(PayloadAt),
    types: choice(
      '`flag`: a value of another type than the last one of that device and name is flagged `type-changed`; the last 50000 names are remembered.',
      ['any', 'flag'],
      'any',
    ),
  },
);
