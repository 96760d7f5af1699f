import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../local/ports.ts';
import { GatewayProcess } from './gateway-process.ts';
import { TcpProxy } from './proxy.ts';

/** What the rows ask of `GET /edge`. */
export interface EdgeView {
  readonly connected: boolean;
  readonly owed: number;
  readonly imbalance: number;
  readonly spool: {
    readonly messages: number;
    readonly frontier: number;
    readonly refusing?: string;
    readonly lost: number;
    readonly damagedRegions: number;
    readonly tornTails: number;
    readonly quarantined: number;
    readonly failures: number;
  };
}

export interface EdgePorts {
  readonly mqtt: number;
  readonly webMqtt: number;
}

export interface EdgeStandOptions {
  readonly dir: string;
  /** Port of AMQP, and of its users the account that the edge publishes as. */
  readonly amqpPort: number;
  readonly amqpUrl: (port: number) => string;
  /** The account of the devices, with its hash as the broker has it. */
  readonly device: { readonly name: string; readonly passwordHash: string };
  readonly entry: string | undefined;
}

/** An edge between devices and broker, with a proxy on its link to the broker: a process of its own, or the gateway itself. */
export class EdgeStand {
  readonly process: GatewayProcess;
  /** Between edge and broker. */
  readonly link: TcpProxy;
  /** Where it keeps messages, unless a start says otherwise (SLUICE_EDGE_DIR). */
  readonly folder: string;
  readonly mqttPort: number;
  readonly wsPort: number;
  /** Process and link are its own: nobody else starts and ends them. */
  private readonly own: boolean;

  private constructor(stand: Pick<EdgeStand, 'process' | 'link' | 'folder' | 'mqttPort' | 'wsPort'>, own: boolean) {
    this.own = own;
    this.process = stand.process;
    this.link = stand.link;
    this.folder = stand.folder;
    this.mqttPort = stand.mqttPort;
    this.wsPort = stand.wsPort;
  }

  /** The gateway as an edge: it has `edgeSection` of these ports in its settings, and SLUICE_EDGE_DIR. */
  static within(gateway: GatewayProcess, link: TcpProxy, folder: string, ports: EdgePorts): EdgeStand {
    return new EdgeStand({ process: gateway, link, folder, mqttPort: ports.mqtt, wsPort: ports.webMqtt }, false);
  }

  /** A process between: makes settings and the link, and starts nothing. */
  static async make(options: EdgeStandOptions): Promise<EdgeStand> {
    const { dir, amqpPort, amqpUrl, device, entry } = options;
    const ports = await freePorts();
    const link = await TcpProxy.start('127.0.0.1', amqpPort, { listen: ports.amqp });
    const root = join(dir, 'edge');
    mkdirSync(root, { mode: 0o700 });
    const [settings, folder] = [join(root, 'edge.yaml'), join(root, 'kept')];
    writeFileSync(settings, settingsOf(device, ports), { mode: 0o600 });
    const process = new GatewayProcess({
      settings,
      httpPort: ports.management,
      env: { SLUICE_AMQP_URL: amqpUrl(link.port), SLUICE_HTTP_PORT: String(ports.management), SLUICE_EDGE_DIR: folder },
      log: join(dir, 'edge.log'),
      entry,
    });
    return new EdgeStand({ process, link, folder, mqttPort: ports.mqtt, wsPort: ports.webMqtt }, true);
  }

  async start(deadlineMs: number): Promise<void> {
    if (this.own) await this.process.start(deadlineMs);
  }

  async view(): Promise<EdgeView> {
    const response = await fetch(`${this.process.url}/edge`, { signal: AbortSignal.timeout(5000) });
    return (await response.json()) as EdgeView;
  }

  async close(): Promise<void> {
    if (!this.own) return;
    await this.process.end('SIGKILL').catch(() => {});
    await this.link.close();
  }
}

/** The `edge` of settings, with the account of the devices. */
export function edgeSection(mode: 'bridge' | 'direct', device: EdgeStandOptions['device'], ports: EdgePorts): object {
  const host = '127.0.0.1';
  return {
    mode,
    tcp: { host, port: ports.mqtt },
    websocket: { host, port: ports.webMqtt },
    users: [{ ...device, publish: ['devices/#'], clientIds: 'free' }],
    spool: { dir: '${SLUICE_EDGE_DIR}' },
  };
}

/** JSON is YAML. */
function settingsOf(device: EdgeStandOptions['device'], ports: EdgePorts): string {
  return JSON.stringify(
    {
      gateway: { name: 'edge-1' },
      edge: edgeSection('bridge', device, ports),
      rabbitmq: { url: '${SLUICE_AMQP_URL}' },
      http: { port: '${SLUICE_HTTP_PORT}' },
    },
    undefined,
    2,
  );
}
