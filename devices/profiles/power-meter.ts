import { between, normal } from '../random.ts';
import { daily, DAY_MS, round } from './profile.ts';
import type { Profile } from './profile.ts';

/** Mains meter: load with a morning-to-evening cycle, and an energy counter that only ever rises. */
export const powerMeter: Profile = {
  kind: 'power-meter',
  create(traits) {
    const base = between(traits, 200, 600);
    const swing = base * between(traits, 0.3, 0.9);
    const peakHour = between(traits, 17, 21);
    const factor = between(traits, 0.85, 0.99);
    const counterAt2020 = between(traits, 100, 5000);
    return (tMs, rng) => {
      const power = Math.max(0, base + swing * daily(tMs, peakHour) + 15 * normal(rng));
      const voltage = 230 + 2 * daily(tMs, 4) + 0.6 * normal(rng);
      // The integral of base + swing * cos(...), so that the counter needs no memory and fits the power it stands beside.
      const days = tMs / DAY_MS - 18_262;
      const turn = (2 * Math.PI * peakHour) / 24;
      const kWh = counterAt2020 + (24 / 1000) * (base * days + (swing / (2 * Math.PI)) * (Math.sin(2 * Math.PI * days - turn) + Math.sin(turn)));
      return {
        values: {
          power: round(power, 1),
          voltage: round(voltage, 1),
          current: round(power / (voltage * factor), 3),
          powerFactor: round(factor, 3),
          energy: round(kWh, 4),
        },
      };
    };
  },
};
