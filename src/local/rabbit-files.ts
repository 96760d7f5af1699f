import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST, type Ports } from './ports.ts';
import { type RabbitInstall, searchPath } from './rabbit-install.ts';

export const PLUGINS: readonly string[] = ['rabbitmq_mqtt', 'rabbitmq_web_mqtt', 'rabbitmq_management', 'rabbitmq_prometheus'];

/** What a run leaves in `<dir>/node.json`, so that the next one can tell a crashed node of ours from a stranger. */
export interface NodeState {
  readonly pid: number;
  readonly epmdPid: number | undefined;
  /** The process that started the node. */
  readonly ownerPid: number;
  readonly ports: Ports;
}

/** A word on the node's command line that no other process carries: pids are reused, this is not. */
export function nodeMark(dir: string): string {
  return `sluice_${createHash('sha256').update(dir).digest('hex').slice(0, 24)}`;
}

/** rabbitmq.conf without its definitions: nobody gets in without a password. Accepted by 3.10 and 4.x. */
export function confLines(host: string, ports: Pick<Ports, 'amqp' | 'mqtt' | 'webMqtt' | 'management' | 'prometheus'>): string[] {
  return [
    `listeners.tcp.local = ${host}:${ports.amqp}`,
    `mqtt.listeners.tcp.local = ${host}:${ports.mqtt}`,
    'mqtt.allow_anonymous = false',
    'mqtt.exchange = amq.topic',
    'mqtt.vhost = /',
    `web_mqtt.tcp.ip = ${host}`,
    `web_mqtt.tcp.port = ${ports.webMqtt}`,
    'web_mqtt.ws_path = /ws',
    `management.tcp.ip = ${host}`,
    `management.tcp.port = ${ports.management}`,
    `prometheus.tcp.ip = ${host}`,
    `prometheus.tcp.port = ${ports.prometheus}`,
    'disk_free_limit.absolute = 50MB',
    'vm_memory_high_watermark.relative = 0.4',
  ];
}

/** rabbitmq.conf of a private node: every listener on loopback. */
export function confText(ports: Ports, extra: readonly string[]): string {
  return [
    ...confLines(HOST, ports),
    // Relative to the working folder of the node, so that blanks and other characters in the path cannot matter.
    'load_definitions = definitions.json',
    'log.console = false',
    'log.file.level = info',
    ...extra,
    '',
  ].join('\n');
}

export interface NodeFiles {
  readonly log: string;
  readonly state: string;
}

export function nodeFiles(dir: string): NodeFiles {
  return { log: join(dir, 'log', 'rabbit.log'), state: join(dir, 'node.json') };
}

function secret(path: string, text: string): void {
  rmSync(path, { force: true });
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}

/** Writes everything the node reads. The cookie and the data of an earlier run stay. */
export function writeNodeFiles(
  dir: string,
  ports: Ports,
  definitions: object,
  plugins: readonly string[],
  extraConf: readonly string[],
  cookie?: string,
): void {
  for (const folder of ['home', 'data', 'log', 'conf.d', 'schema', 'plugins', 'generated']) mkdirSync(join(dir, folder), { recursive: true, mode: 0o700 });
  const cookieFile = join(dir, 'home', '.erlang.cookie');
  if (cookie !== undefined || !existsSync(cookieFile)) secret(cookieFile, cookie ?? randomBytes(24).toString('hex'));
  else chmodSync(cookieFile, 0o600);
  writeFileSync(join(dir, 'rabbitmq.conf'), confText(ports, extraConf));
  writeFileSync(join(dir, 'enabled_plugins'), `[${plugins.join(',')}].\n`);
  writeFileSync(join(dir, 'rabbitmq-env.conf'), '');
  // Password hashes: not for other users of the machine.
  secret(join(dir, 'definitions.json'), JSON.stringify(definitions, undefined, 2));
}

/** The whole environment of the node and of `rabbitmqctl`: nothing of the caller's RABBITMQ_* or NOTIFY_SOCKET gets through. */
export function nodeEnv(dir: string, name: string, ports: Ports, env: NodeJS.ProcessEnv = process.env, erlArgs = ''): NodeJS.ProcessEnv {
  // Erlang's distribution listens on all addresses unless told (kernel application, inet_dist_use_interface).
  const loopback = `-kernel inet_dist_use_interface {${HOST.replaceAll('.', ',')}}`;
  return {
    PATH: searchPath(env),
    LANG: 'C.UTF-8',
    LC_ALL: 'C.UTF-8',
    TZ: env['TZ'],
    HOME: join(dir, 'home'),
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: HOST,
    // No dump of a failed start: it takes a second and as much room as the VM.
    ERL_CRASH_DUMP_SECONDS: '0',
    RABBITMQ_NODENAME: `${name}@localhost`,
    RABBITMQ_DIST_PORT: String(ports.dist),
    RABBITMQ_CONF_ENV_FILE: join(dir, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_CONFIG_FILES: join(dir, 'conf.d'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(dir, 'data'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_LOGS: nodeFiles(dir).log,
    RABBITMQ_PID_FILE: join(dir, 'rabbit.pid'),
    RABBITMQ_SCHEMA_DIR: join(dir, 'schema'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(dir, 'generated'),
    RABBITMQ_PLUGINS_EXPAND_DIR: join(dir, 'plugins'),
    // The script then execs the VM instead of staying in front of it: the pid of the child is the pid of the node,
    // so a SIGKILL reaches the node itself. `-noinput` undoes the other thing that this setting would do.
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_SERVER_START_ARGS: '-noinput',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: `${loopback} ${erlArgs === '' ? '' : `${erlArgs} `}-${nodeMark(dir)} 1`,
    RABBITMQ_CTL_ERL_ARGS: loopback,
  };
}

export function readState(dir: string): NodeState | undefined {
  try {
    const state = JSON.parse(readFileSync(nodeFiles(dir).state, 'utf8')) as Partial<NodeState>;
    if (typeof state.pid !== 'number' || state.ports === undefined) return undefined;
    return { pid: state.pid, epmdPid: state.epmdPid, ownerPid: state.ownerPid ?? 0, ports: state.ports };
  } catch {
    return undefined;
  }
}

/**
 * The lines of a failed start that say why, from the node's log and output together, without time stamps. RabbitMQ
 * prints its reason just before or after the words BOOT FAILED, and pages of supervisor reports behind it.
 */
export function tellingLines(text: string, count: number): string {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\d \S+ \[\w+\] <[^>]*> ?/, '').trimEnd())
    .filter((line) => line.trim() !== '' && !/^=+$/.test(line));
  const failed = lines.indexOf('BOOT FAILED');
  if (failed !== -1) {
    const reports = lines.findIndex((line, index) => index > failed && /^\s*(supervisor|crasher):/.test(line));
    const until = reports === -1 ? lines.length : reports;
    return [...new Set([...lines.slice(Math.max(0, failed - count), failed), ...lines.slice(failed + 1, until)])].slice(0, 2 * count).join('\n');
  }
  const telling = lines.filter((line) => /error|fail|could not|unable|already|cannot|denied/i.test(line));
  return [...new Set(telling.length > 0 ? telling : lines)].slice(-count).join('\n');
}

/** `rabbitmq-server` of an installation. */
export function serverScript(install: RabbitInstall): string {
  return join(install.sbin, 'rabbitmq-server');
}
