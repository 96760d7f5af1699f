import { join, resolve } from 'node:path';
import { PrivateSite } from '../../src/verify/site.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** The build: a gateway under test is a process, as a user's is. */
export const GATEWAY = join(ROOT, 'dist/src/main.js');

/** A broker and a gateway process of a test's own: what may be killed must not be shared. */
export type Rig = PrivateSite;

export const Rig = {
  /**
   * `settingsFile`: relative to the project's root; or writes one into the rig's folder and answers its path. The gateway reads a
   * copy of it: for other settings write `rig.copy`.
   * `conf`: more lines for rabbitmq.conf. `edge`: with an edge for devices, a process of its own that is not started, or the gateway itself.
   */
  async start(settingsFile: string | ((dir: string) => string), conf: readonly string[] = [], edge?: 'edge' | 'direct'): Promise<Rig> {
    const settings = typeof settingsFile === 'string' ? resolve(ROOT, settingsFile) : settingsFile;
    return await PrivateSite.start({ settings, root: join(ROOT, '.sluice'), prefix: 'test-', gateway: GATEWAY, conf, edge });
  },
};
