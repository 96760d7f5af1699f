import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, amqpUrlOf, type BrokerNode, BrokerNodeError } from './broker-node.ts';
import { amqpAnswers, assertPortsFree, freePorts, httpAnswers, PORT_NAMES, type Ports, probe, USUAL_PORTS } from './ports.ts';
import { gone, signal } from './processes.ts';
import { nodeEnv, nodeFiles, PLUGINS, serverScript, tellingLines, writeNodeFiles } from './rabbit-files.ts';
import { findRabbit, type RabbitInstall } from './rabbit-install.ts';
import { stopStaleNode } from './stale-node.ts';

export { type Account, type BrokerNode, BrokerNodeError } from './broker-node.ts';
export type { Ports } from './ports.ts';
export { stopStaleNode } from './stale-node.ts';
export type RabbitNode = BrokerNode;

export interface RabbitNodeOptions {
  /** Folder of the node; created. Data in it is kept from run to run. */
  readonly dir: string;
  /** Left part of the node name; default `sluice`. */
  readonly name?: string;
  /** Default: RabbitMQ's usual ports; `free`: seven free ones. */
  readonly ports?: Partial<Ports> | 'free';
  /** RabbitMQ definitions: virtual host, users, rights, queues. There is no user besides those named here. */
  readonly definitions: object;
  readonly plugins?: readonly string[];
  /** More lines for rabbitmq.conf; a later line wins. */
  readonly conf?: readonly string[];
  /** Erlang cookie, where several nodes form a cluster; default: one of the node's own. */
  readonly cookie?: string;
  /** `given`: a port mapper of somebody else answers on `ports.epmd`; default `own`. */
  readonly mapper?: 'own' | 'given';
  /** More arguments for the Erlang VM. */
  readonly erlArgs?: string;
  readonly log?: (line: string) => void;
  /** Time to become ready, default 60 s. */
  readonly deadlineMs?: number;
  /** Gives the start up: what runs is killed, and the start throws ABORTED. */
  readonly signal?: AbortSignal;
}

const READY_MS = 60_000;
const STOP_MS = 20_000;
const CTL_MS = 60_000;
/** One try of a listener. */
const PROBE_MS = 1000;

// A process that ends by itself or through an uncaught exception takes its nodes with it. After a SIGKILL nothing
// can: the next start in the same folder finds them (`node.json`).
const live = new Set<PrivateNode>();
let hooked = false;

class PrivateNode implements BrokerNode {
  readonly ports: Ports;
  readonly dir: string;
  private readonly install: RabbitInstall;
  private readonly env: NodeJS.ProcessEnv;
  private readonly log: (line: string) => void;
  private readonly ownMapper: boolean;
  private child: ChildProcess | undefined;
  private epmd: ChildProcess | undefined;
  private end: Promise<string> = Promise.resolve('not started');

  constructor(install: RabbitInstall, dir: string, ports: Ports, options: Pick<RabbitNodeOptions, 'name' | 'mapper' | 'erlArgs' | 'log'>) {
    const { name = 'sluice', mapper = 'own', erlArgs, log = () => undefined } = options;
    this.install = install;
    this.dir = dir;
    this.ports = ports;
    this.log = log;
    this.ownMapper = mapper === 'own';
    this.env = nodeEnv(dir, name, ports, process.env, erlArgs);
  }

  get pid(): number | undefined {
    return this.running ? this.child?.pid : undefined;
  }

  get running(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined;
  }

  get ended(): Promise<string> {
    return this.end;
  }

  amqpUrl(account: Account): string {
    return amqpUrlOf(this.ports.amqp, account);
  }

  async launch(): Promise<void> {
    await assertPortsFree(
      this.ports,
      PORT_NAMES.filter((name) => this.ownMapper || name !== 'epmd'),
    );
    if (this.ownMapper) await this.startEpmd();
    // The log of this start alone tells when it is ready; one older log is kept.
    const { log } = nodeFiles(this.dir);
    if (existsSync(log)) renameSync(log, `${log}.1`);
    const output = openSync(join(this.dir, 'log', 'console.log'), 'w', 0o600);
    // A session of its own: Ctrl-C in the terminal must not reach the broker before those who still need it.
    const child = spawn(serverScript(this.install), [], { cwd: this.dir, env: this.env, detached: true, stdio: ['ignore', output, output] });
    closeSync(output);
    this.child = child;
    this.end = new Promise((settle) => {
      child.once('error', (error) => settle(`could not be started: ${error.message}`));
      child.once('exit', (code, name) => settle(name === null ? `exit code ${code}` : `signal ${name}`));
    });
    live.add(this);
    hookExit();
    if (child.pid === undefined) throw new BrokerNodeError('ENDED', `RabbitMQ ${await this.end}`);
    const state = { pid: child.pid, epmdPid: this.epmd?.pid, ownerPid: process.pid, ports: this.ports };
    writeFileSync(nodeFiles(this.dir).state, JSON.stringify(state));
    this.log(`RabbitMQ started, pid ${child.pid}, AMQP port ${this.ports.amqp}`);
  }

  async waitReady(deadlineMs = READY_MS, stop?: AbortSignal): Promise<void> {
    const end = performance.now() + deadlineMs;
    let waitingFor = 'AMQP';
    while (this.running) {
      if (stop?.aborted === true) throw new BrokerNodeError('ABORTED', 'stopped before RabbitMQ was ready');
      if (performance.now() >= end) {
        const seconds = Math.round(deadlineMs / 1000);
        throw new BrokerNodeError('NOT_READY', `RabbitMQ is not ready after ${seconds} s (waits for ${waitingFor}). Its log: ${nodeFiles(this.dir).log}`);
      }
      waitingFor = await this.firstSilent();
      if (waitingFor === '') return;
      await Promise.race([this.end, sleep(100)]);
    }
    throw new BrokerNodeError('ENDED', `RabbitMQ ended before it was ready (${await this.end}). Its log (${join(this.dir, 'log')}) says:\n${this.tail()}`);
  }

  async stop(deadlineMs = STOP_MS): Promise<void> {
    const pid = this.pid;
    if (pid !== undefined) {
      // The VM turns SIGTERM into an orderly stop: applications first, queues flushed.
      signal(pid, 'SIGTERM');
      const timer = new AbortController();
      const late = sleep(deadlineMs, 'late', { signal: timer.signal }).catch(() => 'late');
      if ((await Promise.race([this.end, late])) === 'late') {
        this.log(`RabbitMQ did not stop within ${deadlineMs} ms: killed`);
        signal(pid, 'SIGKILL');
        await this.end;
      }
      timer.abort();
    }
    await this.clear();
  }

  async kill(): Promise<void> {
    const pid = this.pid;
    if (pid !== undefined) {
      signal(pid, 'SIGKILL');
      await this.end;
    }
    await this.clear();
  }

  async restart(deadlineMs = READY_MS): Promise<void> {
    await this.stop();
    await this.launch();
    await this.waitReady(deadlineMs);
  }

  async remove(): Promise<void> {
    // Nothing of it is wanted any more: no need to wait for an orderly stop.
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async ctl(args: readonly string[], deadlineMs = CTL_MS): Promise<string> {
    return await new Promise((settle, fail) => {
      execFile(
        join(this.install.sbin, 'rabbitmqctl'),
        [...args],
        { env: this.env, cwd: this.dir, timeout: deadlineMs, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout, stderr) => {
          if (error === null) settle(stdout);
          else
            fail(
              new BrokerNodeError(
                'CTL_FAILED',
                `rabbitmqctl ${args[0] ?? ''}: ${error.killed === true ? `no answer within ${deadlineMs} ms` : stderr.trim() || error.message}`,
              ),
            );
        },
      );
    });
  }

  /** At the end of our own process nothing can be awaited. */
  abandon(): void {
    if (this.pid !== undefined) signal(this.pid, 'SIGTERM');
    if (this.epmd?.pid !== undefined) signal(this.epmd.pid, 'SIGTERM');
  }

  /** Name of the first listener that does not answer; empty when the node is ready. */
  private async firstSilent(): Promise<string> {
    const { ports } = this;
    if (!(await amqpAnswers(ports.amqp, PROBE_MS))) return 'AMQP';
    if ((await probe(ports.mqtt, undefined, PROBE_MS)) === undefined) return 'MQTT';
    if (!(await httpAnswers(ports.webMqtt, '/ws', PROBE_MS))) return 'MQTT over WebSocket';
    if (!(await httpAnswers(ports.management, '/', PROBE_MS))) return 'management';
    if (!(await httpAnswers(ports.prometheus, '/', PROBE_MS))) return 'prometheus';
    // Listeners of plug-ins answer before the definitions are read; this line comes after both (3.10 to 4.x).
    return this.logText().includes('Server startup complete') ? '' : 'the end of its start-up';
  }

  private logText(): string {
    return textOf(nodeFiles(this.dir).log);
  }

  private tail(): string {
    return tellingLines(`${textOf(join(this.dir, 'log', 'console.log')).slice(-20_000)}\n${this.logText().slice(-20_000)}`, 6);
  }

  /** A port mapper for this node alone: the one that the VM would start by itself is a daemon that outlives it. */
  private async startEpmd(): Promise<void> {
    if (this.install.epmd === undefined) return;
    const epmd = spawn(this.install.epmd, ['-address', '127.0.0.1', '-port', String(this.ports.epmd)], {
      cwd: this.dir,
      env: this.env,
      detached: true,
      stdio: 'ignore',
    });
    let failed: string | undefined;
    epmd.once('error', (error) => (failed = error.message));
    epmd.once('exit', (code) => (failed ??= `exit code ${code}`));
    this.epmd = epmd;
    const end = performance.now() + 10_000;
    while ((await probe(this.ports.epmd, undefined, PROBE_MS)) === undefined) {
      if (failed !== undefined) throw new BrokerNodeError('ENDED', `the Erlang port mapper (${this.install.epmd}) did not start: ${failed}`);
      if (performance.now() >= end)
        throw new BrokerNodeError('NOT_READY', `the Erlang port mapper (${this.install.epmd}) does not answer on port ${this.ports.epmd}`);
      await sleep(20);
    }
  }

  private async clear(): Promise<void> {
    live.delete(this);
    const pid = this.epmd?.pid;
    this.epmd = undefined;
    if (pid !== undefined) {
      signal(pid, 'SIGKILL');
      await gone(pid, 5000);
    }
    rmSync(nodeFiles(this.dir).state, { force: true });
  }
}

/** Empty where the node never came so far as to write it. */
function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function hookExit(): void {
  if (hooked) return;
  hooked = true;
  process.on('exit', () => {
    for (const node of live) node.abandon();
  });
}

/**
 * Starts a private RabbitMQ node and resolves when it is ready. It never touches a node of the system: own folder,
 * cookie, port mapper, ports, all on 127.0.0.1. Throws `BrokerNodeError`; then nothing of it runs any more.
 */
export async function startRabbitNode(options: RabbitNodeOptions): Promise<RabbitNode> {
  const install = findRabbit();
  if (install === undefined) {
    throw new BrokerNodeError(
      'NOT_INSTALLED',
      'no RabbitMQ server found on this machine (looked for rabbitmq-server; SLUICE_RABBITMQ_HOME names another place)',
    );
  }
  const dir = resolve(options.dir);
  const log = options.log ?? (() => undefined);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (await stopStaleNode(dir)) log('stopped the RabbitMQ node of an earlier run');
  for (let attempt = 1; ; attempt += 1) {
    const ports = options.ports === 'free' ? await freePorts() : { ...USUAL_PORTS, ...options.ports };
    writeNodeFiles(dir, ports, options.definitions, options.plugins ?? PLUGINS, options.conf ?? [], options.cookie);
    const node = new PrivateNode(install, dir, ports, options);
    try {
      await node.launch();
      await node.waitReady(options.deadlineMs ?? READY_MS, options.signal);
      return node;
    } catch (error) {
      await node.kill();
      // Somebody took a free port between our look and the start: look again.
      const taken = error instanceof BrokerNodeError && (error.code === 'PORT_IN_USE' || /eaddrinuse|already in use/i.test(error.message));
      if (!(taken && options.ports === 'free' && attempt < 3)) throw error;
    }
  }
}
