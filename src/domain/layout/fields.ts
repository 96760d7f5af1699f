import { compileFormula } from './formula.ts';
import type { FieldStep, FieldsPlan, NamePlan, Read } from './plan.ts';
import { type DetailedField, type FieldsSpec, MOST_BYTES } from './spec.ts';

export type Path = readonly (string | number)[];
export type Report = (at: Path, message: string) => void;

/** Fields of one scope: a formula may name those of its own scope and of the ones around it. */
export interface Scope {
  readonly slots: ReadonlyMap<string, number>;
  readonly little: boolean;
  /** Parameters of the layout. */
  readonly numbers: ReadonlyMap<string, number>;
  /** Which bytes of the element's key are `??`. */
  readonly wild: readonly number[];
}

const NAME = /^(?:[A-Za-z_]|\{\d\})(?:\w|\{\d\})*$/;
const READ = /^(?:([uif])(\d{1,2})(le|be)?|(hex|text|skip)(\d{1,4})?)$/;
const WHOLE_BITS = [8, 16, 24, 32, 40, 48];

export function compileFields(spec: FieldsSpec, at: Path, scope: Scope, report: Report): { plan: FieldsPlan; slots: ReadonlyMap<string, number> } {
  const slots = new Map(scope.slots);
  const steps: FieldStep[] = [];
  let behind = 0;
  let size = 0;
  for (const [name, field] of Object.entries(spec)) {
    const below = [...at, name];
    const detailed: DetailedField = typeof field === 'string' ? { read: field } : field;
    const read = detailed.read === undefined ? undefined : compileRead(detailed, scope.little);
    if (detailed.read !== undefined && read === undefined) {
      report(
        typeof field === 'string' ? below : [...below, 'read'],
        `"${detailed.read}" is none of u8 to u48, i8 to i48, f32, f64 (with le or be behind), hexN, textN, skipN`,
      );
    }
    if (detailed.read === undefined && detailed.value === undefined) {
      report(below, 'says nothing: `read` or `value` is needed');
    }
    checkNumbers(detailed, read, below, report);
    const from = detailed.at ?? behind;
    if (read !== undefined) {
      behind = from + read.bytes;
      size = Math.max(size, behind);
    }
    const slot = slots.size;
    const compute = detailed.value === undefined ? undefined : compileFormula(detailed.value, slots, scope.numbers);
    if (compute?.ok === false) report([...below, 'value'], compute.problem);
    if (read !== undefined && !isNumeric(read) && (compute !== undefined || detailed.map !== undefined)) {
      report(below, `${read.kind} is no number: neither \`value\` nor \`map\` can be said of it`);
    }
    steps.push({
      name: compileName(name, below, scope.wild, report),
      read,
      at: detailed.at,
      bits: compileBits(detailed.bits),
      none: detailed.none,
      compute: compute?.ok === true ? compute.value : undefined,
      map: compileMap(detailed, below, report),
      unit: detailed.unit,
      slot,
    });
    slots.set(name, slot);
  }
  if (size > MOST_BYTES) report(at, `takes more than ${MOST_BYTES} bytes`);
  return { plan: { steps, size }, slots };
}

function isNumeric(read: Read): boolean {
  return read.kind === 'u' || read.kind === 'i' || read.kind === 'f';
}

function compileRead({ read = '', until }: DetailedField, little: boolean): Read | undefined {
  const [, kind, bits, order, other, bytes] = READ.exec(read) ?? [];
  if (other !== undefined) {
    const count = Number(bytes ?? 0);
    if (count > MOST_BYTES || (other === 'skip' && count === 0) || bytes === '0') return undefined;
    return { kind: other as Read['kind'], bytes: count, little, until };
  }
  const count = Number(bits);
  if (!(kind === 'f' ? [32, 64] : WHOLE_BITS).includes(count)) return undefined;
  return { kind: kind as Read['kind'], bytes: count / 8, little: order === undefined ? little : order === 'le', until: undefined };
}

function checkNumbers({ bits, at, until }: DetailedField, read: Read | undefined, below: Path, report: Report): void {
  if (at !== undefined && read === undefined) report([...below, 'at'], 'has no effect without `read`');
  if (until !== undefined && read?.bytes !== 0) report([...below, 'until'], 'is for `hex` and `text` without a length');
  if (bits === undefined) return;
  const [low = -1, count = 0] = bits;
  if (read?.kind !== 'u') report([...below, 'bits'], 'are those of an integer without sign: `read` must be u8 to u48');
  else if (bits.length !== 2 || low < 0 || count < 1 || low + count > read.bytes * 8) {
    report([...below, 'bits'], `must be the lowest bit and the number of bits, within ${read.bytes * 8}: [0, 4]`);
  }
}

function compileBits(bits: readonly number[] | undefined): FieldStep['bits'] {
  const [low, count] = bits ?? [];
  return low === undefined || count === undefined ? undefined : { below: 2 ** low, above: 2 ** count };
}

function compileMap({ map }: DetailedField, below: Path, report: Report): FieldStep['map'] {
  if (map === undefined) return undefined;
  const out = new Map<number, string | number | boolean | bigint>();
  for (const [text, value] of Object.entries(map)) {
    const number = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(number)) out.set(number, value);
    else report([...below, 'map', text], 'is no number: what is read is a number');
  }
  return out;
}

/** undefined for a name that is not handed on, and for one that is none. */
function compileName(name: string, below: Path, wild: readonly number[], report: Report): NamePlan | undefined {
  if (!NAME.test(name) || name.length > 100) {
    report(below, `"${name}" is no name: letters, digits and _, and {1} for what the first ?? of the key is`);
    return undefined;
  }
  const texts: string[] = [];
  const keys: number[] = [];
  for (const [i, piece] of name.split(/\{(\d)\}/).entries()) {
    if (i % 2 === 0) texts.push(piece);
    else {
      const byte = wild[Number(piece) - 1];
      if (byte === undefined) report(below, `there is no {${piece}}: the key has ${wild.length === 0 ? 'no ??' : `${wild.length} ??`}`);
      keys.push(byte ?? 0);
    }
  }
  return name.startsWith('_') ? undefined : { texts, keys };
}
