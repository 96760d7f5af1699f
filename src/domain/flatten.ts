import { emptyBag } from './bag.ts';
import type { FaultCode } from './fault.ts';
import type { Document } from './payload-path.ts';
import type { Value } from './reading.ts';

/** Longest name of a value, device or tag, in UTF-16 units: names are repeated, so an unbounded one would multiply a payload's size. */
export const MAX_NAME = 1024;

/** What is left out below a place: `here` all of it, else what the branches say. */
export interface Exclusions {
  here: boolean;
  readonly below: Map<string, Exclusions>;
}

export function exclusions(): Exclusions {
  return { here: false, below: new Map() };
}

export function exclude(from: Exclusions, names: readonly string[]): void {
  let at = from;
  for (const name of names) {
    let next = at.below.get(name);
    if (next === undefined) {
      next = exclusions();
      at.below.set(name, next);
    }
    at = next;
  }
  at.here = true;
}

/** A flattened name is the keys joined by dots; a dot or backslash inside a key gets a backslash, so no two places share a name. */
export function escapeKey(key: string): string {
  return key.includes('.') || key.includes('\\') ? key.replace(/[.\\]/g, '\\$&') : key;
}

/** The keys of a flattened name: `a\.b.c` -> `a.b`, `c`. */
export function splitFlatName(name: string): string[] {
  const keys = [''];
  for (const [piece] of name.matchAll(/\\[\s\S]|[\s\S]/g)) {
    if (piece === '.') {
      keys.push('');
    } else {
      keys[keys.length - 1] += piece.length === 2 && piece.startsWith('\\') ? piece.slice(1) : piece;
    }
  }
  return keys;
}

/** What a key becomes at one place of a payload. */
interface Place {
  readonly key: string;
  readonly prefix: string;
  readonly exclude: Exclusions | undefined;
  /** Undefined where the profile leaves out what stands there. */
  readonly name: string | undefined;
  readonly prefixBelow: string;
  readonly excludeBelow: Exclusions | undefined;
}

/**
 * The places of the last payload of a profile, in the order in which they were met: devices say the same again and again, and
 * to compare a key costs a tenth of making its name. Changes no result.
 */
export type Places = Place[];
const MOST_PLACES = 256;
const LONGEST_PLACE = 256;

function placeOf(key: string, prefix: string, exclude: Exclusions | undefined): Place {
  const below = exclude?.below.get(key);
  const name = prefix + escapeKey(key);
  return { key, prefix, exclude, name: below?.here === true ? undefined : name, prefixBelow: `${name}.`, excludeBelow: below };
}

/**
 * Gathers the values of the readings of one message, and keeps the whole message within bounds: a profile may point
 * many readings at one place (`$$`), so what comes out can be larger than what came in.
 */
export class ValueCollector {
  values: Record<string, Value> = emptyBag();
  /** How many values the current reading has. */
  count = 0;
  /** Set once, and final: the message is refused. */
  problem: { readonly code: FaultCode; readonly message: string } | undefined;
  /** A value came under a name that was taken. */
  repeated = false;
  /** What to do then; `replace` where names are known to differ, because looking costs. */
  private onRepeat: 'replace' | 'rename' | 'flag' = 'replace';
  private fallbackPrefix = '';
  private fieldsLeft = 0;
  private charactersLeft = 0;
  private places: Places = [];
  private place = 0;

  /** Before each message: how many values and how many characters in string values it may come to, and what its profile's last one looked like. */
  open(fields: number, characters: number, places: Places): void {
    this.places = places;
    this.place = 0;
    this.problem = undefined;
    this.fieldsLeft = fields;
    this.charactersLeft = characters;
    this.next();
  }

  /** Before each reading. The values gathered so far belong to the previous one. */
  next(): void {
    this.values = emptyBag();
    this.count = 0;
    this.repeated = false;
    this.onRepeat = 'replace';
  }

  /** From here on names may be taken already: such a value gets `prefix` before its name, and if that is taken too the message is refused. */
  renameRepeated(prefix: string): void {
    this.onRepeat = 'rename';
    this.fallbackPrefix = prefix;
  }

  /** From here on names may be taken already: the last value wins, and `repeated` tells. */
  flagRepeated(): void {
    this.onRepeat = 'flag';
  }

  /** Adds a document under a name: a scalar as it is, records and arrays flattened below it. Nulls are missing values. */
  add(name: string, document: Document): void {
    if (typeof document !== 'object') {
      this.set(name, document);
    } else if (document !== null) {
      this.flatten(`${name}.`, document, undefined);
    }
  }

  /** Adds the members of a record or the elements of an array. `prefix` ends with a dot, or is empty at the top. */
  flatten(prefix: string, node: Document, exclude: Exclusions | undefined): void {
    if (prefix.length > MAX_NAME + 1) {
      this.refuse('SCHEMA_MISMATCH', `the name of a value is longer than ${MAX_NAME} characters`);
      return;
    }
    // For an array the keys are its indexes, in order.
    const record = node as { readonly [key: string]: Document };
    for (const key in record) {
      const { name, prefixBelow, excludeBelow } = this.placeOf(key, prefix, exclude);
      if (name === undefined) {
        continue;
      }
      const value = record[key] as Document;
      if (typeof value !== 'object') {
        this.set(name, value);
      } else if (value !== null) {
        this.flatten(prefixBelow, value, excludeBelow);
      }
      if (this.problem !== undefined) {
        return;
      }
    }
  }

  private placeOf(key: string, prefix: string, exclude: Exclusions | undefined): Place {
    const { places, place } = this;
    let found = places[place];
    if (found === undefined || found.key !== key || found.prefix !== prefix || found.exclude !== exclude) {
      found = placeOf(key, prefix, exclude);
      if (place < MOST_PLACES && found.prefixBelow.length <= LONGEST_PLACE) {
        places[place] = found;
      }
    }
    this.place = place + 1;
    return found;
  }

  private set(name: string, value: Value): void {
    this.fieldsLeft -= 1;
    if (typeof value === 'string') {
      this.charactersLeft -= value.length;
    }
    if (name.length > MAX_NAME) {
      this.refuse('SCHEMA_MISMATCH', `the name of a value is longer than ${MAX_NAME} characters`);
    } else if (this.fieldsLeft < 0) {
      this.refuse('LIMIT_FIELDS', 'the readings of the message come to more values than limits.fields');
    } else if (this.charactersLeft < 0) {
      this.refuse('LIMIT_BYTES', 'the readings of the message come to more text than limits.messageBytes');
    } else if (this.onRepeat !== 'replace' && name in this.values) {
      this.repeat(name, value);
    } else {
      this.values[name] = value;
      this.count += 1;
    }
  }

  private repeat(name: string, value: Value): void {
    this.repeated = true;
    if (this.onRepeat === 'flag') {
      this.values[name] = value;
      return;
    }
    const longer = this.fallbackPrefix + name;
    if (longer in this.values || longer.length > MAX_NAME) {
      this.refuse('SCHEMA_MISMATCH', `two values would be named "${longer.slice(0, 80)}"`);
    } else {
      this.values[longer] = value;
      this.count += 1;
    }
  }

  private refuse(code: FaultCode, message: string): void {
    this.problem ??= { code, message };
  }
}
