import type { Value } from '../reading.ts';

/**
 * How the bytes of a device are laid out. Data, not code: what config/payloads holds. A payload is read whole or not at
 * all: behind bytes whose meaning is not known nothing can be told apart.
 */
export interface LayoutSpec {
  readonly name: string;
  /** Another layout; see `extended`. */
  readonly extends?: string | undefined;
  /** Numbers that formulas may name; those of a layout that extends this one win. */
  readonly parameters?: Readonly<Record<string, number>> | undefined;
  /** Parameters that differ from device to device: a layout that extends this one must give them. */
  readonly needs?: readonly string[] | undefined;
  /** Order of bytes where a field does not say its own. */
  readonly endian: 'big' | 'little';
  /** The first that fits reads the payload. */
  readonly frames: readonly FrameSpec[];
}

export interface FrameSpec {
  readonly when?: WhenSpec | undefined;
  /** Bytes from the beginning on. */
  readonly fields?: FieldsSpec | undefined;
  /** Groups of fields behind them, of which a field of bits says which are there: bit 0 the first. */
  readonly groups?: { readonly by: string; readonly of: readonly FieldsSpec[] } | undefined;
  /** What follows up to the end: a key of one byte or more, then its fields. Key in hexadecimal, `??` for any byte. */
  readonly elements?: Readonly<Record<string, FieldsSpec>> | undefined;
  /** Keys that are not known although one of `elements` with as many `??` fits: `ff??`. */
  readonly unknown?: readonly string[] | undefined;
  /** Bytes that each element has behind its key, whatever its fields; absent: those of its fields. */
  readonly size?: number | undefined;
  /** Key of an element that may come several times -> name of the list that its fields are gathered in. */
  readonly lists?: Readonly<Record<string, string>> | undefined;
  /** `ignore`: bytes that are left at the end say nothing. */
  readonly rest?: 'refuse' | 'ignore' | undefined;
}

/** All that is given must hold. */
export interface WhenSpec {
  readonly ports?: readonly number[] | undefined;
  /** Bytes of the payload: exactly so many, or least and most. */
  readonly length?: readonly number[] | undefined;
  /** Offset of a byte -> what it may be. */
  readonly bytes?: Readonly<Record<string, readonly number[]>> | undefined;
}

/** In the order in which they stand in the payload. A name that begins with `_` is not handed on. */
export type FieldsSpec = Readonly<Record<string, FieldSpec>>;

/** A text is the `read` of a field that has nothing else. */
export type FieldSpec = string | DetailedField;

export interface DetailedField {
  /** `u16`, `i24`, `f32` (with `le` or `be` behind where the layout's order is not meant), `hex4`, `text8`, `skip2`; absent: `value` alone. */
  readonly read?: string | undefined;
  /** `hex` and `text` without a length end before this byte, where there is one. */
  readonly until?: number | undefined;
  /** Offset in the frame, group or element; absent: right behind the field before. */
  readonly at?: number | undefined;
  /** Lowest bit and number of bits of the integer that is read. */
  readonly bits?: readonly number[] | undefined;
  /** What is read, when it is no measurement: the value is left out and the reading flagged `sentinel`. */
  readonly none?: readonly number[] | undefined;
  /** Formula over `x` (what was read) and the fields before. */
  readonly value?: string | undefined;
  /** What is read (or computed) as text -> value; others stay numbers. */
  readonly map?: Readonly<Record<string, Value>> | undefined;
  readonly unit?: string | undefined;
}

/** A LoRaWAN payload has at most 242 bytes; devices on other bearers may send more. */
export const MOST_BYTES = 1024;

/**
 * The layout on top of another: frames of the other stand behind its own, and elements of the other complete those of
 * the frame with the same `when`.
 */
export function extended(own: LayoutSpec, base: LayoutSpec): LayoutSpec {
  const taken = new Set<FrameSpec>();
  const frames = own.frames.map((frame) => {
    const below = base.frames.find((other) => other.elements !== undefined && JSON.stringify(other.when ?? {}) === JSON.stringify(frame.when ?? {}));
    if (frame.elements === undefined || below === undefined) {
      return frame;
    }
    taken.add(below);
    const elements = { ...frame.elements, ...Object.fromEntries(Object.entries(below.elements ?? {}).filter(([key]) => frame.elements?.[key] === undefined)) };
    return { ...below, ...frame, elements, lists: { ...below.lists, ...frame.lists }, unknown: frame.unknown ?? below.unknown };
  });
  return {
    name: own.name,
    endian: own.endian,
    parameters: { ...base.parameters, ...own.parameters },
    needs: [...(base.needs ?? []), ...(own.needs ?? [])],
    frames: [...frames, ...base.frames.filter((frame) => !taken.has(frame))],
  };
}
