/**
 * Every way a message or a batch can fail, decided where the fault is born and never from message text.
 *
 * `retryable`: holding and trying again may help. `permanent`: this input will never pass; it is dead-lettered.
 * The table is the documentation (docs/faults.md is generated from it) and is tested to be total.
 */
export const FAULTS = {
  DECODE_INVALID: { kind: 'permanent', stage: 'decode', doc: 'The payload is not well-formed in the format of its profile.' },
  INVALID_UTF8: { kind: 'permanent', stage: 'decode', doc: 'The payload must be UTF-8 and is not.' },
  LIMIT_BYTES: { kind: 'permanent', stage: 'decode', doc: 'The payload is longer than `limits.messageBytes`.' },
  LIMIT_DEPTH: { kind: 'permanent', stage: 'decode', doc: 'The payload is nested deeper than `limits.depth`.' },
  LIMIT_FIELDS: { kind: 'permanent', stage: 'decode', doc: 'The payload has more fields than `limits.fields`.' },
  LIMIT_READINGS: { kind: 'permanent', stage: 'normalise', doc: 'One message holds more readings than `limits.readingsPerMessage`.' },
  NUMBER_OUT_OF_RANGE: {
    kind: 'permanent',
    stage: 'decode',
    doc: 'A number is too large for a double (it would become infinity), or an integer has more than 40 digits.',
  },
  UNSUPPORTED_ENCODING: { kind: 'permanent', stage: 'decode', doc: 'The content encoding is not one that the profile accepts.' },
  SPARKPLUG_NO_BIRTH: {
    kind: 'permanent',
    stage: 'decode',
    doc: 'Sparkplug data whose names or types are in a birth that the gateway has not seen. The node is asked for it; replay the dead letter afterwards.',
  },
  SPARKPLUG_UNKNOWN_ALIAS: {
    kind: 'permanent',
    stage: 'decode',
    doc: 'Sparkplug data whose aliases are all unlike those in the birth of its device. The node is asked for a new one; replay the dead letter afterwards.',
  },
  BAD_TOPIC: {
    kind: 'permanent',
    stage: 'normalise',
    doc: 'The topic is empty or holds characters that no device name may hold (control characters, U+FFFD, wildcards).',
  },
  NO_PROFILE: { kind: 'permanent', stage: 'normalise', doc: 'No profile has a topic template that matches.' },
  SCHEMA_MISMATCH: { kind: 'permanent', stage: 'normalise', doc: 'The payload is well-formed but not shaped as its profile says.' },
  DEVICE_MISSING: { kind: 'permanent', stage: 'normalise', doc: 'Neither topic nor payload names the device.' },
  NO_VALUES: { kind: 'permanent', stage: 'normalise', doc: 'No value is left: the payload is empty or holds only nulls and excluded fields.' },
  NO_ROUTE: { kind: 'permanent', stage: 'route', doc: 'No route takes this reading.' },
  ROUTE_INVALID: {
    kind: 'permanent',
    stage: 'route',
    doc: 'The routing key or a header that the route builds for this reading is not legal in AMQP (longer than 255 bytes).',
  },
  REPLAY_MISMATCH: {
    kind: 'permanent',
    stage: 'route',
    doc: 'A dead letter of one reading was replayed, and under the settings of today its message holds another number of readings, or its route does not take it any more. Replay it with `--whole` to send all of the message everywhere.',
  },
  TOO_LARGE: { kind: 'permanent', stage: 'publish', doc: 'A single reading is larger than the broker accepts in one message.' },
  ENCODE_FAILED: { kind: 'permanent', stage: 'publish', doc: 'The encoder or the AMQP client refuses this reading.' },
  LANE_FULL: { kind: 'permanent', stage: 'publish', doc: 'The destination is held, its lane is full, and the route says `overflow: dead-letter`.' },
  HELD_TOO_LONG: { kind: 'permanent', stage: 'publish', doc: "The destination could not be reached within the route's `buryAfterSeconds`." },
  CRASH_LOOP: {
    kind: 'permanent',
    stage: 'receive',
    doc: 'The broker delivered the message more often than `source.maxDeliveries` without getting an answer, or the gateway has ended on it three times (`edge.mode: direct`).',
  },
  NOT_CONNECTED: { kind: 'retryable', stage: 'publish', doc: 'No connection or channel to publish on, or it was lost before the confirm.' },
  BLOCKED: { kind: 'retryable', stage: 'publish', doc: 'The broker blocks publishers (memory or disk alarm).' },
  BROKER_NACK: {
    kind: 'retryable',
    stage: 'publish',
    doc: 'The broker refused responsibility for the message (basic.nack): a queue is full or its leader is gone.',
  },
  CONFIRM_TIMEOUT: { kind: 'retryable', stage: 'publish', doc: 'No confirm came in time; the channel is closed and the message sent again.' },
  UNROUTABLE: { kind: 'retryable', stage: 'publish', doc: 'The exchange does not exist, or no queue is bound for the routing key.' },
  ACCESS_REFUSED: { kind: 'retryable', stage: 'publish', doc: "The gateway's user may not write to the exchange." },
} as const satisfies Record<string, { kind: 'retryable' | 'permanent'; stage: Stage; doc: string }>;

export type Stage = 'receive' | 'decode' | 'normalise' | 'route' | 'publish';
export type FaultCode = keyof typeof FAULTS;

export interface Fault {
  readonly kind: 'retryable' | 'permanent';
  readonly code: FaultCode;
  readonly stage: Stage;
  readonly message: string;
  readonly cause?: unknown;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

/** A fault of this code. `message` is one line for a person; it may quote the input, so callers cut it short. */
export function fault(code: FaultCode, message: string, cause?: unknown): Fault {
  const { kind, stage } = FAULTS[code];
  return cause === undefined ? { kind, code, stage, message } : { kind, code, stage, message, cause };
}

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function failed(code: FaultCode, message: string, cause?: unknown): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault: fault(code, message, cause) };
}
