import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpusMissing } from './corpus.ts';
import { exactJson } from './exact-json.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'corpus', 'line_protocol');

type Raw = string | { readonly binary: string };
type Whole = number | bigint;

interface RawPoint {
  readonly time: Whole;
  readonly name: Raw;
  readonly tags: readonly { readonly key: Raw; readonly value: Raw }[];
  readonly fields: readonly { readonly key: Raw; readonly value: Readonly<Record<string, Raw | Whole | boolean>> }[];
}

/** A point as the conformance cases have it: tags by name, fields in the order of the line, time in nanoseconds. */
export interface CorpusPoint {
  readonly measurement: string;
  readonly tags: readonly (readonly [string, string])[];
  readonly fields: readonly (readonly [string, unknown])[];
  readonly time: bigint;
}

export interface DecodeCase {
  readonly id: string;
  readonly body: Buffer;
  readonly precision: string;
  /** Undefined: must be refused. */
  readonly points: readonly CorpusPoint[] | undefined;
}

export interface EncodeCase {
  readonly id: string;
  readonly point: CorpusPoint;
  readonly line: Buffer;
}

function bytes(raw: Raw): Buffer {
  return typeof raw === 'string' ? Buffer.from(raw) : Buffer.from(raw.binary, 'base64');
}

function plain(value: Raw | Whole | boolean): unknown {
  return typeof value === 'object' ? bytes(value).toString() : value;
}

function point(raw: RawPoint): CorpusPoint {
  return {
    measurement: bytes(raw.name).toString(),
    tags: raw.tags.map(({ key, value }) => [bytes(key).toString(), bytes(value).toString()]),
    fields: raw.fields.map(({ key, value }) => [bytes(key).toString(), plain(Object.values(value)[0] ?? '')]),
    time: BigInt(raw.time),
  };
}

/** The lines of a file, integers exact: the cases go up to 2^64. */
function cases(file: string): unknown[] {
  if (corpusMissing !== undefined) return [];
  const lines = readFileSync(join(FOLDER, file), 'utf8').trim().split('\n');
  return lines.map(exactJson);
}

export function decodeCases(): DecodeCase[] {
  return (cases('decode.jsonl') as { id: string; input: { text: Raw; precision: string }; output: { error?: string; result?: RawPoint[] } }[]).map(
    ({ id, input, output }) => ({
      id,
      body: bytes(input.text),
      precision: input.precision.slice(1),
      points: output.error === undefined ? (output.result ?? []).map(point) : undefined,
    }),
  );
}

export function encodeCases(): EncodeCase[] {
  return (cases('encode.jsonl') as { id: string; input: { point: RawPoint }; output: { result: Raw } }[]).map(({ id, input, output }) => ({
    id,
    point: point(input.point),
    line: bytes(output.result),
  }));
}
