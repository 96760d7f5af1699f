import { isDeepStrictEqual } from 'node:util';
import type { Path } from './problem.ts';
import type { Settings } from './schema.ts';

/** What a running gateway can take over. Everything else is built into its connections, its listener or its books. */
const LIVE: readonly Path[] = [['limits'], ['profiles'], ['exchanges'], ['queues'], ['routes'], ['log', 'level']];

/** One difference between two settings. */
export interface Change {
  /** In the newer ones; in the older ones where it is gone from these. */
  readonly at: Path;
  /** For a person: `routes[alarms].batch.count`, or `routes: order`. */
  readonly text: string;
  /** A running gateway can take it over. */
  readonly live: boolean;
}

/** What is different, down to single keys. Names of profiles, routes, exchanges and queues stand for their numbers. */
export function compareSettings(before: Settings, after: Settings): Change[] {
  const changes: Change[] = [];
  walk(before, after, [], '', (at, text) => {
    changes.push({ at, text, live: LIVE.some((live) => live.every((step, i) => at[i] === step)) });
  });
  return changes;
}

function walk(before: unknown, after: unknown, at: Path, text: string, tell: (at: Path, text: string) => void): void {
  if (isDeepStrictEqual(before, after)) return;
  if (Array.isArray(before) && Array.isArray(after) && named(before) && named(after)) walkNamed(before, after, at, text, tell);
  else if (isTable(before) && isTable(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      walk(before[key], after[key], [...at, key], text === '' ? key : `${text}.${key}`, tell);
    }
  } else tell(at, text);
}

function walkNamed(before: readonly Named[], after: readonly Named[], at: Path, text: string, tell: (at: Path, text: string) => void): void {
  const old = new Map(before.map((entry) => [entry.name, entry]));
  for (const [i, entry] of after.entries()) {
    const was = old.get(entry.name);
    if (was === undefined) tell([...at, i], `${text}[${entry.name}]: new`);
    else walk(was, entry, [...at, i], `${text}[${entry.name}]`, tell);
  }
  const names = new Set(after.map(({ name }) => name));
  for (const { name } of before) if (!names.has(name)) tell(at, `${text}[${name}]: gone`);
  const common = before.map(({ name }) => name).filter((name) => names.has(name));
  const now = after.map(({ name }) => name).filter((name) => old.has(name));
  if (!isDeepStrictEqual(common, now)) tell(at, `${text}: order`);
}

interface Named {
  readonly name: string;
}

function named(list: readonly unknown[]): list is readonly Named[] {
  return list.every((entry) => isTable(entry) && typeof entry['name'] === 'string');
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
