import { defaultCodecs } from '../../../src/codec/registry.ts';
import type { InboundMessage } from '../../../src/domain/message.ts';
import { DEFAULT_LIMITS, type Limits, type ProfileSpec, type TimeSpec } from '../../../src/domain/profile.ts';
import type { Reading } from '../../../src/domain/reading.ts';
import { compileNormaliser, type Normalised, type Normaliser } from '../../../src/pipeline/normaliser.ts';

/** 2025-11-23T08:00:00Z */
export const NOW = 1_763_884_800_000;

export function time(changes: Partial<TimeSpec> = {}): TimeSpec {
  return { from: '$.time', unit: 'ms', zone: 'Z', futureMs: 300_000, lateMs: 3_600_000, ...changes };
}

export function profile(changes: Partial<ProfileSpec> = {}): ProfileSpec {
  return {
    name: 'test',
    topics: ['d/{device}'],
    codec: 'json',
    device: '{device}',
    deviceCheck: undefined,
    each: undefined,
    time: undefined,
    sequence: undefined,
    values: '$',
    exclude: [],
    scalar: undefined,
    units: undefined,
    tags: undefined,
    ...changes,
  };
}

export function message(body: string | Uint8Array, changes: Partial<InboundMessage> = {}): InboundMessage {
  const topic = changes.topic ?? 'd/1';
  return {
    topic,
    routingKey: topic.replaceAll('/', '.'),
    body: typeof body === 'string' ? Buffer.from(body) : Buffer.from(body),
    receivedAt: NOW,
    contentType: undefined,
    contentEncoding: undefined,
    redelivered: false,
    deliveryCount: 0,
    qos: 1,
    ...changes,
  };
}

export function normaliser(profiles: readonly ProfileSpec[] | Partial<ProfileSpec>, limits: Partial<Limits> = {}): Normaliser {
  const specs = Array.isArray(profiles) ? (profiles as readonly ProfileSpec[]) : [profile(profiles as Partial<ProfileSpec>)];
  return compileNormaliser(specs, defaultCodecs(), { ...DEFAULT_LIMITS, ...limits }, 'gw1');
}

export function readings(result: Normalised): readonly Reading[] {
  if (result.kind !== 'readings') {
    throw new Error(`expected readings, got ${JSON.stringify(result)}`);
  }
  return result.readings;
}

/** `readings`, `empty` or the fault's code. */
export function outcome(result: Normalised): string {
  return result.kind === 'readings' ? 'readings' : result.kind === 'filtered' ? result.reason : result.fault.code;
}
