import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Addresses, banner } from '../local/banner.ts';
import { type BrokerNode, BrokerNodeError } from '../local/broker-node.ts';
import { ConsumerView } from '../local/consumer-view.ts';
import { loadSecret } from '../local/credentials.ts';
import { fetchReady, fetchStatus, flowOf, type GatewayStatus, ledgerLines } from '../local/gateway-status.ts';
import { type Flow, flowLine, LiveLine, type Screen } from '../local/live-line.ts';
import { worryOf } from '../local/log-lines.ts';
import { Child, describeEnding } from '../local/process-group.ts';
import { CommandError, EXIT } from './command.ts';
import { type Endpoints, findBroker, type Plan, planOf, type UpOptions } from './up-plan.ts';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));
const GATEWAY_READY_MS = 40_000;
const REFRESH_MS = 1000;
const LOOK_MS = 2000;

// Together these stay below ten seconds. The broker's own orderly stop takes about six (3.10: one of its applications
// always waits five), after its message stores are closed.
const DEVICES_STOP_MS = 2500;
const SETTLE_MS = 1500;
const CONSUMER_STOP_MS = 1500;
const BROKER_STOP_MS = 8000;

/** Everything that `npm start` runs, as one thing that starts, is watched, and stops in order. */
export class Together {
  private readonly options: UpOptions;
  private readonly live: LiveLine;
  private readonly stopping = new AbortController();
  private readonly children: Child[] = [];
  private broker: BrokerNode | undefined;
  private gateway: Child | undefined;
  private devices: Child | undefined;
  private consumer: Child | undefined;
  private gatewayLog: WriteStream | undefined;
  private last: GatewayStatus | undefined;
  private ready = false;
  private forced = false;

  constructor(options: UpOptions, screen: Screen) {
    this.options = options;
    this.live = new LiveLine(screen, () => performance.now());
  }

  /** First call: stop in order. Second: kill what is left. */
  interrupt(): void {
    if (!this.stopping.signal.aborted) {
      this.stopping.abort();
      return;
    }
    this.forced = true;
    for (const child of this.children) child.signal('SIGKILL');
    void this.broker?.kill();
  }

  /** Answers an exit code; throws `CommandError`. Nothing of it runs any more then. */
  async run(): Promise<number> {
    let plan: Plan | undefined;
    try {
      plan = await planOf(this.options, process.env);
      await this.start(plan);
      await this.watch(plan);
      return await this.stop(plan);
    } catch (error) {
      if (plan !== undefined) await this.stop(plan).catch(() => undefined);
      if (this.stopping.signal.aborted) return this.forced ? EXIT.unfinished : EXIT.ok;
      if (!(error instanceof BrokerNodeError)) throw error;
      const outside = error.code === 'PORT_IN_USE' || error.code === 'NOT_INSTALLED' || error.code === 'DIR_IN_USE';
      throw new CommandError(outside ? EXIT.unavailable : EXIT.failed, `${error.message}${hintFor(error)}`);
    } finally {
      this.live.close();
      this.gatewayLog?.end();
    }
  }

  private async start(plan: Plan): Promise<void> {
    const { signal } = this.stopping;
    mkdirSync(plan.dir, { recursive: true, mode: 0o700 });
    if (plan.external === undefined) this.live.print(`starts a private RabbitMQ in ${shown(plan.dir)}/node; this takes about ten seconds`);
    const { node, endpoints } = await findBroker(plan, signal);
    this.broker = node;
    this.assertGoing();
    await this.startGateway(plan, endpoints);
    if (this.options.simulate) this.startDevices(endpoints);
    if (this.options.consume && plan.consumerQueue !== undefined) this.startConsumer(plan.consumerQueue, endpoints);
    for (const line of banner(this.addresses(plan, endpoints))) this.live.print(line);
  }

  private async startGateway(plan: Plan, endpoints: Endpoints): Promise<void> {
    const path = join(plan.dir, 'gateway.log');
    const log = createWriteStream(path, { flags: 'w', mode: 0o600 });
    log.on('error', (error) => this.live.print(`cannot write ${path}: ${error.message}`));
    this.gatewayLog = log;
    const token = plan.tokenFile === undefined ? {} : { SLUICE_HTTP_TOKEN: loadSecret(plan.tokenFile) };
    const env = { ...process.env, SLUICE_AMQP_URL: endpoints.gatewayUrl, SLUICE_HTTP_PORT: String(plan.httpPort), ...token };
    const gateway = this.child('gateway', ['run', '-c', this.options.config, '--log', 'json'], env, (line) => {
      log.write(`${line}\n`);
      // While it starts and stops, that a part of it is not ready is no news.
      const worry = worryOf(line, this.ready ? 'warn' : 'error');
      if (worry !== undefined) this.live.print(`gateway: ${worry}`);
    });
    this.gateway = gateway;
    const end = performance.now() + GATEWAY_READY_MS;
    while ((await fetchReady(plan.gatewayUrl, LOOK_MS)) !== true) {
      this.assertGoing();
      if (!gateway.running) await this.failOf(gateway);
      if (performance.now() >= end) {
        const reasons = (await fetchStatus(plan.gatewayUrl, LOOK_MS))?.reasons.join('; ') ?? 'its HTTP server does not answer';
        throw new CommandError(EXIT.unavailable, `the gateway is not ready after ${GATEWAY_READY_MS / 1000} s: ${reasons}. Its log: ${shown(path)}`);
      }
      await Promise.race([gateway.ended, sleep(100)]);
    }
    this.ready = true;
  }

  private startDevices(endpoints: Endpoints): void {
    const { devices, rate } = this.options;
    const { device } = endpoints;
    this.devices = this.child(
      'devices',
      // The prefix tells simulated devices from others, for the consumer's lines.
      [
        'simulate',
        '--mqtt',
        endpoints.mqttUrl,
        '--ws',
        endpoints.wsUrl,
        '--username',
        device.name,
        '--site',
        endpoints.site,
        '--prefix',
        ConsumerView.PREFIX,
      ].concat(['--devices', String(devices), '--rate', String(rate), '--qos', 'mix', '--stop-seconds', '2', '--json']),
      { ...process.env, SLUICE_DEVICE_PASSWORD: device.password },
    );
  }

  private startConsumer(queue: string, endpoints: Endpoints): void {
    const view = new ConsumerView(
      (line) => this.live.print(line),
      () => performance.now(),
    );
    this.consumer = this.child('consumer', ['consume', '--queue', queue], { ...process.env, SLUICE_AMQP_URL: endpoints.consumerUrl }, (line) =>
      view.line(line),
    );
  }

  /** Until a signal, the given time, or the end of something that should run. */
  private async watch(plan: Plan): Promise<void> {
    const { signal } = this.stopping;
    const aborted = new Promise<'over'>((settle) => signal.addEventListener('abort', () => settle('over'), { once: true }));
    const ends: Promise<unknown>[] = [aborted, ...this.children.map(async (child) => await child.ended.then(() => child))];
    if (this.broker !== undefined) ends.push(this.broker.ended.then((how) => `RabbitMQ ended (${how})`));
    const timer = new AbortController();
    if (this.options.seconds !== undefined) ends.push(sleep(this.options.seconds * 1000, 'over', { signal: timer.signal }).catch(() => 'over'));
    const over = Promise.race(ends);
    let before: Flow | undefined;
    let at = performance.now();
    try {
      for (;;) {
        const end = await Promise.race([over, sleep(REFRESH_MS, 'tick', { signal: timer.signal }).catch(() => 'tick')]);
        if (signal.aborted || end === 'over') return;
        if (end instanceof Child) await this.failOf(end);
        if (end !== 'tick') throw new CommandError(EXIT.failed, `${String(end)} while it was needed; its log is in ${shown(join(plan.dir, 'node', 'log'))}`);
        const status = await fetchStatus(plan.gatewayUrl, LOOK_MS);
        const now = performance.now();
        if (status === undefined) {
          this.live.update('the gateway does not answer');
          continue;
        }
        this.last = status;
        const flow = flowOf(status);
        if (before !== undefined) this.live.update(flowLine(before, flow, now - at));
        before = flow;
        at = now;
      }
    } finally {
      timer.abort();
    }
  }

  /** Devices first, so that what they were promised still gets through; the broker last. */
  private async stop(plan: Plan): Promise<number> {
    this.ready = false;
    this.live.close();
    let code: number = EXIT.ok;
    if (this.children.length > 0 || this.broker !== undefined) this.live.print('stops: devices, gateway, consumer, broker');
    const devices = await this.devices?.stop(DEVICES_STOP_MS);
    if (devices !== undefined && devices.code !== 0)
      this.live.print(`devices: ended with ${describeEnding(devices)}; some of their messages may be without PUBACK`);
    const drained = await this.drainGateway(plan);
    if (drained !== undefined && drained !== 0) code = EXIT.unfinished;
    await this.consumer?.stop(CONSUMER_STOP_MS);
    await this.broker?.stop(BROKER_STOP_MS);
    if (this.last !== undefined) for (const line of ledgerLines(this.last)) this.live.print(line);
    if (this.last !== undefined && (this.last.imbalance.messages !== 0 || this.last.imbalance.items !== 0)) code = EXIT.failed;
    return this.forced ? EXIT.unfinished : code;
  }

  /** The last look at the books is taken when nothing is in flight, or when the gateway has gone. Answers its exit code. */
  private async drainGateway(plan: Plan): Promise<number | undefined> {
    const { gateway } = this;
    if (gateway === undefined) return undefined;
    const settled = performance.now() + SETTLE_MS;
    let sent = false;
    while (gateway.running && !this.forced) {
      const status = await fetchStatus(plan.gatewayUrl, LOOK_MS);
      if (status !== undefined) this.last = status;
      if (!sent && (status === undefined || status.inFlight.messages === 0 || performance.now() >= settled)) {
        gateway.signal('SIGTERM');
        sent = true;
      }
      await Promise.race([gateway.ended, sleep(50)]);
      if (sent && performance.now() >= settled + plan.drainMs) break;
    }
    const ending = await gateway.stop(0);
    if (ending.code !== 0 && !this.forced) this.live.print(`gateway: ended with ${describeEnding(ending)}; what was in flight is still in the broker`);
    return ending.code ?? EXIT.failed;
  }

  private child(name: string, args: readonly string[], env: NodeJS.ProcessEnv, onLine?: (line: string) => void): Child {
    const child = new Child({ name, args: [MAIN, ...args], env, ...(onLine === undefined ? {} : { onLine }) });
    this.children.push(child);
    return child;
  }

  private async failOf(child: Child): Promise<never> {
    const ending = await child.ended;
    const words = child.lastErrors.slice(-8).join('\n');
    // The gateway's own code says whether it was the settings or the outside.
    const code = ending.code === EXIT.settings || ending.code === EXIT.unavailable ? ending.code : EXIT.failed;
    throw new CommandError(code, `the ${child.name} ended (${describeEnding(ending)})${words === '' ? '' : `:\n${words}`}`);
  }

  private assertGoing(): void {
    if (this.stopping.signal.aborted) throw new BrokerNodeError('ABORTED', 'stopped');
  }

  private addresses(plan: Plan, endpoints: Endpoints): Addresses {
    const { devices, rate } = this.options;
    return {
      ...endpoints,
      amqpUrl: endpoints.gatewayUrl,
      gatewayUrl: plan.gatewayUrl,
      gatewayLog: shown(join(plan.dir, 'gateway.log')),
      tokenFile: plan.tokenFile === undefined ? undefined : shown(plan.tokenFile),
      accountsFile: plan.external === undefined ? shown(plan.accountsFile) : undefined,
      fleet: this.devices === undefined ? undefined : `${devices} simulated, over MQTT and WebSocket, ${rate} messages/s together`,
      consumerQueue: this.consumer === undefined ? undefined : plan.consumerQueue,
    };
  }
}

/** From here, if that is shorter. */
function shown(path: string): string {
  const near = relative(process.cwd(), resolve(path));
  return near.startsWith('..') ? resolve(path) : near;
}

function hintFor(error: BrokerNodeError): string {
  if (error.code !== 'PORT_IN_USE') return '';
  const lines = [
    '',
    'Either stop that process (the system service of RabbitMQ: sudo systemctl stop rabbitmq-server),',
    '  or take other ports: npm start -- --free-ports',
  ];
  return [...lines, '  or use the broker that is there: SLUICE_AMQP_URL=amqp://user:password@localhost:5672 npm start'].join('\n');
}
