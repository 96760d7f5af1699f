import { defaultCodecs } from '../codec/registry.ts';
import type { ProfileSpec } from '../domain/profile.ts';
import type { TopologyOptions } from '../rabbit/topology.ts';
import type { Settings } from '../settings/load.ts';

/** What the settings say about the broker's objects, in the terms of the one topology table. */
export function topologyOptions(settings: Settings): TopologyOptions {
  const { source, deadLetters, exchanges, queues } = settings;
  return { ingest: source, deadLetters, exchanges, queues, commands: needsState(settings.profiles) };
}

/** Whether a profile's codec remembers earlier messages: it may send commands then, and keeps a state. */
export function needsState(profiles: readonly ProfileSpec[]): boolean {
  const codecs = defaultCodecs();
  return profiles.some((profile) => [profile.codec].flat().some((name) => codecs.get(name)?.stateful === true));
}
