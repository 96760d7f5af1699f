import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { installWithApt } from './apt.mjs';
import { run, SetupError, say } from './say.mjs';

/** The same list that the private node uses, so that what is found here is found there. */
const PLACES = new URL('../local/rabbit-places.json', import.meta.url);
const DOCKER_MS = 8000;

/**
 * Expands one `*` in one path level.
 * @param {string} pattern
 * @returns {string[]}
 */
function expand(pattern) {
  const star = pattern.indexOf('*');
  if (star === -1) return [pattern];
  const folder = pattern.slice(0, pattern.lastIndexOf('/', star));
  const prefix = pattern.slice(folder.length + 1, star);
  const end = pattern.indexOf('/', star);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => `${folder}/${name}${end === -1 ? '' : pattern.slice(end)}`);
}

/**
 * Whether the server's own scripts lie in the folder. Debian's /usr/sbin/rabbitmq-server does not count: it is a
 * wrapper for the system's own node.
 * @param {string} folder
 */
function holdsServer(folder) {
  const server = join(folder, 'rabbitmq-server');
  if (!existsSync(server)) return false;
  const real = realpathSync(server);
  return basename(real) !== 'rabbitmq-script-wrapper' && existsSync(join(dirname(real), 'rabbitmqctl'));
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {boolean}
 */
export function rabbitInstalled(env) {
  const home = env['SLUICE_RABBITMQ_HOME'];
  if (home !== undefined && home !== '') return [home, join(home, 'sbin'), join(home, 'bin')].some(holdsServer);
  /** @type {{ folders: string[] }} */
  const places = JSON.parse(readFileSync(PLACES, 'utf8'));
  const path = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...places.folders.flatMap(expand), ...path, '/opt/homebrew/bin', '/usr/local/bin'].some(holdsServer);
}

/**
 * True when nothing has to be fetched or asked: the quick answer of every run but the first.
 * @param {NodeJS.ProcessEnv} env
 */
export function brokerAtHand(env) {
  return (env['SLUICE_AMQP_URL'] ?? '') !== '' || rabbitInstalled(env);
}

/**
 * @typedef {object} Machine
 * @property {boolean} external the user named a broker (SLUICE_AMQP_URL)
 * @property {boolean} installed
 * @property {boolean} homeGiven the user said where the server lies (SLUICE_RABBITMQ_HOME): nothing is installed then
 * @property {boolean} debian Debian or one of its kin, with apt-get
 * @property {'root' | 'sudo' | undefined} rights
 * @property {() => Promise<boolean>} docker whether an engine answers; asked only when it matters
 */

/**
 * Ways to a RabbitMQ, best first; each is tried until one works. Empty: there is none.
 * @param {Machine} machine
 * @returns {Promise<('external' | 'installed' | 'apt' | 'docker')[]>}
 */
export async function waysToRabbit(machine) {
  if (machine.external) return ['external'];
  if (machine.installed) return ['installed'];
  /** @type {('apt' | 'docker')[]} */
  const ways = [];
  if (machine.debian && machine.rights !== undefined && !machine.homeGiven) ways.push('apt');
  if (await machine.docker()) ways.push('docker');
  return ways;
}

/**
 * @param {string} osRelease text of /etc/os-release
 */
export function isDebianLike(osRelease) {
  return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(osRelease);
}

/**
 * Text for somebody who has to do it by hand.
 * @param {NodeJS.Platform} platform
 */
export function instructions(platform) {
  const apt = '  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y rabbitmq-server && sudo systemctl disable --now rabbitmq-server';
  const brew = '  macOS:           brew install rabbitmq';
  const docker = '  Docker:          start the engine (macOS: open -a Docker; Linux: sudo systemctl start docker); the rest happens by itself';
  const own = '  Your own broker: SLUICE_AMQP_URL=amqp://user:password@host:5672 SLUICE_MQTT_URL=mqtt://host:1883 npm start';
  const lines = platform === 'darwin' ? [brew, docker, apt, own] : [apt, docker, brew, own];
  return ['RabbitMQ is needed and was not found. One of these, then the same command again:', ...lines].join('\n');
}

/** @returns {Promise<boolean>} whether a Docker engine answers (the client alone is not enough) */
export async function dockerAnswers() {
  const ran = await run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: DOCKER_MS });
  return ran.code === 0 && /^\d+\./m.test(ran.output);
}

/** @returns {Promise<'root' | 'sudo' | undefined>} */
export async function rightsHere() {
  if (process.getuid?.() === 0) return 'root';
  return (await run('sudo', ['-n', 'true'], { timeoutMs: 5000 })).code === 0 ? 'sudo' : undefined;
}

/** Whether this is Debian or one of its kin, with apt-get. */
export function debianHere() {
  return existsSync('/usr/bin/apt-get') && existsSync('/etc/os-release') && isDebianLike(readFileSync('/etc/os-release', 'utf8'));
}

/** @param {NodeJS.ProcessEnv} env */
async function lookAround(env) {
  const debian = debianHere();
  const installed = rabbitInstalled(env);
  return {
    external: (env['SLUICE_AMQP_URL'] ?? '') !== '',
    installed,
    homeGiven: (env['SLUICE_RABBITMQ_HOME'] ?? '') !== '',
    debian,
    rights: debian && !installed ? await rightsHere() : undefined,
    docker: dockerAnswers,
  };
}

/**
 * Sees to it that a RabbitMQ can be used, or throws with what to do.
 * @param {NodeJS.ProcessEnv} env
 */
export async function provideBroker(env) {
  const machine = await lookAround(env);
  for (const way of await waysToRabbit(machine)) {
    if (way === 'external' || way === 'installed') return;
    if (way === 'docker') {
      say('no RabbitMQ server here: uses Docker (image rabbitmq:4-management; the first start pulls it)');
      return;
    }
    const failure = await installWithApt(machine.rights === 'sudo');
    if (failure === undefined && rabbitInstalled(env)) return;
    say(failure ?? 'apt-get ended well, but no rabbitmq-server came with it');
  }
  const home = machine.homeGiven ? `SLUICE_RABBITMQ_HOME=${env['SLUICE_RABBITMQ_HOME']} holds no rabbitmq-server.\n` : '';
  throw new SetupError(home + instructions(process.platform));
}
