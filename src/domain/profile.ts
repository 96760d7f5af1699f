import type { LayoutSpec } from './layout/spec.ts';
import type { ValueRulesSpec } from './value-rules.ts';

/**
 * How to read what one kind of device sends. Data, not code.
 *
 * **Sources** (`Source`) say where something is found. A text that begins with `$` is a path into the payload:
 * `$` is the reading's own object, `$.a.b`, `$.list[0]`, `$["odd.name"]`; `$$` is the whole payload when `each`
 * walks over an array. Any other text is a template over the topic's captures: `{site}-{device}`.
 */
export type Source = string;

export interface ProfileSpec extends ValueRulesSpec {
  readonly name: string;
  /** Topic templates with named captures: `devices/{site}/{device}/telemetry`, `{site}/+/{device}/{channel...}`. */
  readonly topics: readonly string[];
  /** A name in the codec registry, or several: the first that can read the payload wins. */
  readonly codec: string | readonly string[];
  /** Options of the codec; where there are several codecs, name of the codec -> its options. */
  readonly codecOptions?: Readonly<Record<string, unknown>> | undefined;
  /** Compressions that are undone before the codec sees the payload. */
  readonly encodings?: readonly Compression[] | undefined;
  /** Topic templates of messages that hold no readings (states, discovery, commands): filtered. Looked at before `topics`. */
  readonly ignore?: readonly string[] | undefined;
  /** Payloads, or elements of `each`, that hold no readings; any of the conditions will do. */
  readonly ignoreWhen?: readonly IgnoreSpec[] | undefined;
  readonly device: Source;
  /** What names the device where `device` finds nothing. */
  readonly deviceElse?: Source | undefined;
  /** A second place that names the device; where it differs from `device` the reading is flagged `device-mismatch`. */
  readonly deviceCheck: Source | undefined;
  /** Path of an array in the payload: each element is a reading. Absent: the payload is one reading, or, if it is an array, each element is. */
  readonly each: Source | undefined;
  readonly time: TimeSpec | undefined;
  /** Sequence number of the message, used for the reading's id where there is no time. */
  readonly sequence: Source | undefined;
  /** The path of an object whose fields are the values (nested ones flattened), several such paths, or a name -> path table. */
  readonly values: Source | readonly Source[] | Readonly<Record<string, Source>>;
  /** Values that stand in the payload as name/value pairs; `values` is not looked at then. */
  readonly pairs?: PairsSpec | undefined;
  /** Paths below `values` (in flattened form) that are not values; what other entries use (time, device, tags) is left out by itself. */
  readonly exclude: readonly string[];
  /** Name of the value when the payload (or an element) is a bare scalar, may hold captures; absent: such a payload is refused. */
  readonly scalar: string | undefined;
  /** Value name or pattern -> unit (UCUM or SenML), or the path of the place that names it. */
  readonly units: Readonly<Record<string, string>> | undefined;
  /** Path of an object: name of a value (before `rename`) -> unit. */
  readonly unitsFrom?: Source | undefined;
  /** Unit as the device writes it -> unit: `{ F: '[degF]' }`. */
  readonly unitNames?: Readonly<Record<string, string>> | undefined;
  readonly tags: Readonly<Record<string, Source>> | undefined;
  /** Path of an object whose fields are tags; those of `tags` win. */
  readonly tagsFrom?: Source | undefined;
  /** Path of a list of flags; names that are no flags are left out. */
  readonly flagsFrom?: Source | undefined;
  /** Name or pattern of devices -> rules that stand before those of the profile. */
  readonly devices?: Readonly<Record<string, ValueRulesSpec>> | undefined;
  /** Where a network server puts the bytes of a device, and where what it made of them. */
  readonly payloadAt?: PayloadAtSpec | undefined;
  /** Name or pattern of devices, else of their model -> how their bytes are laid out. */
  readonly payload?: Readonly<Record<string, LayoutSpec>> | undefined;
  /** `flag`: a value whose type is not that of the last one is flagged `type-changed`. */
  readonly types?: 'any' | 'flag' | undefined;
}

/** Each codec that the profile names, with its options. */
export function optionsByCodec({ codec, codecOptions = {} }: Pick<ProfileSpec, 'codec' | 'codecOptions'>): Map<string, Readonly<Record<string, unknown>>> {
  if (typeof codec === 'string') {
    return new Map([[codec, codecOptions]]);
  }
  return new Map(codec.map((name) => [name, Object.hasOwn(codecOptions, name) ? (codecOptions[name] as Readonly<Record<string, unknown>>) : {}]));
}

export const COMPRESSIONS = ['gzip', 'deflate', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

export const PAYLOAD_ENCODINGS = ['base64', 'hex'] as const;

export interface PayloadAtSpec {
  /** Path of the bytes, as text. */
  readonly bytes: Source;
  readonly encoding: (typeof PAYLOAD_ENCODINGS)[number];
  /** Path of the LoRaWAN port. */
  readonly port?: Source | undefined;
  /** Paths where values stand that were decoded already: then the bytes are left alone. Else the first gets them. */
  readonly decoded: readonly Source[];
  /** Path of the name of the model. */
  readonly model?: Source | undefined;
}

export interface IgnoreSpec {
  readonly at: Source;
  /** What stands there is one of these. */
  readonly is?: readonly (string | number | boolean)[] | undefined;
  /** Something (or nothing) stands there; null is something. */
  readonly exists?: boolean | undefined;
}

export interface PairsSpec {
  /** Path of the array. */
  readonly each: Source;
  /** Name, value and unit in an element of it (`$`). */
  readonly name: Source;
  readonly value: Source;
  readonly unit?: Source | undefined;
}

export const TIME_UNITS = ['iso', 's', 'ms', 'us', 'ns', 'auto', 'uptime'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

export interface TimeSpec {
  readonly from: Source;
  /**
   * `iso`: RFC 3339 / ISO 8601 text. `s` to `ns`: a number (or digits as text) since 1970. `auto`: the unit follows from the
   * number of digits (10, 13, 16, 19). `uptime`: no time at all; the time of receipt is used and flagged `clock-unset`.
   */
  readonly unit: TimeUnit;
  /** Offset for ISO texts without one, `+02:00` or `Z`; such readings are flagged `no-zone`. */
  readonly zone: string;
  /** Further ahead than this is flagged `future`. */
  readonly futureMs: number;
  /** Further back than this is flagged `late`. */
  readonly lateMs: number;
}

/** Bounds on one message, so that a hostile payload cannot stall or fill the process. */
export interface Limits {
  readonly messageBytes: number;
  readonly depth: number;
  readonly fields: number;
  readonly readingsPerMessage: number;
}

export const DEFAULT_LIMITS: Limits = { messageBytes: 1_048_576, depth: 32, fields: 10_000, readingsPerMessage: 5_000 };
