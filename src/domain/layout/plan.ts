import type { Value } from '../reading.ts';
import type { Formula } from './formula.ts';

/** A layout, checked and ready to read payloads with. */
export interface LayoutPlan {
  readonly name: string;
  readonly frames: readonly FramePlan[];
}

export interface FramePlan {
  readonly ports: ReadonlySet<number> | undefined;
  readonly shortest: number;
  readonly longest: number;
  readonly bytes: readonly { readonly at: number; readonly among: ReadonlySet<number> }[];
  readonly head: FieldsPlan;
  readonly groups: GroupsPlan | undefined;
  readonly elements: ElementsPlan | undefined;
  readonly ignoreRest: boolean;
}

export interface FieldsPlan {
  readonly steps: readonly FieldStep[];
  /** Bytes of the fields that say how long they are. */
  readonly size: number;
}

export interface GroupsPlan {
  /** Slot of the field of bits. */
  readonly by: number;
  readonly of: readonly FieldsPlan[];
}

export interface ElementsPlan {
  /** Bytes of the key. */
  readonly key: number;
  /** In the order in which they are looked at: keys without `??` first. */
  readonly tables: readonly KeyTable[];
}

/** Keys with `??` at the same places. */
export interface KeyTable {
  /** Which bytes of the key count. */
  readonly fixed: readonly boolean[];
  /** undefined: known to be unknown. */
  readonly byKey: ReadonlyMap<number, ElementPlan | undefined>;
}

export interface ElementPlan {
  readonly fields: FieldsPlan;
  /** undefined: those of the fields. */
  readonly size: number | undefined;
  readonly list: string | undefined;
}

/** `texts[0]` key byte `keys[0]` `texts[1]` ... */
export interface NamePlan {
  readonly texts: readonly string[];
  /** Which byte of the element's key stands between. */
  readonly keys: readonly number[];
}

export interface FieldStep {
  /** undefined: not handed on. */
  readonly name: NamePlan | undefined;
  readonly read: Read | undefined;
  /** undefined: behind the field before. */
  readonly at: number | undefined;
  readonly bits: { readonly below: number; readonly above: number } | undefined;
  readonly none: readonly number[] | undefined;
  readonly compute: Formula | undefined;
  readonly map: ReadonlyMap<number, Value> | undefined;
  readonly unit: string | undefined;
  readonly slot: number;
}

export interface Read {
  readonly kind: 'u' | 'i' | 'f' | 'hex' | 'text' | 'skip';
  /** 0: all that is left, or up to `until` (`hex` and `text` only). */
  readonly bytes: number;
  readonly until: number | undefined;
  readonly little: boolean;
}
