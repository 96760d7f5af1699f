import { excerpt } from '../domain/excerpt.ts';
import type { FaultCode } from '../domain/fault.ts';
import { MAX_NAME } from '../domain/flatten.ts';
import type { Document } from '../domain/payload-path.ts';
import type { Value } from '../domain/reading.ts';

/** What differs between SenML in JSON and in CBOR. */
export interface SenmlForm {
  /** Name of a field -> its label in JSON, RFC 8428 section 4.3; a name that is no label stays as it is. */
  label(field: string): string;
  /** What a Data Value becomes; undefined where it is none. */
  data(value: Document): string | undefined;
}

export type Numeric = number | bigint;

/** Why a pack is refused. */
export class Problem {
  readonly code: FaultCode;
  readonly message: string;

  constructor(message: string, code: FaultCode = 'DECODE_INVALID') {
    this.code = code;
    this.message = message;
  }
}

/** The fields of one record, checked for their types. */
export interface Fields {
  bn?: string;
  bt?: Numeric;
  bu?: string;
  bv?: Numeric;
  bs?: Numeric;
  bver?: number;
  n?: string;
  u?: string;
  s?: Numeric;
  t?: Numeric;
  /** Of `v`, `vs`, `vb` or `vd`. */
  value?: Value;
  /** There are base fields (labels that begin with `b`, known or not) and no others. */
  baseOnly: boolean;
}

function isNumeric(value: Document): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint';
}

function wrong(label: string, due: string): Problem {
  return new Problem(`the field "${label}" must be ${due} (section 4.3)`);
}

/** What a value label holds; undefined where the type is another. */
function valueOf(label: 'v' | 'vs' | 'vb' | 'vd', value: Document, form: SenmlForm): Value | undefined {
  switch (label) {
    case 'v':
      return isNumeric(value) ? value : undefined;
    case 'vs':
      return typeof value === 'string' ? value : undefined;
    case 'vb':
      return typeof value === 'boolean' ? value : undefined;
    case 'vd':
      return form.data(value);
    default:
      return undefined;
  }
}

const VALUE_TYPES = { v: 'a number', vs: 'a text', vb: 'true or false', vd: 'binary data that the option `bytes` takes' } as const;

function take(fields: Fields, label: string, value: Document, form: SenmlForm): Problem | undefined {
  switch (label) {
    case 'bn':
    case 'bu':
    case 'n':
    case 'u':
      // Bounded, because a base unit is written out with every value again.
      if (typeof value !== 'string' || value.length > MAX_NAME) {
        return wrong(label, `a text of up to ${MAX_NAME} characters`);
      }
      fields[label] = value;
      break;
    case 'bt':
    case 'bv':
    case 'bs':
    case 's':
    case 't':
      if (!isNumeric(value)) {
        return wrong(label, 'a number');
      }
      fields[label] = value;
      break;
    case 'ut':
      if (!isNumeric(value)) {
        return wrong(label, 'a number');
      }
      break;
    case 'bver':
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
        return wrong(label, 'a positive integer');
      }
      fields.bver = value;
      break;
    case 'v':
    case 'vs':
    case 'vb':
    case 'vd': {
      if (fields.value !== undefined) {
        return new Problem('a record has more than one value (section 4.2)');
      }
      const found = valueOf(label, value, form);
      if (found === undefined) {
        return wrong(label, VALUE_TYPES[label]);
      }
      fields.value = found;
      break;
    }
    default:
      // What is not known is passed over, unless its label says that it must be understood: section 4.4.
      return label.endsWith('_') ? new Problem(`the field "${excerpt(label, 40)}" must be understood and is not (section 4.4)`) : undefined;
  }
  return undefined;
}

export function readFields(record: Document, form: SenmlForm): Fields | Problem {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    return new Problem('a record is no object (section 4)');
  }
  const fields: Fields = { baseOnly: false };
  const entries = record as { readonly [field: string]: Document };
  let based = false;
  let others = false;
  for (const field in entries) {
    const label = form.label(field);
    const problem = take(fields, label, entries[field] as Document, form);
    if (problem !== undefined) {
      return problem;
    }
    if (label.startsWith('b')) {
      based = true;
    } else {
      others = true;
    }
  }
  fields.baseOnly = based && !others;
  return fields;
}
