import { type Scenario, USUAL } from '../scenario.ts';
import type { Row, Subject } from './row.ts';

function trio(scenario: Scenario): Subject[] {
  return ['floor', 'sluice', 'shovel'].map((contender) => ({ label: contender, contender, scenario }));
}

/** So much longer where it takes seconds: V8 compiles for some of them, and for Sluice more than for the floor. */
const LONGER = 3;

function longer(subjects: Subject[]): Subject[] {
  return subjects.map((subject) => {
    const { warmUp, messages } = subject.scenario;
    // Shovel has nothing to warm up, and is a fifth as fast.
    return subject.contender === 'shovel' ? subject : { ...subject, scenario: { ...subject.scenario, warmUp: warmUp * LONGER, messages: messages * LONGER } };
  });
}

function pair(scenario: Scenario): Subject[] {
  return trio(scenario).slice(0, 2);
}

/** The whole way at full speed, against the floor and against Shovel: the row that the others are about. Then other queues and payloads. */
export function throughputRows(): Row[] {
  const row = (name: string, title: string, subjects: Subject[]): Row => ({ kind: 'drain', name, title, subjects });
  return [
    row('throughput', 'Small JSON, quorum queues', longer(trio(USUAL))),
    row('classic', 'Small JSON, classic queues', trio({ ...USUAL, queueType: 'classic' })),
    row('json-1k', 'JSON of 1 kB, quorum queues', pair({ ...USUAL, payload: 'json:1024' })),
    row('senml', 'SenML packs of 20 records, quorum queues', pair({ ...USUAL, payload: 'senml' })),
    row('sparkplug', 'Sparkplug B data by alias, quorum queues', pair({ ...USUAL, payload: 'sparkplug' })),
    row('line-protocol', 'Line protocol, quorum queues', pair({ ...USUAL, payload: 'line-protocol' })),
  ];
}
