export type QueueType = 'quorum' | 'classic';

/** What a contender is put to. Plain data: it goes to child processes and into the result file. */
export interface Scenario {
  /** `json`, `json:BYTES`, `senml`, `sparkplug`, `line-protocol` (load/payloads.ts); `stamped` with live devices (load/stamp.ts). */
  readonly payload: string;
  /** Of the ingest queue, and of the output queue where `outputType` does not say otherwise. */
  readonly queueType: QueueType;
  readonly outputType?: QueueType;
  /** Most messages that are delivered and not acked. */
  readonly prefetch: number;
  /** Messages in one of the output. */
  readonly batch: number;
  /** Longest that a reading waits for company, milliseconds; 0: for none that has not come yet (Sluice). */
  readonly ageMs: number;
  /** Devices, whose messages come in turn. */
  readonly devices: number;
  /** Destinations: each site of devices has a routing key of its own (Sluice). */
  readonly sites: number;
  /** Profiles in the settings, all of them in use (Sluice). */
  readonly profiles: number;
  /** Rules in the settings; ten of them are in use, or one where there are fewer than ten (Sluice). */
  readonly routes: number;
  /** Messages before the measuring begins. */
  readonly warmUp: number;
  /** Messages that are measured; with `warmUp` a multiple of `batch`, or the last batch of a contender that does not look at the clock stays open. */
  readonly messages: number;
  /** Of a payload, where a row is about that. */
  readonly bytes?: number;
  /** Rows with live devices: MQTT connections, which share the devices. */
  readonly clients?: number;
  /** Most messages of one of them without an acknowledgement. */
  readonly window?: number;
  /** Messages a second, of all together. */
  readonly rate?: number;
  /** That are measured, behind a time to warm up (measure/live.ts). */
  readonly seconds?: number;
}

/** What the rows have in common where they do not say otherwise. */
export const USUAL: Scenario = {
  payload: 'json',
  queueType: 'quorum',
  prefetch: 2000,
  batch: 100,
  ageMs: 100,
  devices: 100,
  sites: 10,
  profiles: 1,
  routes: 1,
  warmUp: 60_000,
  messages: 120_000,
};

export function outputTypeOf({ queueType, outputType = queueType }: Scenario): QueueType {
  return outputType;
}

/** All messages of a scenario. */
export function total({ warmUp, messages }: Scenario): number {
  return warmUp + messages;
}

/** Which of the profiles and sites a device belongs to. */
export function homeOf(scenario: Scenario, device: number): { readonly profile: number; readonly site: number } {
  return { profile: device % scenario.profiles, site: device % scenario.sites };
}
