import type { EpochMs } from './message.ts';

/** A value as the device sent it. Integers beyond 2^53 are bigint, so nothing is rounded silently. */
export type Value = number | bigint | boolean | string;

/**
 * Why a reader may want to look twice at a reading. Closed: a new flag needs its line in docs/wire-format.md.
 *
 * - `arrival-id`: the payload carries neither time nor sequence number, so the id names this arrival and is never deduplicated
 * - `no-device-time`: measuredAt is the gateway's receive time
 * - `time-invalid`: a device time was there and could not be read; receive time was used
 * - `clock-unset`: the device time is before 2000 (unset clock or uptime); receive time was used
 * - `future`: the device time lies further ahead than the profile tolerates; kept as sent
 * - `late`: the device time lies further back than the profile tolerates; kept as sent
 * - `no-zone`: the time had no zone and the profile's zone was used
 * - `duplicate-key`: an object in the payload named a key twice; the last value won
 * - `device-mismatch`: topic and payload name different devices; the topic won
 * - `bom`: a UTF-8 byte-order mark stood before the payload
 * - `stale`: the device or its gateway is known to be gone; these are its last values
 * - `historical`: the device sends it after the fact, from its own memory
 * - `sentinel`: a value was left out because it is one that the profile names as a fault code of the device
 * - `out-of-range`: a value lies outside the profile's range; kept as sent (left out only if a conversion makes it infinite)
 * - `type-changed`: a value has another type than the last one of that device and name
 * - `bad-quality`: the device says of a value that it is not good
 * - `gap`: something that the device sent is missing: messages before this one, or values of it that could not be understood
 * - `payload-unread`: the bytes of the device stay as they came, or a value in them is left out: the layout that the profile names does not know them
 */
export type Flag =
  | 'arrival-id'
  | 'no-device-time'
  | 'time-invalid'
  | 'clock-unset'
  | 'future'
  | 'late'
  | 'no-zone'
  | 'duplicate-key'
  | 'device-mismatch'
  | 'bom'
  | 'stale'
  | 'historical'
  | 'sentinel'
  | 'out-of-range'
  | 'type-changed'
  | 'bad-quality'
  | 'gap'
  | 'payload-unread';

/** What one device measured at one instant. May hold several values: latitude and longitude belong together. */
export interface Reading {
  /** Stable across redeliveries unless flagged `arrival-id`. */
  readonly id: string;
  readonly device: string;
  readonly profile: string;
  readonly topic: string;
  readonly measuredAt: EpochMs;
  readonly receivedAt: EpochMs;
  /** Prototype-less object: `__proto__` and `toString` are names like any other. Never empty. */
  readonly values: Readonly<Record<string, Value>>;
  readonly units: Readonly<Record<string, string>> | undefined;
  readonly tags: Readonly<Record<string, string>> | undefined;
  readonly flags: readonly Flag[] | undefined;
}
