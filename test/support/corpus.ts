import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Real device payloads that stay out of this repository; tests that use them skip where the folder is missing. */
export const CORPUS = join(import.meta.dirname, '..', '..', '..', 'shared', 'data', 'corpus');

export const corpusMissing: string | undefined = existsSync(CORPUS) ? undefined : `skipped: no device payloads at ${CORPUS}`;

export interface CorpusMessage {
  readonly name: string;
  readonly topic: string | undefined;
  readonly body: Buffer;
}

interface Line {
  readonly topic?: string;
  readonly payload?: string;
  readonly payload_b64?: string;
  readonly payload_file?: string;
}

function bodyOf(line: Line, list: string): Buffer {
  if (line.payload !== undefined) return Buffer.from(line.payload);
  if (line.payload_b64 !== undefined) return Buffer.from(line.payload_b64, 'base64');
  return readFileSync(join(dirname(list), line.payload_file ?? ''));
}

/** Messages with their topics: every `messages.jsonl`, or that of one folder. */
export function corpusMessages(folder?: string): CorpusMessage[] {
  if (corpusMissing !== undefined) return [];
  const folders = folder === undefined ? readdirSync(CORPUS) : [folder];
  return folders.flatMap((name) => {
    const list = join(CORPUS, name, 'messages.jsonl');
    if (!existsSync(list)) return [];
    const lines = readFileSync(list, 'utf8').trim().split('\n');
    return lines.map((text, at): CorpusMessage => {
      const line = JSON.parse(text) as Line;
      return { name: `${name}:${at + 1}`, topic: line.topic, body: bodyOf(line, list) };
    });
  });
}

/** Payloads that break parsers: torture files, malformed payloads from the field, and naughty strings raw and inside JSON. */
export function hostilePayloads(): CorpusMessage[] {
  if (corpusMissing !== undefined) return [];
  const torture = readdirSync(join(CORPUS, 'json_torture')).map((name) => ({ name, topic: undefined, body: readFileSync(join(CORPUS, 'json_torture', name)) }));
  const strings = JSON.parse(readFileSync(join(CORPUS, 'naughty_strings', 'blns.json'), 'utf8')) as string[];
  const naughty = strings.flatMap((text, at) => [
    { name: `naughty ${at} raw`, topic: undefined, body: Buffer.from(text) },
    { name: `naughty ${at} value`, topic: undefined, body: Buffer.from(JSON.stringify({ values: { text, [text]: 1 } })) },
  ]);
  return [...torture, ...corpusMessages('field_garbage'), ...naughty];
}
