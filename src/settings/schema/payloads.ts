import { Type } from '@sinclair/typebox';
import { choice, entry, integer, list, scalar, table, text } from './keys.ts';

const byte = integer('Byte.', { minimum: 0, maximum: 255 });
const size = { minimum: 0, maximum: 1024, unit: 'bytes' } as const;

export const DetailedField = entry('A value in the bytes.', {
  read: Type.Optional(
    text(
      'What is read: `u8` to `u48` and `i8` to `i48` (integers without and with sign, whole bytes), `f32`, `f64`; with `le` or `be` behind where the order of bytes of the layout is not meant. `hex4`, `text8`: so many bytes as hexadecimal digits or as text; `hex`, `text`: all that is left. `skip2`: bytes that say nothing. Left out: `value` alone makes it.',
      { minLength: 1 },
    ),
  ),
  until: Type.Optional(integer('`hex` and `text` without a length end before this byte, where there is one.', { minimum: 0, maximum: 255 })),
  at: Type.Optional(integer('Offset of the first byte in the frame, group or element. Left out: right behind the field before.', size)),
  bits: Type.Optional(
    list('Lowest bit and number of bits of the integer that is read: `[4, 3]`.', integer('Bits.', { minimum: 0, maximum: 48 }), { minItems: 1 }),
  ),
  none: Type.Optional(
    list(
      'What is read when the device could not measure. The value is left out, and the reading flagged `sentinel`.',
      Type.Number({ description: 'Number.' }),
      {
        minItems: 1,
      },
    ),
  ),
  value: Type.Optional(
    text(
      'Formula: `x` is what was read, other names are fields before. + - * / % ^, comparisons, `a ? b : c`, ln, log10, exp, sqrt, abs, floor, min, max, round(x, decimals).',
      {
        minLength: 1,
        maxLength: 500,
      },
    ),
  ),
  map: Type.Optional(table('Number as text -> what is handed on. Other numbers stay as they are.', scalar('New value.'))),
  unit: Type.Optional(text('Unit (UCUM or SenML).', { minLength: 1, maxLength: 64 })),
});

const Fields = table(
  'Name -> field, in the order of the bytes. A name that begins with `_` is read and not handed on; `{1}` in a name of an element is the byte that the first `??` of its key stands for.',
  Type.Union([text('Only `read`.', { minLength: 1 }), DetailedField], { description: 'A field; a text is its `read`.' }),
);

const When = entry('What must hold for the frame to read the payload.', {
  ports: Type.Optional(list('LoRaWAN port (FPort): one of these.', integer('Port.', { minimum: 0, maximum: 255 }), { minItems: 1 })),
  length: Type.Optional(list('Bytes of the payload: `[11]`, or least and most: `[4, 8]`.', integer('Bytes.', size), { minItems: 1 })),
  bytes: Type.Optional(table('Offset of a byte -> what it may be: `{ 0: [0x01, 0x81] }`.', list('Bytes.', byte, { minItems: 1 }))),
});

const Frame = entry('One kind of payload: fields, then groups, then elements up to its end.', {
  when: Type.Optional(When),
  fields: Type.Optional(Fields),
  groups: Type.Optional(
    entry('Groups of fields, of which a field of bits says which are there.', {
      by: text('The field; its lowest bit is about the first group.', { minLength: 1 }),
      of: list('The groups.', Fields, { minItems: 1 }),
    }),
  ),
  elements: Type.Optional(
    table('Key in hexadecimal (one to four bytes, `??` for any byte) -> fields behind it. A key without `??` goes before one with it.', Fields),
  ),
  unknown: Type.Optional(list('Keys that are not known although one of `elements` with as many `??` fits: `[ff??]`.', text('Key.', { minLength: 1 }))),
  size: Type.Optional(integer('Bytes behind the key of every element. Left out: those of its fields.', size)),
  lists: Type.Optional(
    table('Key of an element that may come several times -> name of the list that holds its fields: `history.0.temperature`.', text('Name.', { minLength: 1 })),
  ),
  rest: Type.Optional(choice('`ignore`: bytes that are left at the end say nothing.', ['refuse', 'ignore'])),
});

/** A file of config/payloads, or of `payloadFiles`. */
export const Layout = entry('How the bytes of a kind of devices are laid out.', {
  name: text('Name; `payload` of a profile refers to it.', { minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$' }),
  extends: Type.Optional(text('Another layout, whose frames and elements stand behind those of this one.', { minLength: 1 })),
  parameters: Type.Optional(table('Numbers that formulas may name. Those of a layout that extends this one win.', Type.Number({ description: 'Number.' }))),
  needs: Type.Optional(
    list('Parameters that differ from device to device (calibration): a layout that extends this one must give them.', text('Name.', { minLength: 1 }), {
      minItems: 1,
    }),
  ),
  endian: choice('Order of the bytes of a number.', ['big', 'little'], 'big'),
  frames: list('Kinds of payloads; the first that fits is taken. May be left out by a layout that extends another.', Frame, { default: [] }),
});
