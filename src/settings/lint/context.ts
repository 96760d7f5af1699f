import type { Path, Places, Problems } from '../problem.ts';
import type { RawProfile, RawRoute, RawSettings } from '../schema.ts';
import { hintFor } from '../suggest.ts';
import type { UnitConverter } from '../units.ts';

export interface LintInput {
  /** Checked, but what had errors has holes: only `usable` says which entries can be read. */
  readonly raw: RawSettings;
  /** Those of the file and those of further files, under the numbers that `places` knows them by. */
  readonly profiles: readonly (RawProfile | undefined)[];
  readonly places: Places;
  readonly problems: Problems;
  /** The codec registry, where it is known. */
  readonly codecs: KnownCodecs | undefined;
  /** There where a profile converts units. */
  readonly units: UnitConverter | undefined;
}

/** What the settings ask of a codec registry. */
export interface KnownCodecs {
  readonly names: readonly string[];
  /** Problems of a codec's options: sentences that begin with the option's name and a colon. */
  get(name: string): { checkOptions(options: Readonly<Record<string, unknown>>): readonly string[] } | undefined;
}

export interface Entry<T> {
  readonly at: Path;
  readonly value: T;
}

export type PublishRoute = RawRoute & { readonly exchange: string };

/** Exchanges that every virtual host has (AMQP 0-9-1, 3.1.3), and their types. */
export const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ['amq.topic', 'topic'],
  ['amq.direct', 'direct'],
  ['amq.fanout', 'fanout'],
  ['amq.headers', 'headers'],
  ['amq.match', 'headers'],
]);

/** Addresses that only this machine reaches. */
export const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** What the rules of the lint ask, and how they answer. */
export class Lint {
  readonly raw: RawSettings;
  readonly codecs: KnownCodecs | undefined;
  readonly units: UnitConverter | undefined;
  readonly profiles: readonly Entry<RawProfile>[];
  readonly routes: readonly Entry<RawRoute>[];
  readonly exchanges: readonly Entry<RawSettings['exchanges'][number]>[];
  readonly queues: readonly Entry<RawSettings['queues'][number]>[];
  private readonly places: Places;
  private readonly problems: Problems;
  private readonly all: LintInput;

  constructor(input: LintInput) {
    this.all = input;
    this.raw = input.raw;
    this.codecs = input.codecs;
    this.units = input.units;
    this.places = input.places;
    this.problems = input.problems;
    this.profiles = this.usable(input.profiles, 'profiles');
    this.routes = this.usable(input.raw.routes, 'routes');
    this.exchanges = this.usable(input.raw.exchanges, 'exchanges');
    this.queues = this.usable(input.raw.queues, 'queues');
  }

  error(at: Path, message: string, hint?: string): void {
    this.problems.add('error', this.places.of(at), at, message, hint);
  }

  warn(at: Path, message: string, hint?: string): void {
    this.problems.add('warning', this.places.of(at), at, message, hint);
  }

  unknown(at: Path, what: string, name: string, known: readonly string[]): void {
    this.error(at, `${what} "${name}" is not known`, hintFor(name, known));
  }

  written(at: Path): boolean {
    return this.places.written(at);
  }

  line(at: Path): string {
    const { file, line } = this.places.of(at);
    return `${file}:${line}`;
  }

  failedAt(at: Path): boolean {
    return this.problems.failedAt(at);
  }

  /** Names of all entries, also of those that are wrong in something else: what refers to them is right. */
  names(list: 'profiles' | 'routes' | 'exchanges' | 'queues'): Entry<string>[] {
    const entries: readonly ({ readonly name?: unknown } | undefined)[] = (list === 'profiles' ? this.all.profiles : this.raw[list]) ?? [];
    return entries.flatMap((entry, i) => (typeof entry?.name === 'string' ? [{ at: [list, i, 'name'], value: entry.name }] : []));
  }

  /** Routes that publish, in order. */
  publishing(): Entry<PublishRoute>[] {
    return this.routes.flatMap(({ at, value }) => (!value.drop && value.exchange !== undefined ? [{ at, value: { ...value, exchange: value.exchange } }] : []));
  }

  private usable<T>(list: readonly (T | undefined)[] | undefined, key: string): Entry<T>[] {
    return (list ?? []).flatMap((value, i) => (value === undefined || this.failedAt([key, i]) ? [] : [{ at: [key, i], value }]));
  }
}

/** Takes any reading: nothing to match on. */
export function takesAll(route: RawRoute): boolean {
  return route.profiles === undefined && route.topics === undefined && route.when === undefined;
}
