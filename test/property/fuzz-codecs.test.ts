import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { noAnomalies } from '../../src/codec/anomalies.ts';
import { type CodecEnvironment, defaultCodecs, type PayloadDecoder } from '../../src/codec/registry.ts';
import { DEFAULT_LIMITS } from '../../src/domain/profile.ts';
import { corpusMessages } from '../support/corpus.ts';
import { isCheap } from '../support/cpu.ts';
import { mutated } from '../support/mutate.ts';
import { seededRandom } from '../support/sim/virtual-time.ts';

// Every codec against arbitrary bytes and against mutations of real payloads of every format: it answers, with data or
// with a fault, and never throws, hangs, or hands out NaN. SLUICE_FUZZ_SECONDS lengthens it (seconds of CPU, so that a busy
// machine does not shorten it), SLUICE_SEED repeats a run.
const SECONDS = Number(process.env['SLUICE_FUZZ_SECONDS'] ?? 0);
/** Without a time: the same inputs on every machine. */
const INPUTS = 20_000;
const SEED = Number(process.env['SLUICE_SEED'] ?? 1);
/** However busy the machine is. */
const MOST_WAIT_MS = SECONDS * 100_000 + 60_000;
/** Far above what the longest of these inputs (64 KiB) takes, also on a busy machine. */
const STUCK_MS = 5000;
const VECTORS = join(import.meta.dirname, '..', 'vectors', 'profiles');

interface Seed {
  readonly topic: string;
  readonly body: Buffer;
}

function ownVectors(): Seed[] {
  return readdirSync(VECTORS)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(VECTORS, name), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line) as { topic?: string; payload?: string; payload_b64?: string })
    .filter((line) => line.payload !== undefined || line.payload_b64 !== undefined)
    .map((line) => ({
      topic: line.topic ?? 'a/b',
      body: line.payload === undefined ? Buffer.from(line.payload_b64 ?? '', 'base64') : Buffer.from(line.payload),
    }));
}

const TOPICS = ['spBv1.0/G/NBIRTH/N', 'spBv1.0/G/NDATA/N', 'spBv1.0/G/DBIRTH/N/D', 'spBv1.0/G/DDATA/N/D', 'spBv1.0/G/NDEATH/N', 'a/b'];
const seeds: Seed[] = [...ownVectors(), ...corpusMessages().map(({ topic, body }) => ({ topic: topic ?? 'a/b', body }))];

/** What is not plain data, if anything. */
function strange(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : String(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return undefined;
  if (typeof value !== 'object') return typeof value;
  if (depth > 600) return 'too deep';
  for (const item of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
    const found = strange(item, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function environment(): CodecEnvironment {
  const kept = new Map<string, unknown>();
  return {
    instance: 'fuzz',
    command: () => {},
    load: (name) => kept.get(name),
    save: (name, state) => kept.set(name, JSON.parse(JSON.stringify(state())) as unknown),
    now: () => 1_700_000_000_000,
    counts: noAnomalies(),
  };
}

function fuzz(decoder: PayloadDecoder, name: string): { inputs: number; accepted: number } {
  const random = seededRandom(SEED);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const before = process.cpuUsage().user;
  const spent = (): number => (process.cpuUsage().user - before) / 1e6;
  let inputs = 0;
  let accepted = 0;
  while (SECONDS > 0 ? inputs % 100 !== 0 || spent() < SECONDS : inputs < INPUTS) {
    const seed = pick(seeds);
    const chance = random();
    const body =
      chance < 0.1
        ? seed.body
        : chance < 0.2
          ? Buffer.from(Array.from({ length: Math.floor(random() * 64) + 1 }, () => Math.floor(random() * 256)))
          : mutated(seed.body, pick(seeds).body, random);
    if (body.length === 0) continue;
    const topic = random() < 0.5 ? seed.topic : pick(TOPICS);
    inputs += 1;
    const since = performance.now();
    const where = `${name}, SLUICE_SEED=${SEED}, input ${inputs}: ${topic} ${body.toString('base64').slice(0, 2000)}`;
    let result: ReturnType<PayloadDecoder['decode']>;
    try {
      result = decoder.decode(body, DEFAULT_LIMITS, { topic, receivedAt: 1_700_000_000_000 });
    } catch (error) {
      throw new Error(`${where} threw`, { cause: error });
    }
    // By the clock first, which is cheap to ask; a process that was held up elsewhere is none of the codec's doing.
    if (performance.now() - since > STUCK_MS && !isCheap(() => decoder.decode(body, DEFAULT_LIMITS, { topic, receivedAt: since }), STUCK_MS)) {
      throw new Error(`${where} took ${Math.round(performance.now() - since)} ms`);
    }
    if (!result.ok) continue;
    accepted += 1;
    const found = strange(result.value.document);
    if (found !== undefined) throw new Error(`${where} gave ${found}`);
  }
  return { inputs, accepted };
}

describe('every codec, against anything', () => {
  const codecs = defaultCodecs();
  it.each(codecs.names)('%s never throws, hangs or invents', { timeout: MOST_WAIT_MS }, (name) => {
    const codec = codecs.get(name);
    expect(codec?.checkOptions({})).toEqual([]);
    const decoder = codec?.create({}, environment());
    if (decoder === undefined) throw new Error('no such codec');
    const { inputs, accepted } = fuzz(decoder, name);
    console.log(`fuzz ${name}: ${inputs} inputs, ${accepted} accepted`);
    expect(inputs).toBeGreaterThan(100);
  });
});
