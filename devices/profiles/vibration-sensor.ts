import { between, normal } from '../random.ts';
import { daily, DAY_MS, round } from './profile.ts';
import type { Profile } from './profile.ts';

/** Machine bearing: vibration grows with wear over 60 days until the bearing is changed; faults in the metal give single peaks. */
export const vibrationSensor: Profile = {
  kind: 'vibration-sensor',
  create(traits) {
    const fresh = between(traits, 0.5, 1.5);
    const shaft = between(traits, 24.5, 25);
    const age = between(traits, 0, 60);
    return (tMs, rng) => {
      const wear = ((tMs / DAY_MS + age) % 60) / 60;
      const rms = Math.max(0.01, fresh * (1 + 3 * wear * wear) + 0.05 * normal(rng));
      const knock = rng() < 0.01 + 0.05 * wear ? between(rng, 2, 5) : 1;
      return {
        values: {
          rms: round(rms, 3),
          peak: round(rms * Math.SQRT2 * knock, 3),
          frequency: round(shaft + 0.05 * normal(rng), 2),
          temperature: round(45 + 20 * wear + 3 * daily(tMs, 14) + 0.3 * normal(rng), 1),
          state: wear > 0.9 ? 'worn' : 'ok',
        },
      };
    };
  },
};
