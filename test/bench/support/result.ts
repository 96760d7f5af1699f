import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CodeVersion, MachineFacts } from './machine.ts';

/** The numbers of one round by name; the name carries the unit: `inPerSecond`, `cpuMicrosPerMessage`, `rssPeakBytes`. NaN is written as null. */
export type Measures = Readonly<Record<string, number>>;

/** One contender under one load. */
export interface SubjectResult {
  readonly label: string;
  readonly contender: string;
  /** What it was put to, for people and for comparisons. */
  readonly scenario: Readonly<Record<string, string | number>>;
  readonly rounds: readonly Measures[];
  /** Numbers over the course of a round, of the last one: `{ messages: [...], rssBytes: [...] }`. */
  readonly course?: Readonly<Record<string, readonly number[]>> | undefined;
}

export interface RowResult {
  readonly name: string;
  readonly title: string;
  /** How it was measured: `drain`, `latency`, `saturate`, `start`; rows of other benches have none. */
  readonly kind?: string | undefined;
  /** The broker had its data in memory. */
  readonly memory?: boolean | undefined;
  /** What the subjects differ in, where it is a number: the x-axis of a plot. */
  readonly axis?: string | undefined;
  /** The first is what the others are held against. */
  readonly subjects: readonly SubjectResult[];
}

export interface BenchResult {
  readonly format: 1;
  readonly startedAt: string;
  readonly command: string;
  readonly code: CodeVersion;
  readonly machine: MachineFacts;
  readonly rows: readonly RowResult[];
}

export function writeResult(path: string, result: BenchResult): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, undefined, 1)}\n`);
}

/** Throws where the file is none of a bench, with what to do. */
export function readResult(path: string): BenchResult {
  let value: unknown;
  try {
    // JSON has no NaN: what was not known comes back as null.
    value = JSON.parse(readFileSync(path, 'utf8'), (_, inner: unknown) => (inner === null ? Number.NaN : inner));
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}. A result file is what \`npm run bench -- --out FILE\` writes.`, { cause: error });
  }
  if ((value as Partial<BenchResult> | undefined)?.format !== 1)
    throw new Error(`${path} is no result file of this bench (\`npm run bench -- --out FILE\` writes one)`);
  return value as BenchResult;
}
