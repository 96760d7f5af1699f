import { Device, Instrument } from './device.ts';
import { Replay } from './csv.ts';
import { FAULT_KINDS } from './faults.ts';
import { dialectOf, formatOf } from './formats/index.ts';
import { SPARKPLUG } from './formats/sparkplug-metrics.ts';
import { SparkplugSession, SparkplugSpeaker } from './formats/sparkplug-session.ts';
import { DialectSpeaker } from './formats/speaker.ts';
import { FleetError } from './options.ts';
import { ListPlan, TurnPlan } from './plan.ts';
import { PROFILES, profileOf } from './profiles/index.ts';
import { pick, stream } from './random.ts';
import { presenceSession } from './session.ts';
import type { Qos, Speaker } from './device.ts';
import type { FaultKind } from './faults.ts';
import type { Dialect, Format, Presence } from './formats/format.ts';
import type { FleetOptions } from './options.ts';
import type { Plan } from './plan.ts';
import type { Profile } from './profiles/profile.ts';
import type { Session } from './session.ts';

/** What one connection carries. */
export interface Crew {
  /** MQTT client id. */
  readonly clientId: string;
  /** What the connection says of itself: of the device, or of the hub that its devices share. */
  readonly session: Session | undefined;
  readonly plan: Plan;
  readonly speakers: readonly Speaker[];
}

/** A device as it is dealt out, before it has a language. */
interface Member {
  readonly name: string;
  readonly profile: Profile;
  readonly fault: FaultKind | undefined;
}

/** The devices of one connection, and what the connection says of itself. */
type Team = Pick<Crew, 'session' | 'speakers'>;

/** What all devices of a fleet have in common. */
interface Common {
  readonly site: string;
  readonly seed: number;
  readonly audit: boolean;
  readonly firstSeq: number;
  /** Of a device, or in Sparkplug of a connection, by name. */
  readonly qosOf: (name: string) => Qos;
}

function profilesOf(kinds: readonly string[] | undefined, format: Dialect | undefined): Profile[] {
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

/** Native: the same words for a device and for a hub. */
function nativePresence(site: string, name: string): Presence {
  return { topic: `devices/${site}/${name}/status`, online: '{"status":"online"}', offline: '{"status":"offline"}' };
}

function nativeTeam(node: string, members: readonly Member[], { site, seed, audit, firstSeq, qosOf }: Common): Team {
  const speakers = members.map(({ name, profile, fault }) => new Device(profile, seed, fault, { site, name, qos: qosOf(name), audit, firstSeq }));
  return { session: presenceSession(nativePresence(site, node)), speakers };
}

function dialectTeam(format: Format, members: readonly Member[], { site, seed, firstSeq, qosOf }: Common): Team {
  const speakers = members.map(({ name, profile, fault }) => {
    const instrument = new Instrument(profile, seed, fault, `${site}/${name}`);
    return new DialectSpeaker(format, instrument, { site, name, kind: profile.kind, qos: qosOf(name), seed, firstSeq });
  });
  const only = speakers.length === 1 ? speakers[0]?.device : undefined;
  return { session: presenceSession(format.presence(only)), speakers };
}

function sparkplugTeam(node: string, members: readonly Member[], { site, seed, firstSeq, qosOf }: Common, clock: () => number): Team {
  const qos = qosOf(node);
  const named = members.map(({ name, profile }) => ({ name, kind: profile.kind }));
  const session = new SparkplugSession({ site, node, members: named, qos, clock });
  const speakers = members.map(({ name, profile, fault }) => {
    const instrument = new Instrument(profile, seed, fault, `${site}/${name}`);
    return new SparkplugSpeaker(session, instrument, { site, name, kind: profile.kind, qos, firstSeq });
  });
  return { session, speakers };
}

/**
 * Who is in the fleet, and on which connection. MQTT has one will per connection [MQTT-3.1.2-8], so devices that share
 * a connection stand behind a hub, and it is the hub whose status is known. `clock`: the devices' time, milliseconds since 1970.
 */
export function populate(options: FleetOptions, site: string, clock: () => number): Crew[] {
  const { seed = 1, audit = false, firstSeq = 1, prefix = '', faultShare = 0.05, series } = options;
  const count = options.devices ?? (series === undefined ? 10 : 0);
  const dialect = options.format === undefined ? undefined : dialectOf(options.format);
  const format = dialect && formatOf(dialect.name);
  const profiles = profilesOf(options.profiles, dialect);
  const { qos = dialect === SPARKPLUG ? 0 : 1 } = options;
  const common: Common = { site, seed, audit, firstSeq, qosOf: (name) => (qos === 'mix' ? (stream(seed, `${name} qos`)() < 0.5 ? 0 : 1) : qos) };

  const connections = Math.min(count, options.connections ?? 1000);
  const members: number[][] = Array.from({ length: connections }, () => []);
  const devices: Member[] = [];
  for (let i = 0; i < count; i += 1) {
    const profile = profiles[i % profiles.length];
    if (profile === undefined) {
      throw new FleetError('options', 'the list of profiles is empty');
    }
    const name = `${prefix}${profile.kind}-${String(i + 1).padStart(4, '0')}`;
    const luck = stream(seed, `${name} fault`);
    devices.push({ name, profile, fault: luck() < faultShare ? pick(luck, FAULT_KINDS) : undefined });
    members[i % connections]?.push(i);
  }

  const intervalMs = options.rate === undefined ? (options.intervalMs ?? 1000) : (count * 1000) / options.rate;
  const limit = options.messages ?? Number.POSITIVE_INFINITY;
  // A connection that subscribes has a queue that is named after its client id, and an account may be held to its own: docs/security.md.
  const account = dialect === SPARKPLUG && options.username !== undefined ? `${options.username}.` : '';
  const clientIdOf = (name: string): string => `${account}${site}-${name}`;
  const teamOf = (name: string, team: readonly Member[]): Team => {
    if (dialect === undefined) {
      return nativeTeam(name, team, common);
    }
    return format === undefined ? sparkplugTeam(name, team, common, clock) : dialectTeam(format, team, common);
  };
  const crews = members.map((indices, i): Crew => {
    const team = indices.map((index) => devices[index] as Member);
    const name = team.length === 1 ? (team[0] as Member).name : `${prefix}hub-${String(i + 1).padStart(4, '0')}`;
    return { clientId: clientIdOf(name), plan: new TurnPlan(indices, count, intervalMs, limit), ...teamOf(name, team) };
  });
  if (series !== undefined) {
    const name = `${prefix}replay-0001`;
    const speakers = [new Replay(series, { site, name, qos: options.qos === 0 ? 0 : 1, audit, firstSeq })];
    crews.push({ clientId: clientIdOf(name), session: presenceSession(nativePresence(site, name)), plan: new ListPlan(series.times), speakers });
  }
  return crews;
}
