import type { EpochMs } from './message.ts';

/** ISO 8601 with a zone, or a date alone (midnight UTC). Without a zone a time means something else on every machine. */
const INSTANT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** A time that a person wrote (not a device: see device-time.ts); undefined where it is none. */
export function isoInstant(text: string): EpochMs | undefined {
  const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
