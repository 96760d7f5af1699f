import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultCodecs } from '../../../src/codec/registry.ts';
import { Decoder } from '../../../src/pipeline/trial-decoder.ts';
import { DEFAULT_LIMITS } from '../../../src/domain/profile.ts';
import { loadSettings } from '../../../src/settings/load.ts';
import { temporaryFolder } from './support.ts';

export const PROFILES = join(import.meta.dirname, '..', '..', '..', 'config', 'profiles');

/** As little as settings may hold besides the profile. */
const SETTINGS = (profile: string): object => ({
  rabbitmq: { url: 'amqp://localhost' },
  profileFiles: [profile],
  exchanges: [{ name: 'out', type: 'topic' }],
  queues: [{ name: 'out', bindings: [{ exchange: 'out', routingKey: '#' }] }],
  routes: [{ name: 'out', exchange: 'out', routingKey: '{profile}' }],
});

/** What a gateway with the shipped profile of that name makes of messages. */
export async function decoderFor(name: string): Promise<Decoder> {
  const folder = temporaryFolder();
  const file = folder.path('settings.yaml');
  writeFileSync(file, JSON.stringify(SETTINGS(join(PROFILES, `${name}.yaml`))));
  const loaded = await loadSettings(file, {}, { codecs: defaultCodecs().names });
  folder.remove();
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return new Decoder(loaded.settings.profiles, defaultCodecs(), DEFAULT_LIMITS);
}
