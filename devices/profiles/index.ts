import { alarmButton } from './alarm-button.ts';
import { gpsTracker } from './gps-tracker.ts';
import { powerMeter } from './power-meter.ts';
import { thermostat } from './thermostat.ts';
import { vibrationSensor } from './vibration-sensor.ts';
import type { Profile } from './profile.ts';

/** In the order in which a fleet deals them out to its devices. */
export const PROFILES: readonly Profile[] = [thermostat, powerMeter, gpsTracker, vibrationSensor, alarmButton];

/** Undefined where no profile has this name. */
export function profileOf(kind: string): Profile | undefined {
  return PROFILES.find((profile) => profile.kind === kind);
}
