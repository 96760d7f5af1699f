import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { lastLines, run, say } from './say.mjs';

const APT_MS = 10 * 60_000;
const SHORT_MS = 60_000;

// Debian's invoke-rc.d asks this file before it starts a service; 101 means "not allowed" (policy-rc.d, invoke-rc.d(8)).
const POLICY = '/usr/sbin/policy-rc.d';
const MARK = '# Written by the set-up of sluice while it installs rabbitmq-server; may be removed.';

/**
 * Whether apt has no package lists (a fresh container image).
 * @param {readonly string[]} names of files in /var/lib/apt/lists
 */
export function listsEmpty(names) {
  return !names.some((name) => /_Packages(\.\w+)?$/.test(name));
}

/** Names of the files in which apt keeps its package lists. */
export function packageLists() {
  return existsSync('/var/lib/apt/lists') ? readdirSync('/var/lib/apt/lists') : [];
}

/** @param {boolean} sudo */
export function asRoot(sudo) {
  /** @param {string[]} words @param {number} timeoutMs */
  return (words, timeoutMs) => {
    const all = sudo ? ['sudo', '-n', ...words] : words;
    return run(all[0] ?? '', all.slice(1), { timeoutMs });
  };
}

function policyIsOurs() {
  return existsSync(POLICY) && readFileSync(POLICY, 'utf8').includes(MARK);
}

/**
 * `apt-get install rabbitmq-server`, without its service: neither started now nor at the next boot. Answers undefined,
 * or what went wrong.
 * @param {boolean} sudo
 * @returns {Promise<string | undefined>}
 */
export async function installWithApt(sudo) {
  say(`installs RabbitMQ from the distribution: ${sudo ? 'sudo ' : ''}apt-get install rabbitmq-server (about 60 MB; its system service stays off)`);
  const root = asRoot(sudo);
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120'];
  const install = [...apt, 'install', '-y', '--no-install-recommends', 'rabbitmq-server'];
  const update = [...apt, 'update'];

  // One of the administrator's own is respected; one that a crashed run of ours left is replaced.
  const policy = !existsSync(POLICY) || policyIsOurs();
  const stay = () => undefined;
  // Ctrl-C reaches apt-get as well; it ends, `run` answers, and the clean-up below happens.
  process.on('SIGINT', stay);
  process.on('SIGTERM', stay);
  try {
    if (policy) {
      const written = await root(['sh', '-c', `printf '%s\\n' '#!/bin/sh' '${MARK}' 'exit 101' > ${POLICY} && chmod 755 ${POLICY}`], SHORT_MS);
      if (written.code !== 0) return `could not write ${POLICY}:\n${lastLines(written.output, 3)}`;
    }
    const fresh = listsEmpty(packageLists());
    if (fresh) {
      const updated = await root(update, APT_MS);
      if (updated.code !== 0) return `apt-get update failed:\n${lastLines(updated.output, 5)}`;
    }
    let installed = await root(install, APT_MS);
    if (installed.code !== 0 && !fresh) {
      // Old lists name packages that the mirror has replaced meanwhile.
      const updated = await root(update, APT_MS);
      if (updated.code === 0) installed = await root(install, APT_MS);
    }
    if (installed.code !== 0) return `apt-get install rabbitmq-server failed:\n${lastLines(installed.output, 8)}`;
    const disabled = await root(['systemctl', 'disable', 'rabbitmq-server'], SHORT_MS);
    if (disabled.code !== 0) await root(['update-rc.d', 'rabbitmq-server', 'disable'], SHORT_MS);
    return undefined;
  } finally {
    if (policy && policyIsOurs()) await root(['rm', '-f', POLICY], SHORT_MS);
    process.removeListener('SIGINT', stay);
    process.removeListener('SIGTERM', stay);
  }
}
