import { outputTypeOf, type Scenario, USUAL } from '../scenario.ts';
import type { Row, Subject } from './row.ts';

/** Devices over MQTT: 50 connections of 20 devices each, which may have so many messages on their way that they never wait. */
const LIVE: Scenario = { ...USUAL, payload: 'stamped', devices: 1000, clients: 50, window: 1000, seconds: 12, warmUp: 0, messages: 0 };
const AGE_MS = 100;

function subjects(rate: number): Subject[] {
  const one: Scenario = { ...LIVE, rate, batch: 1 };
  const ageless: Scenario = { ...LIVE, rate, ageMs: 0 };
  const toClassic = (scenario: Scenario): Scenario => ({ ...scenario, outputType: 'classic' });
  return [
    { label: 'plain consumer', contender: 'plain', scenario: one },
    { label: 'floor, one by one', contender: 'floor', scenario: one },
    { label: 'Sluice, one by one', contender: 'sluice', scenario: one },
    { label: 'Sluice, age 0', contender: 'sluice', scenario: ageless },
    { label: `Sluice, batches of 100, ${AGE_MS} ms`, contender: 'sluice', scenario: { ...LIVE, rate, ageMs: AGE_MS } },
    { label: 'floor, one by one, to a classic queue', contender: 'floor', scenario: toClassic(one) },
    { label: 'Sluice, age 0, to a classic queue', contender: 'sluice', scenario: toClassic(ageless) },
  ];
}

/** From the device to the consumer at fixed rates, beside a consumer that stands at the ingest queue itself, which is a quorum queue in all of them. */
export function latencyRows(): Row[] {
  return [500, 2000, 8000].map((rate) => ({
    kind: 'latency',
    name: `latency-${rate}`,
    title: `From device to consumer at ${rate.toLocaleString('en-US')} messages a second`,
    subjects: subjects(rate),
  }));
}

/**
 * Of a message that passes two quorum queues the disk has its part twice, and no gateway can change it. Without batches for company and without
 * classic queues, which wait for no disk.
 */
export function memoryLatencyRow(): Row {
  const rate = 2000;
  return {
    kind: 'latency',
    name: `latency-${rate}-memory`,
    title: `From device to consumer at ${rate.toLocaleString('en-US')} messages a second, with the data of the broker in memory`,
    memory: true,
    subjects: subjects(rate).filter(({ scenario }) => outputTypeOf(scenario) === 'quorum' && (scenario.batch === 1 || scenario.ageMs === 0)),
  };
}

/** The same way, as fast as the MQTT plugin acknowledges. */
export function mqttRow(): Row {
  const scenario: Scenario = { ...LIVE, devices: 20, clients: 20, window: 20 };
  return {
    kind: 'saturate',
    name: 'mqtt',
    title: 'Twenty MQTT clients as fast as the broker acknowledges',
    subjects: ['plain', 'sluice'].map((contender) => ({ label: contender === 'plain' ? 'plain consumer' : contender, contender, scenario })),
  };
}
