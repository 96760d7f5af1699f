import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect } from 'amqplib';
import { Fleet, type FleetOptions, type FleetStats } from '../../devices/fleet.ts';
import { readLedger } from '../../devices/ledger.ts';
import { type Accounts, newAccounts } from '../../src/local/credentials.ts';
import { localDefinitions } from '../../src/local/definitions.ts';
import { freePorts } from '../../src/local/ports.ts';
import { type RabbitNode, startRabbitNode } from '../../src/local/rabbit-node.ts';
import { buildTopology } from '../../src/rabbit/topology.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { topologyOptions } from '../../src/topology-options.ts';
import { Auditor, type Verdict } from '../support/auditor.ts';
import { GatewayProcess } from '../support/gateway-process.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const OUT = ['sluice.out.readings', 'sluice.out.alarms', 'sluice.out.attributes'];

/** A broker, a gateway process, devices and an auditor of its own: what may be killed must not be shared. */
export class Rig {
  readonly dir: string;
  readonly node: RabbitNode;
  readonly users: Accounts;
  readonly gateway: GatewayProcess;
  private fleets = 0;

  private constructor(dir: string, node: RabbitNode, users: Accounts, gateway: GatewayProcess) {
    this.dir = dir;
    this.node = node;
    this.users = users;
    this.gateway = gateway;
  }

  /**
   * `settingsFile`: relative to the project's root; or writes one into the rig's folder and answers its path.
   * `conf`: more lines for rabbitmq.conf.
   */
  static async start(settingsFile: string | ((dir: string) => string) = 'config/sluice.yaml', conf: readonly string[] = []): Promise<Rig> {
    mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
    const dir = mkdtempSync(join(ROOT, '.sluice', `test-${process.pid}-`));
    const users = newAccounts();
    const settings = resolve(ROOT, typeof settingsFile === 'string' ? settingsFile : settingsFile(dir));
    const loaded = await loadSettings(settings, { SLUICE_AMQP_URL: 'amqp://localhost', SLUICE_HTTP_PORT: '0' });
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const topology = buildTopology(topologyOptions(loaded.settings));
    const node = await startRabbitNode({ dir: join(dir, 'node'), name: 'sluice-e2e', ports: 'free', definitions: localDefinitions(users, topology), conf });
    const httpPort = (await freePorts()).management;
    const gateway = new GatewayProcess({
      settings,
      httpPort,
      env: { SLUICE_AMQP_URL: node.amqpUrl(users.gateway), SLUICE_HTTP_PORT: String(httpPort) },
      log: join(dir, 'gateway.log'),
    });
    return new Rig(dir, node, users, gateway);
  }

  /** Runs `during` while the fleet publishes; then waits for what is owed and judges. */
  async audit(options: Partial<FleetOptions>, during: (fleet: Fleet) => Promise<void>): Promise<{ verdict: Verdict; stats: FleetStats }> {
    const { node, users } = this;
    const ledger = join(this.dir, `ledger-${(this.fleets += 1)}.ndjson`);
    const auditor = new Auditor(node.amqpUrl(users.admin), OUT);
    auditor.start();
    const fleet = new Fleet({
      mqttUrl: `mqtt://127.0.0.1:${node.ports.mqtt}`,
      wsUrl: `ws://127.0.0.1:${node.ports.webMqtt}/ws`,
      username: users.device.name,
      password: users.device.password,
      // A name of its own each time: sequence numbers start anew with each fleet.
      prefix: `f${this.fleets}-`,
      devices: 40,
      connections: 20,
      qos: 1,
      audit: true,
      ledger,
      seed: this.fleets,
      ...options,
    });
    await fleet.start();
    let stats: FleetStats;
    try {
      await during(fleet);
    } finally {
      stats = await fleet.stop(30_000);
    }
    return { verdict: await auditor.settle(readLedger(ledger), 60_000), stats };
  }

  /** As the administrator, on a connection that is closed at the end. */
  async admin<T>(use: (channel: Awaited<ReturnType<Awaited<ReturnType<typeof connect>>['createChannel']>>) => Promise<T>): Promise<T> {
    const connection = await connect(this.node.amqpUrl(this.users.admin), { timeout: 5000 });
    connection.on('error', () => {});
    try {
      return await use(await connection.createChannel());
    } finally {
      await connection.close();
    }
  }

  async stop(): Promise<void> {
    await this.gateway.end('SIGKILL').catch(() => {});
    await this.node.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
