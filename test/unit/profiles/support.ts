import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { Decoder, type DecodeOutcome } from '../../../src/pipeline/trial-decoder.ts';
import { DEFAULT_LIMITS, type ProfileSpec } from '../../../src/domain/profile.ts';
import { loadSettings, type Problem } from '../../../src/settings/load.ts';

export const ROOT = join(import.meta.dirname, '..', '..', '..');
/** 2023-11-14T22:13:20Z: the time at which all vectors arrive. */
export const RECEIVED = 1_700_000_000_000;

/** The shipped profiles in their order, all with one layout of payloads if any, and what the lint says of them together. */
export async function shipped(payload?: string): Promise<{ profiles: readonly ProfileSpec[]; problems: readonly Problem[] }> {
  const loaded = await loadSettings(join(ROOT, 'config/all-profiles.yaml'), {}, { codecs: defaultCodecs().names, payload });
  return loaded.ok ? { profiles: loaded.settings.profiles, problems: loaded.warnings } : { profiles: [], problems: loaded.problems };
}

export function decoderOf(profiles: readonly ProfileSpec[]): Decoder {
  return new Decoder(profiles, defaultCodecs(), DEFAULT_LIMITS);
}

export type DecoderFor = (layout: string | undefined) => Decoder;

/** One decoder for each layout that payloads of the corpus need, and one without any. */
export async function decodersFor(layouts: ReadonlySet<string>): Promise<DecoderFor> {
  const decoders = new Map<string | undefined, Decoder>();
  for (const layout of [undefined, ...layouts]) {
    const { profiles, problems } = await shipped(layout);
    if (profiles.length === 0) throw new Error(`layout ${layout}: ${problems.map((problem) => problem.message).join('; ')}`);
    decoders.set(layout, decoderOf(profiles));
  }
  return (layout) => decoders.get(layout) as Decoder;
}

export function run(decoder: Decoder, topic: string | undefined, body: Buffer, profile?: string): DecodeOutcome {
  return decoder.decode({ topic, profile, contentEncoding: undefined, body, receivedAt: RECEIVED });
}

export interface Vector {
  readonly topic: string;
  readonly payload?: string;
  readonly payload_b64?: string;
  readonly readings?: readonly Record<string, unknown>[];
  readonly filtered?: string;
  readonly deadLettered?: string;
}

export function vectors(name: string): Vector[] {
  const text = readFileSync(join(ROOT, 'test/vectors/profiles', `${name}.jsonl`), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector);
}

export function bodyOf(vector: Vector): Buffer {
  return vector.payload === undefined ? Buffer.from(vector.payload_b64 ?? '', 'base64') : Buffer.from(vector.payload);
}
