import type { Row } from './row.ts';

/** Fewer or more messages (or seconds, with live devices) for every subject; whole batches, so that the last one is full for each of them. */
export function scaled(row: Row, scale: number): Row {
  if (scale === 1) return row;
  return {
    ...row,
    subjects: row.subjects.map((subject) => {
      const { scenario } = subject;
      const whole = (messages: number): number => Math.max(1, Math.round((messages * scale) / scenario.batch)) * scenario.batch;
      if (scenario.seconds !== undefined) return { ...subject, scenario: { ...scenario, seconds: Math.max(1, scenario.seconds * scale) } };
      return { ...subject, scenario: { ...scenario, warmUp: whole(scenario.warmUp), messages: whole(scenario.messages) } };
    }),
  };
}
