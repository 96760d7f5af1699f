import { type Scenario, USUAL } from '../scenario.ts';
import type { Row, Subject } from './row.ts';

// What grows with what: Sluice against itself, more of one thing at a time.

function points<K extends keyof Scenario>(axis: K, values: readonly Scenario[K][], more: (value: Scenario[K]) => Partial<Scenario> = () => ({})): Subject[] {
  return values.map((value) => ({ label: `${axis} ${value}`, contender: 'sluice', scenario: { ...USUAL, [axis]: value, ...more(value) } }));
}

/** A curve has as many points as another row has rounds. */
const ROUNDS = 3;

export function scalingRows(): Row[] {
  const row = (name: string, title: string, axis: keyof Scenario, subjects: Subject[]): Row => ({ kind: 'drain', name, title, axis, subjects, rounds: ROUNDS });
  return [
    // Each of them is known before the measuring begins: what the first message of a device costs comes once.
    row(
      'devices',
      'Known devices that take turns',
      'devices',
      points('devices', [100, 1, 10_000, 100_000], () => ({ warmUp: 120_000 })),
    ),
    row('routes', 'Rules in the routing table, ten of them in use', 'routes', points('routes', [10, 100, 1000, 10_000])),
    row(
      'profiles',
      'Profiles, all of them in use by 10,000 devices',
      'profiles',
      points('profiles', [10, 100, 1000, 10_000], () => ({ devices: 10_000 })),
    ),
    // One destination each: with more, a small prefetch is spread over batches that are never full.
    row(
      'prefetch',
      'Prefetch',
      'prefetch',
      points('prefetch', [2000, 200, 500, 1000, 5000], () => ({ sites: 1 })),
    ),
    row(
      'batch',
      'Messages in a batch',
      'batch',
      points('batch', [100, 1, 10, 500, 1000], () => ({ sites: 1 })),
    ),
    row(
      'destinations',
      'Destinations of the readings',
      'sites',
      points('sites', [10, 1, 100], (sites) => ({ ageMs: sites === 100 ? 1000 : 100 })),
    ),
    { ...payloadSizes(), axis: 'bytes', rounds: ROUNDS },
  ];
}

function payloadSizes(): Row {
  const sizes = [128, 1024, 4096, 16_384];
  const scenario = (bytes: number): Scenario => {
    // As many bytes for each, within limits.
    const messages = Math.max(12_000, Math.min(120_000, Math.round(60_000_000 / bytes / 1000) * 1000));
    return { ...USUAL, payload: `json:${bytes}`, bytes, messages, warmUp: messages / 2 };
  };
  return {
    kind: 'drain',
    name: 'payload-size',
    title: 'Bytes of a payload',
    subjects: sizes.flatMap((bytes) =>
      ['sluice', 'floor'].map((contender) => ({ label: `${contender}, ${bytes} bytes`, contender, scenario: scenario(bytes) })),
    ),
  };
}

/** A million messages that wait: whether rate and memory stay as they are. */
export function backlogRow(): Row {
  return {
    kind: 'drain',
    name: 'backlog',
    title: 'A backlog of a million messages',
    rounds: 2,
    subjects: ['floor', 'sluice'].map((contender) => ({ label: contender, contender, scenario: { ...USUAL, warmUp: 60_000, messages: 940_000 } })),
  };
}
