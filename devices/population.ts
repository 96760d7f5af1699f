import { Device } from './device.ts';
import { Replay } from './csv.ts';
import { FAULT_KINDS } from './faults.ts';
import { FleetError } from './options.ts';
import { ListPlan, TurnPlan } from './plan.ts';
import { PROFILES, profileOf } from './profiles/index.ts';
import { pick, stream } from './random.ts';
import type { Speaker } from './device.ts';
import type { FleetOptions } from './options.ts';
import type { Plan } from './plan.ts';

/** What one connection carries. */
export interface Crew {
  /** MQTT client id. */
  readonly clientId: string;
  /** Where the connection says online and offline: the device's own topic, or that of the hub that the devices share. */
  readonly statusTopic: string;
  readonly plan: Plan;
  readonly speakers: readonly Speaker[];
}

/**
 * Who is in the fleet, and on which connection. MQTT has one will per connection [MQTT-3.1.2-8], so devices that share
 * a connection stand behind a hub, and it is the hub whose status is known.
 */
export function populate(options: FleetOptions, site: string): Crew[] {
  const { seed = 1, audit = false, firstSeq = 1, prefix = '', faultShare = 0.05, series } = options;
  const count = options.devices ?? (series === undefined ? 10 : 0);
  const profiles = (options.profiles ?? PROFILES.map((profile) => profile.kind)).map((kind) => {
    const profile = profileOf(kind);
    if (profile === undefined) {
      throw new FleetError('options', `no profile ${JSON.stringify(kind)}; there are: ${PROFILES.map((known) => known.kind).join(', ')}`);
    }
    return profile;
  });
  const qosOf = (name: string): 0 | 1 => (options.qos === 'mix' ? (stream(seed, `${name} qos`)() < 0.5 ? 0 : 1) : (options.qos ?? 1));

  const devices: Device[] = [];
  for (let i = 0; i < count; i += 1) {
    const profile = profiles[i % profiles.length];
    if (profile === undefined) {
      throw new FleetError('options', 'the list of profiles is empty');
    }
    const name = `${prefix}${profile.kind}-${String(i + 1).padStart(4, '0')}`;
    const luck = stream(seed, `${name} fault`);
    const fault = luck() < faultShare ? pick(luck, FAULT_KINDS) : undefined;
    devices.push(new Device(profile, seed, fault, { site, name, qos: qosOf(name), audit, firstSeq }));
  }

  const connections = Math.min(count, options.connections ?? 1000);
  const members: number[][] = Array.from({ length: connections }, () => []);
  for (let i = 0; i < count; i += 1) {
    members[i % connections]?.push(i);
  }
  const intervalMs = options.rate === undefined ? (options.intervalMs ?? 1000) : (count * 1000) / options.rate;
  const limit = options.messages ?? Number.POSITIVE_INFINITY;
  const crew = (name: string, plan: Plan, speakers: readonly Speaker[]): Crew => ({
    clientId: `${site}-${name}`,
    statusTopic: `devices/${site}/${name}/status`,
    plan,
    speakers,
  });
  const crews = members.map((indices, i) => {
    const speakers = indices.map((index) => devices[index] as Device);
    const first = speakers[0] as Device;
    const name = speakers.length === 1 ? first.id.slice(site.length + 1) : `${prefix}hub-${String(i + 1).padStart(4, '0')}`;
    return crew(name, new TurnPlan(indices, count, intervalMs, limit), speakers);
  });
  if (series !== undefined) {
    const name = `${prefix}replay-0001`;
    crews.push(crew(name, new ListPlan(series.times), [new Replay(series, { site, name, qos: options.qos === 0 ? 0 : 1, audit, firstSeq })]));
  }
  return crews;
}
