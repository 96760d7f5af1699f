import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import places from './rabbit-places.json' with { type: 'json' };

/** Where RabbitMQ's own scripts lie, and the Erlang port mapper beside them. */
export interface RabbitInstall {
  /** Absolute folder that holds `rabbitmq-server` and `rabbitmqctl`. */
  readonly sbin: string;
  /** Absolute path of `epmd`; undefined where none was found (the node then starts one by itself). */
  readonly epmd: string | undefined;
}

// Debian's /usr/sbin/rabbitmq-server is a wrapper that insists on the user `rabbitmq` and on the system's own node.
const WRAPPER = 'rabbitmq-script-wrapper';

/** Expands one `*` in one path level; newest version first. */
function expand(pattern: string): string[] {
  const star = pattern.indexOf('*');
  if (star === -1) return [pattern];
  const slash = pattern.lastIndexOf('/', star);
  const end = pattern.indexOf('/', star);
  const folder = pattern.slice(0, slash);
  const prefix = pattern.slice(slash + 1, star);
  const rest = end === -1 ? '' : pattern.slice(end);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .sort()
    .reverse()
    .map((name) => `${folder}/${name}${rest}`);
}

function usable(folder: string): string | undefined {
  const server = join(folder, 'rabbitmq-server');
  if (!existsSync(server)) return undefined;
  const real = realpathSync(server);
  if (basename(real) === WRAPPER) return undefined;
  // The scripts look for their siblings beside the resolved link.
  return existsSync(join(dirname(real), 'rabbitmqctl')) ? dirname(real) : undefined;
}

/** Folders that Homebrew and others use and that a bare environment lacks. */
export function searchPath(env: NodeJS.ProcessEnv): string {
  const extra = [
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
    '/opt/homebrew/bin',
    '/opt/homebrew/opt/erlang/bin',
    '/usr/local/opt/erlang/bin',
  ];
  const given = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...given, ...extra])].join(delimiter);
}

function findEpmd(env: NodeJS.ProcessEnv): string | undefined {
  const folders = searchPath(env).split(delimiter);
  for (const folder of folders) {
    const direct = join(folder, 'epmd');
    if (existsSync(direct)) return direct;
  }
  for (const folder of folders) {
    const erl = join(folder, 'erl');
    if (!existsSync(erl)) continue;
    // <root>/bin/erl stands beside <root>/erts-<version>/bin/epmd.
    const root = dirname(dirname(realpathSync(erl)));
    for (const bin of expand(`${root}/erts-*/bin`)) if (existsSync(join(bin, 'epmd'))) return join(bin, 'epmd');
  }
  return undefined;
}

/**
 * The RabbitMQ server installed on this machine, or undefined. `SLUICE_RABBITMQ_HOME` (the folder of the unpacked
 * server, or its `sbin`) is the only place looked at when it is set.
 */
export function findRabbit(env: NodeJS.ProcessEnv = process.env): RabbitInstall | undefined {
  const home = env['SLUICE_RABBITMQ_HOME'];
  const folders =
    home !== undefined && home !== ''
      ? [home, join(home, 'sbin'), join(home, 'bin')]
      : [...places.folders.flatMap(expand), ...searchPath(env).split(delimiter)];
  for (const folder of folders) {
    const sbin = usable(folder);
    if (sbin !== undefined) return { sbin, epmd: findEpmd(env) };
  }
  return undefined;
}
