import { between, normal } from '../random.ts';
import { round } from './profile.ts';
import type { Profile } from './profile.ts';

const METRES_PER_DEGREE = 111_320;

/** A vehicle on a closed round of some kilometres, with metres of noise, and now and then a fix that is lost. */
export const gpsTracker: Profile = {
  kind: 'gps-tracker',
  create(traits) {
    const latitude = between(traits, 45, 55);
    const longitude = between(traits, 5, 15);
    const radius = between(traits, 1000, 8000);
    const lapMs = between(traits, 900_000, 3_600_000);
    const altitude = between(traits, 50, 600);
    const shape = between(traits, 0.4, 1);
    const phase = traits();
    const eastScale = METRES_PER_DEGREE * Math.cos((latitude * Math.PI) / 180);
    return (tMs, rng) => {
      const a = 2 * Math.PI * ((tMs / lapMs + phase) % 1);
      const noise = 3 * normal(rng);
      const rate = (2 * Math.PI) / (lapMs / 1000);
      const east = -radius * rate * Math.sin(a);
      const north = radius * shape * rate * Math.cos(a);
      const fix = rng() >= 0.01;
      const satellites = fix ? 5 + Math.floor(rng() * 9) : Math.floor(rng() * 4);
      if (!fix) {
        // Latitude and longitude belong together: without a fix neither is sent.
        return { values: { fix, satellites } };
      }
      return {
        values: {
          fix,
          satellites,
          latitude: round(latitude + (radius * shape * Math.sin(a) + noise) / METRES_PER_DEGREE, 6),
          longitude: round(longitude + (radius * Math.cos(a) + noise) / eastScale, 6),
          altitude: round(altitude + 20 * Math.sin(3 * a) + noise, 1),
          speed: round(Math.hypot(east, north), 2),
          heading: round(((Math.atan2(east, north) * 180) / Math.PI + 360) % 360, 1),
        },
      };
    };
  },
};
