import { hash32 } from './random.ts';
import type { Alarm, Values } from './profiles/profile.ts';

/**
 * Audit marks: a message carries its sequence number and a checksum where both come out downstream.
 * Telemetry has the values `n` and `check`; an alarm has them at the end of its text, ` [n=7 check=123]`,
 * because the gateway passes on only severity, message and active of an alarm.
 */
export interface Mark {
  readonly seq: number;
  /** The checksum fits topic, sequence number and the values that came out. */
  readonly intact: boolean;
}

/**
 * 0..2^32-1 over topic, sequence number and the values by name, without `n`, `check` and nulls (a null says "no value",
 * and what has no value does not come out).
 */
export function checksum(topic: string, seq: number, values: Readonly<Record<string, unknown>>): number {
  const lines = [topic, String(seq)];
  for (const name of Object.keys(values).sort()) {
    const value = values[name];
    if (name !== 'n' && name !== 'check' && value !== null && value !== undefined) {
      lines.push(`${JSON.stringify(name)}=${JSON.stringify(value)}`);
    }
  }
  return hash32(lines.join('\n'));
}

export function markValues(topic: string, seq: number, values: Values): Values {
  return { ...values, n: seq, check: checksum(topic, seq, values) };
}

export function markAlarm(topic: string, seq: number, alarm: Alarm): Alarm {
  return { ...alarm, message: `${alarm.message} [n=${seq} check=${checksum(topic, seq, { ...alarm })}]` };
}

const ALARM_MARK = /^(?<text>.*) \[n=(?<n>\d{1,15}) check=(?<check>\d{1,10})\]$/;

/** Reads the mark from the values of a reading, as they came out downstream. Undefined: it carries none. */
export function readMark(topic: string, values: Readonly<Record<string, unknown>>): Mark | undefined {
  const { n, check } = values;
  if (typeof n === 'number' && typeof check === 'number') {
    return { seq: n, intact: checksum(topic, n, values) === check };
  }
  const found = typeof values['message'] === 'string' ? ALARM_MARK.exec(values['message'])?.groups : undefined;
  if (found === undefined) {
    return undefined;
  }
  const seq = Number(found['n']);
  return { seq, intact: checksum(topic, seq, { ...values, message: found['text'] }) === Number(found['check']) };
}
