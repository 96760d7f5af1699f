import { between, normal } from '../random.ts';
import { daily, DAY_MS, round } from './profile.ts';
import type { Profile } from './profile.ts';

/** Room temperature with a daily cycle, a sensor that drifts a few hundredths of a degree a day, and a heater that follows it. */
export const thermostat: Profile = {
  kind: 'thermostat',
  create(traits) {
    const mean = between(traits, 19, 22);
    const swing = between(traits, 1, 3);
    const humidity = between(traits, 35, 60);
    const driftPerDay = between(traits, -0.03, 0.03);
    const setpoint = 18 + Math.floor(between(traits, 0, 9)) / 2;
    const battery = between(traits, 60, 100);
    return (tMs, rng) => {
      const cycle = daily(tMs, 15);
      // Drift starts again each 30 days, as if the sensor were calibrated then.
      const drift = driftPerDay * ((tMs / DAY_MS) % 30);
      const temperature = mean + swing * cycle + drift + 0.1 * normal(rng);
      return {
        values: {
          temperature: round(temperature, 2),
          humidity: round(Math.min(100, Math.max(0, humidity - 6 * cycle + 0.5 * normal(rng))), 1),
          setpoint,
          heating: temperature < setpoint,
          battery: round(battery - ((tMs / DAY_MS) % 30) * 0.2, 1),
        },
      };
    };
  },
};
