import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, amqpUrlOf, type BrokerNode, BrokerNodeError } from './broker-node.ts';
import { amqpAnswers, assertPortsFree, freePorts, httpAnswers, type Ports, probe, USUAL_PORTS } from './ports.ts';
import { confLines, PLUGINS } from './rabbit-files.ts';
import type { RabbitNodeOptions } from './rabbit-node.ts';

/** RabbitMQ's own image; `-management` carries the plug-ins that we enable. */
export const IMAGE = 'rabbitmq:4-management';

const LABEL = 'sluice.folder';
const READY_MS = 60_000;
const STOP_MS = 20_000;
const SHORT_MS = 30_000;
/** A first pull on a slow line. */
const PULL_MS = 10 * 60_000;
const PROBE_MS = 1000;

/** Ports inside the container; only those that clients use are published, and on loopback alone. */
const INSIDE = { amqp: 5672, mqtt: 1883, webMqtt: 15675, management: 15672, prometheus: 15692 } as const;

interface Ran {
  readonly ok: boolean;
  readonly out: string;
  readonly err: string;
}

async function docker(args: readonly string[], deadlineMs: number): Promise<Ran> {
  return await new Promise((settle) => {
    execFile('docker', [...args], { timeout: deadlineMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const late = error?.killed === true ? `no answer within ${deadlineMs} ms` : '';
      settle({ ok: error === null, out: stdout, err: late || stderr.trim() || (error?.message ?? '') });
    });
  });
}

/** Whether a Docker engine answers; the client alone is not enough. */
export async function dockerAnswers(): Promise<boolean> {
  const ran = await docker(['info', '--format', '{{.ServerVersion}}'], 8000);
  return ran.ok && /^\d+\./m.test(ran.out);
}

/** Arguments of `docker create` for a node; the container keeps nothing that its volume does not. */
export function createArguments(name: string, dir: string, ports: Ports): string[] {
  const publish = Object.entries(INSIDE).flatMap(([key, inside]) => ['--publish', `127.0.0.1:${ports[key as keyof typeof INSIDE]}:${inside}`]);
  const mount = (file: string, target: string): string[] => [
    '--mount',
    `type=bind,"source=${join(dir, file).replaceAll('"', '""')}",target=${target},readonly`,
  ];
  return [
    'create',
    '--name',
    name,
    '--hostname',
    'sluice',
    '--label',
    `${LABEL}=${dir}`,
    ...publish,
    ...mount('rabbitmq.conf', '/etc/rabbitmq/conf.d/90-sluice.conf'),
    ...mount('enabled_plugins', '/etc/rabbitmq/enabled_plugins'),
    ...mount('definitions.json', '/etc/rabbitmq/definitions.json'),
    '--mount',
    `type=volume,source=${name},target=/var/lib/rabbitmq`,
    IMAGE,
  ];
}

class DockerNode implements BrokerNode {
  readonly ports: Ports;
  readonly dir: string;
  readonly pid: undefined;
  private readonly name: string;
  private readonly log: (line: string) => void;
  private up = false;
  private end: Promise<string> = Promise.resolve('not started');

  constructor(name: string, dir: string, ports: Ports, log: (line: string) => void) {
    this.name = name;
    this.dir = dir;
    this.ports = ports;
    this.log = log;
  }

  get running(): boolean {
    return this.up;
  }

  get ended(): Promise<string> {
    return this.end;
  }

  amqpUrl(account: Account): string {
    return amqpUrlOf(this.ports.amqp, account);
  }

  /** A container of an earlier run under our name is ours to replace; the data are in the volume. */
  async create(): Promise<void> {
    const known = await docker(['inspect', '--format', `{{index .Config.Labels "${LABEL}"}}`, this.name], SHORT_MS);
    if (known.ok && known.out.trim() !== this.dir)
      throw new BrokerNodeError('DIR_IN_USE', `the container ${this.name} is not ours; remove it: docker rm -f ${this.name}`);
    if (known.ok) await docker(['rm', '--force', this.name], SHORT_MS);
    await assertPortsFree(this.ports, Object.keys(INSIDE) as (keyof typeof INSIDE)[]);
    const created = await docker(createArguments(this.name, this.dir, this.ports), PULL_MS);
    if (!created.ok) throw new BrokerNodeError('ENDED', `docker create ${IMAGE} failed: ${created.err}`);
  }

  async launch(): Promise<void> {
    const started = await docker(['start', this.name], SHORT_MS);
    if (!started.ok) throw new BrokerNodeError('ENDED', `docker start ${this.name} failed: ${started.err}`);
    this.up = true;
    // `docker wait` ends with the container and prints its exit code.
    const waiter = spawn('docker', ['wait', this.name], { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    this.end = new Promise((settle) => {
      const end = (how: string): void => {
        this.up = false;
        settle(how);
      };
      let code = '';
      waiter.stdout.on('data', (chunk: Buffer) => (code += chunk.toString()));
      waiter.once('error', (error) => end(error.message));
      waiter.once('close', () => end(`exit code ${code.trim()}`));
    });
    this.log(`RabbitMQ started in the container ${this.name}, AMQP port ${this.ports.amqp}`);
  }

  async waitReady(deadlineMs = READY_MS, stop?: AbortSignal): Promise<void> {
    const end = performance.now() + deadlineMs;
    while (this.up && performance.now() < end) {
      if (stop?.aborted === true) throw new BrokerNodeError('ABORTED', 'stopped before RabbitMQ was ready');
      // Docker's own proxy accepts before RabbitMQ listens: only an answer of the protocol counts.
      const listening =
        (await amqpAnswers(this.ports.amqp, PROBE_MS)) &&
        (await probe(this.ports.mqtt, undefined, PROBE_MS)) !== undefined &&
        (await httpAnswers(this.ports.webMqtt, '/ws', PROBE_MS)) &&
        (await httpAnswers(this.ports.management, '/', PROBE_MS)) &&
        (await httpAnswers(this.ports.prometheus, '/', PROBE_MS));
      if (listening && (await docker(['exec', this.name, 'rabbitmqctl', 'await_startup', '--timeout', '30'], SHORT_MS + 5000)).ok) return;
      await Promise.race([this.end, sleep(200)]);
    }
    const logs = await docker(['logs', '--tail', '15', this.name], SHORT_MS);
    const what = this.up ? `is not ready after ${Math.round(deadlineMs / 1000)} s` : 'ended before it was ready';
    throw new BrokerNodeError(this.up ? 'NOT_READY' : 'ENDED', `RabbitMQ in the container ${this.name} ${what}. It says:\n${logs.out}${logs.err}`);
  }

  async stop(deadlineMs = STOP_MS): Promise<void> {
    if (!this.up) return;
    await docker(['stop', '--time', String(Math.max(1, Math.ceil(deadlineMs / 1000))), this.name], deadlineMs + SHORT_MS);
    await this.end;
  }

  async kill(): Promise<void> {
    if (!this.up) return;
    await docker(['kill', '--signal', 'KILL', this.name], SHORT_MS);
    await this.end;
  }

  async restart(deadlineMs = READY_MS): Promise<void> {
    await this.stop();
    await this.launch();
    await this.waitReady(deadlineMs);
  }

  async remove(): Promise<void> {
    await docker(['rm', '--force', '--volumes', this.name], SHORT_MS);
    await docker(['volume', 'rm', '--force', this.name], SHORT_MS);
    rmSync(this.dir, { recursive: true, force: true });
  }

  async ctl(args: readonly string[], deadlineMs = SHORT_MS): Promise<string> {
    const ran = await docker(['exec', this.name, 'rabbitmqctl', ...args], deadlineMs);
    if (!ran.ok) throw new BrokerNodeError('CTL_FAILED', `rabbitmqctl ${args[0] ?? ''}: ${ran.err}`);
    return ran.out;
  }
}

/** The same node as `startRabbitNode`, as a container. The distribution and port mapper stay inside it. */
export async function startDockerNode(options: RabbitNodeOptions): Promise<BrokerNode> {
  const dir = resolve(options.dir);
  const log = options.log ?? (() => undefined);
  // The folder keeps other users of the machine out; the files in it must be readable for RabbitMQ's user in the container.
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const ports = options.ports === 'free' ? await freePorts() : { ...USUAL_PORTS, ...options.ports };
  const conf = [...confLines('0.0.0.0', { ...ports, ...INSIDE }), 'load_definitions = /etc/rabbitmq/definitions.json', ...(options.conf ?? []), ''];
  writeFileSync(join(dir, 'rabbitmq.conf'), conf.join('\n'), { mode: 0o644 });
  writeFileSync(join(dir, 'enabled_plugins'), `[${(options.plugins ?? PLUGINS).join(',')}].\n`, { mode: 0o644 });
  writeFileSync(join(dir, 'definitions.json'), JSON.stringify(options.definitions, undefined, 2), { mode: 0o644 });
  const name = `${options.name ?? 'sluice'}-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`;
  const node = new DockerNode(name, dir, ports, log);
  try {
    await node.create();
    await node.launch();
    await node.waitReady(options.deadlineMs ?? READY_MS, options.signal);
    return node;
  } catch (error) {
    await docker(['rm', '--force', name], SHORT_MS);
    throw error;
  }
}
