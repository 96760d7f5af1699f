import { between, pick } from '../random.ts';
import { DAY_MS, round } from './profile.ts';
import type { Alarm, Profile } from './profile.ts';

const SEVERITIES: readonly Alarm['severity'][] = ['critical', 'warning', 'warning', 'info', 'info'];
const TEXT: Readonly<Record<Alarm['severity'], string>> = {
  critical: 'help needed at once',
  warning: 'attendant called',
  info: 'test press',
};

/** A button on a wall: mostly says that it is alive; one sample in about 25 is a press, and some samples later the release. */
export const alarmButton: Profile = {
  kind: 'alarm-button',
  create(traits) {
    const battery = between(traits, 70, 100);
    const signal = between(traits, -90, -50);
    let pressed: Alarm | undefined;
    let samplesLeft = 0;
    return (tMs, rng) => {
      const noise = rng();
      if (pressed !== undefined && samplesLeft === 0) {
        const released: Alarm = { ...pressed, active: false };
        pressed = undefined;
        return { alarm: released };
      }
      if (pressed === undefined && rng() < 0.04) {
        const severity = pick(rng, SEVERITIES);
        pressed = { severity, message: TEXT[severity], active: true };
        samplesLeft = 1 + Math.floor(rng() * 4);
        return { alarm: pressed };
      }
      samplesLeft = Math.max(0, samplesLeft - 1);
      return {
        values: {
          pressed: pressed !== undefined,
          battery: round(battery - ((tMs / DAY_MS) % 90) * 0.1, 1),
          signal: Math.round(signal + 6 * (noise - 0.5)),
        },
      };
    };
  },
};
