import { Device, Instrument } from './device.ts';
import { Replay } from './csv.ts';
import { FAULT_KINDS } from './faults.ts';
import { formatOf } from './formats/index.ts';
import { DialectSpeaker } from './formats/speaker.ts';
import { FleetError } from './options.ts';
import { ListPlan, TurnPlan } from './plan.ts';
import { PROFILES, profileOf } from './profiles/index.ts';
import { pick, stream } from './random.ts';
import type { Speaker } from './device.ts';
import type { Format, Presence } from './formats/format.ts';
import type { FleetOptions } from './options.ts';
import type { Plan } from './plan.ts';
import type { Profile } from './profiles/profile.ts';

/** What one connection carries. */
export interface Crew {
  /** MQTT client id. */
  readonly clientId: string;
  /** What the connection says of itself: of the device, or of the hub that its devices share. */
  readonly presence: Presence | undefined;
  readonly plan: Plan;
  readonly speakers: readonly Speaker[];
}

function profilesOf(kinds: readonly string[] | undefined, format: Format | undefined): Profile[] {
  const known = PROFILES.filter(({ kind }) => format === undefined || format.kinds.includes(kind));
  return (kinds ?? known.map(({ kind }) => kind)).map((kind) => {
    const profile = profileOf(kind);
    if (profile === undefined || !known.includes(profile)) {
      const where = format === undefined ? '' : ` in the format ${format.name}`;
      throw new FleetError('options', `no profile ${JSON.stringify(kind)}${where}; there are: ${known.map((other) => other.kind).join(', ')}`);
    }
    return profile;
  });
}

/** Native: the same words for a device and for a hub. Not retained, so that a consumer that starts later is not told old news. */
function nativePresence(site: string, name: string): Presence {
  return { topic: `devices/${site}/${name}/status`, online: '{"status":"online"}', offline: '{"status":"offline"}' };
}

/**
 * Who is in the fleet, and on which connection. MQTT has one will per connection [MQTT-3.1.2-8], so devices that share
 * a connection stand behind a hub, and it is the hub whose status is known.
 */
export function populate(options: FleetOptions, site: string): Crew[] {
  const { seed = 1, audit = false, firstSeq = 1, prefix = '', faultShare = 0.05, series } = options;
  const count = options.devices ?? (series === undefined ? 10 : 0);
  const format = options.format === undefined ? undefined : formatOf(options.format);
  const profiles = profilesOf(options.profiles, format);
  const qosOf = (name: string): 0 | 1 => (options.qos === 'mix' ? (stream(seed, `${name} qos`)() < 0.5 ? 0 : 1) : (options.qos ?? 1));

  const devices: Speaker[] = [];
  for (let i = 0; i < count; i += 1) {
    const profile = profiles[i % profiles.length];
    if (profile === undefined) {
      throw new FleetError('options', 'the list of profiles is empty');
    }
    const { kind } = profile;
    const name = `${prefix}${kind}-${String(i + 1).padStart(4, '0')}`;
    const luck = stream(seed, `${name} fault`);
    const fault = luck() < faultShare ? pick(luck, FAULT_KINDS) : undefined;
    const qos = qosOf(name);
    devices.push(
      format === undefined
        ? new Device(profile, seed, fault, { site, name, qos, audit, firstSeq })
        : new DialectSpeaker(format, new Instrument(profile, seed, fault, `${site}/${name}`), { site, name, kind, qos, seed, firstSeq }),
    );
  }

  const connections = Math.min(count, options.connections ?? 1000);
  const members: number[][] = Array.from({ length: connections }, () => []);
  for (let i = 0; i < count; i += 1) {
    members[i % connections]?.push(i);
  }
  const intervalMs = options.rate === undefined ? (options.intervalMs ?? 1000) : (count * 1000) / options.rate;
  const limit = options.messages ?? Number.POSITIVE_INFINITY;
  const presenceOf = (name: string, speakers: readonly Speaker[]): Presence | undefined => {
    const only = speakers.length === 1 ? speakers[0] : undefined;
    return format === undefined ? nativePresence(site, name) : format.presence(only instanceof DialectSpeaker ? only.device : undefined);
  };
  const crew = (name: string, plan: Plan, speakers: readonly Speaker[]): Crew => ({
    clientId: `${site}-${name}`,
    presence: presenceOf(name, speakers),
    plan,
    speakers,
  });
  const crews = members.map((indices, i) => {
    const speakers = indices.map((index) => devices[index] as Speaker);
    const first = speakers[0] as Speaker;
    const name = speakers.length === 1 ? first.id.slice(site.length + 1) : `${prefix}hub-${String(i + 1).padStart(4, '0')}`;
    return crew(name, new TurnPlan(indices, count, intervalMs, limit), speakers);
  });
  if (series !== undefined) {
    const name = `${prefix}replay-0001`;
    crews.push(crew(name, new ListPlan(series.times), [new Replay(series, { site, name, qos: options.qos === 0 ? 0 : 1, audit, firstSeq })]));
  }
  return crews;
}
