import { round } from '../profiles/profile.ts';
import { jsonMessage, mapped, numberIn } from './format.ts';
import type { Format, FormatMessage } from './format.ts';

/** OwnTracks: locations under owntracks/SITE/NAME, and a transition now and then. Without a fix the phone says nothing. */
export const owntracks: Format = {
  name: 'owntracks',
  kinds: ['gps-tracker'],
  speak(device, timeMs, rng): FormatMessage[] {
    const sample = device.sample(timeMs);
    if (sample === undefined || 'alarm' in sample) {
      return [];
    }
    const { values } = sample;
    const lat = numberIn(values, 'latitude');
    const lon = numberIn(values, 'longitude');
    if (typeof lat !== 'number' || typeof lon !== 'number') {
      return [];
    }
    const topic = `owntracks/${device.site}/${device.name}`;
    const place = { lat, lon, acc: 4 + Math.floor(rng() * 30), tid: device.name.slice(-2), tst: Math.floor(timeMs / 1000) };
    const location = {
      _type: 'location',
      ...place,
      alt: mapped(numberIn(values, 'altitude'), Math.round),
      vac: 3,
      vel: mapped(numberIn(values, 'speed'), (speed) => Math.round(speed * 3.6)),
      cog: mapped(numberIn(values, 'heading'), Math.round),
      batt: 100 - (device.turn % 80),
      bs: 1,
      conn: rng() < 0.3 ? 'w' : 'm',
      t: 'p',
      p: round(100 + rng(), 3),
      m: 1,
    };
    const messages = [jsonMessage(topic, location)];
    if (device.turn % 25 === 24) {
      const event = device.turn % 50 === 24 ? 'enter' : 'leave';
      messages.push(jsonMessage(`${topic}/event`, { _type: 'transition', ...place, wtst: 1_577_836_800, event, desc: 'depot', t: 'c' }));
    }
    return messages;
  },
  presence: (device) => device && { topic: `owntracks/${device.site}/${device.name}`, online: undefined, offline: '{"_type":"lwt","tst":1577836800}' },
};
