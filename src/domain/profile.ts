/**
 * How to read what one kind of device sends. Data, not code.
 *
 * **Sources** (`Source`) say where something is found. A text that begins with `$` is a path into the payload:
 * `$` is the reading's own object, `$.a.b`, `$.list[0]`, `$["odd.name"]`; `$$` is the whole payload when `each`
 * walks over an array. Any other text is a template over the topic's captures: `{site}-{device}`.
 */
export type Source = string;

export interface ProfileSpec {
  readonly name: string;
  /** Topic templates with named captures: `devices/{site}/{device}/telemetry`, `{site}/+/{device}/{channel...}`. */
  readonly topics: readonly string[];
  /** A name in the codec registry. */
  readonly codec: string;
  readonly device: Source;
  /** A second place that names the device; where it differs from `device` the reading is flagged `device-mismatch`. */
  readonly deviceCheck: Source | undefined;
  /** Path of an array in the payload: each element is a reading. Absent: the payload is one reading, or, if it is an array, each element is. */
  readonly each: Source | undefined;
  readonly time: TimeSpec | undefined;
  /** Sequence number of the message, used for the reading's id where there is no time. */
  readonly sequence: Source | undefined;
  /** Either the path of an object whose fields are the values (nested ones flattened), or a name -> path table. */
  readonly values: Source | Readonly<Record<string, Source>>;
  /** Paths below `values` (in flattened form) that are not values; what other entries use (time, device, tags) is left out by itself. */
  readonly exclude: readonly string[];
  /** Name of the value when the payload (or an element) is a bare scalar; absent: such a payload is refused. */
  readonly scalar: string | undefined;
  /** Value name -> unit (UCUM or SenML). */
  readonly units: Readonly<Record<string, string>> | undefined;
  readonly tags: Readonly<Record<string, Source>> | undefined;
}

export interface TimeSpec {
  readonly from: Source;
  /** `iso`: RFC 3339 / ISO 8601 text. The others: a number (or digits as text) since 1970. */
  readonly unit: 'iso' | 's' | 'ms' | 'us' | 'ns';
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
