import { quote } from '../codec/reading.ts';
import { isoInstant } from '../domain/instant.ts';
import type { Reading, Value } from '../domain/reading.ts';
import type { Path } from '../settings/problem.ts';
import type { Expectation, ExpectedReading } from '../settings/schema/cases.ts';
import type { DecodeOutcome } from './decoder.ts';

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

/** Everything that is not as expected; `route` says what the settings do with a reading. */
export function differences(expect: Expectation, outcome: DecodeOutcome, route: (reading: Reading) => Routed): Difference[] {
  const found: Difference[] = [];
  const look = (at: Path, expected: string | undefined, actual: string | undefined): void => {
    if (expected !== undefined && expected !== actual) found.push({ at, expected, found: actual ?? NOTHING });
  };
  const implied = expect.readings === undefined ? undefined : 'readings';
  const wanted = expect.outcome ?? implied;
  if (wanted !== undefined && wanted !== outcome.outcome) {
    found.push({ at: expect.outcome === undefined ? ['readings'] : ['outcome'], expected: wanted, found: outcomeText(outcome) });
    return found;
  }
  if (expect.code !== undefined && expect.code !== outcome.code) found.push({ at: ['code'], expected: expect.code, found: outcomeText(outcome) });
  if (expect.message !== undefined && outcome.message?.includes(expect.message) !== true) {
    found.push({ at: ['message'], expected: `a text with ${quote(expect.message)}`, found: outcome.message ?? NOTHING });
  }
  look(['profile'], expect.profile, outcome.match?.profile.name);
  const { readings = [] } = expect;
  if (expect.readings !== undefined) look(['readings'], `${readings.length} readings`, `${outcome.readings.length} readings`);
  for (const [i, reading] of readings.entries()) {
    const actual = outcome.readings[i];
    if (actual !== undefined) found.push(...readingDifferences(reading, actual, route).map(({ at, ...rest }) => ({ at: ['readings', i, ...at], ...rest })));
  }
  return found;
}

function outcomeText({ outcome, code, message, readings }: DecodeOutcome): string {
  if (outcome === 'readings') return `${readings.length} readings`;
  return [`${outcome} ${code ?? ''}`, message].filter((part) => part !== undefined).join(': ');
}

function readingDifferences(expect: ExpectedReading, actual: Reading, route: (reading: Reading) => Routed): Difference[] {
  const found: Difference[] = [];
  const look = (at: Path, expected: string | undefined, there: string | undefined): void => {
    if (expected !== undefined && expected !== there) found.push({ at, expected, found: there ?? NOTHING });
  };
  look(['device'], expect.device, actual.device);
  look(['profile'], expect.profile, actual.profile);
  for (const [name, expected] of Object.entries(expect.values ?? {})) {
    const value = Object.hasOwn(actual.values, name) ? actual.values[name] : undefined;
    if (value === undefined) {
      found.push({ at: ['values', name], expected: valueText(expected), found: `no value of that name; there are ${Object.keys(actual.values).join(', ')}` });
    } else if (!same(expected, value)) found.push({ at: ['values', name], expected: valueText(expected), found: valueText(value) });
  }
  for (const [i, name] of (expect.absent ?? []).entries()) {
    if (Object.hasOwn(actual.values, name))
      found.push({ at: ['absent', i], expected: `no value ${quote(name)}`, found: valueText(actual.values[name] as Value) });
  }
  const names = Object.keys(actual.values);
  if (expect.count !== undefined && expect.count !== names.length)
    found.push({ at: ['count'], expected: `${expect.count} values`, found: `${names.length}: ${names.join(', ')}` });
  for (const [name, unit] of Object.entries(expect.units ?? {})) look(['units', name], unit, actual.units?.[name]);
  for (const [name, tag] of Object.entries(expect.tags ?? {})) look(['tags', name], tag, actual.tags?.[name]);
  look(['flags'], expect.flags === undefined ? undefined : listText(expect.flags.toSorted()), listText((actual.flags ?? []).toSorted()));
  const measured = expect.measuredAt === undefined ? undefined : isoInstant(expect.measuredAt);
  look(['measuredAt'], measured === undefined ? undefined : timeText(measured), timeText(actual.measuredAt));
  if (expect.routes !== undefined || expect.routingKeys !== undefined) {
    const { routes, routingKeys, problem } = route(actual);
    look(['routes'], listed(expect.routes), listText(routes) + (problem === undefined ? '' : ` (${problem})`));
    look(['routingKeys'], listed(expect.routingKeys), listText(routingKeys));
  }
  return found;
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
