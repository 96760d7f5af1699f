import { quote } from '../codec/quote.ts';
import { isoInstant } from '../domain/instant.ts';
import type { Reading, Value } from '../domain/reading.ts';
import type { Path } from '../settings/problem.ts';
import type { Expectation, ExpectedReading } from '../settings/schema/cases.ts';
import type { DecodeOutcome } from '../pipeline/trial-decoder.ts';

/** Something that is not as expected. `at` counts from the expectation. */
export interface Difference {
  readonly at: Path;
  readonly expected: string;
  readonly found: string;
}

/** Where a reading goes. */
export interface Routed {
  /** Rules that take it, in their order; the one that drops it last. */
  readonly routes: readonly string[];
  readonly routingKeys: readonly string[];
  /** Why a rule that took it cannot be carried out. */
  readonly problem: string | undefined;
}

/** Decimals that agree to so much are the same: a conversion of units rounds. */
const RELATIVE = 1e-12;
const NOTHING = 'nothing';

/** What was found so far. */
class Differences {
  readonly list: Difference[] = [];

  add(at: Path, expected: string, found: string): void {
    this.list.push({ at, expected, found });
  }

  /** What is not expected is not looked at. */
  look(at: Path, expected: string | undefined, actual: string | undefined): void {
    if (expected !== undefined && expected !== actual) this.add(at, expected, actual ?? NOTHING);
  }
}

/** Everything that is not as expected; `route` says what the settings do with a reading. */
export function differences(expect: Expectation, outcome: DecodeOutcome, route: (reading: Reading) => Routed): readonly Difference[] {
  const found = new Differences();
  const wanted = expect.outcome ?? (expect.readings === undefined ? undefined : 'readings');
  if (wanted !== undefined && wanted !== outcome.outcome) {
    found.add([expect.outcome === undefined ? 'readings' : 'outcome'], wanted, outcomeText(outcome));
    return found.list;
  }
  if (expect.code !== undefined && expect.code !== outcome.code) found.add(['code'], expect.code, outcomeText(outcome));
  if (expect.message !== undefined && outcome.message?.includes(expect.message) !== true) {
    found.add(['message'], `a text with ${quote(expect.message)}`, outcome.message ?? NOTHING);
  }
  found.look(['profile'], expect.profile, outcome.match?.profile.name);
  if (expect.readings !== undefined) found.look(['readings'], `${expect.readings.length} readings`, `${outcome.readings.length} readings`);
  for (const [i, reading] of (expect.readings ?? []).entries()) {
    const actual = outcome.readings[i];
    if (actual !== undefined) compareReading(found, ['readings', i], reading, actual, route);
  }
  return found.list;
}

function outcomeText({ outcome, code, message, readings }: DecodeOutcome): string {
  if (outcome === 'readings') return `${readings.length} readings`;
  return [`${outcome} ${code ?? ''}`, message].filter((part) => part !== undefined).join(': ');
}

function compareReading(found: Differences, at: Path, expect: ExpectedReading, actual: Reading, route: (reading: Reading) => Routed): void {
  found.look([...at, 'device'], expect.device, actual.device);
  found.look([...at, 'profile'], expect.profile, actual.profile);
  compareValues(found, at, expect, actual);
  for (const [name, unit] of Object.entries(expect.units ?? {})) found.look([...at, 'units', name], unit, actual.units?.[name]);
  for (const [name, tag] of Object.entries(expect.tags ?? {})) found.look([...at, 'tags', name], tag, actual.tags?.[name]);
  found.look([...at, 'flags'], listed(expect.flags?.toSorted()), listText((actual.flags ?? []).toSorted()));
  const measured = expect.measuredAt === undefined ? undefined : isoInstant(expect.measuredAt);
  found.look([...at, 'measuredAt'], measured === undefined ? undefined : timeText(measured), timeText(actual.measuredAt));
  if (expect.routes !== undefined || expect.routingKeys !== undefined) {
    const { routes, routingKeys, problem } = route(actual);
    found.look([...at, 'routes'], listed(expect.routes), listText(routes) + (problem === undefined ? '' : ` (${problem})`));
    found.look([...at, 'routingKeys'], listed(expect.routingKeys), listText(routingKeys));
  }
}

function compareValues(found: Differences, at: Path, { values = {}, absent = [], count }: ExpectedReading, actual: Reading): void {
  const names = Object.keys(actual.values);
  const valueOf = (name: string): Value | undefined => (Object.hasOwn(actual.values, name) ? actual.values[name] : undefined);
  for (const [name, expected] of Object.entries(values)) {
    const value = valueOf(name);
    if (value === undefined) found.add([...at, 'values', name], valueText(expected), `no value of that name; there are ${names.join(', ')}`);
    else if (!same(expected, value)) found.add([...at, 'values', name], valueText(expected), valueText(value));
  }
  for (const [i, name] of absent.entries()) {
    const value = valueOf(name);
    if (value !== undefined) found.add([...at, 'absent', i], `no value ${quote(name)}`, valueText(value));
  }
  if (count !== undefined && count !== names.length) found.add([...at, 'count'], `${count} values`, `${names.length}: ${names.join(', ')}`);
}

function listed(list: readonly string[] | undefined): string | undefined {
  return list === undefined ? undefined : listText(list);
}

function listText(list: readonly string[]): string {
  return `[${list.join(', ')}]`;
}

function timeText(at: number): string {
  return new Date(at).toISOString();
}

function valueText(value: Value): string {
  return typeof value === 'string' ? quote(value) : String(value);
}

function same(expected: string | number | boolean, value: Value): boolean {
  if (typeof value === 'bigint') return typeof expected === 'string' && expected === String(value);
  if (typeof expected !== 'number' || typeof value !== 'number') return expected === value;
  return expected === value || Math.abs(expected - value) <= RELATIVE * Math.max(Math.abs(expected), Math.abs(value));
}
