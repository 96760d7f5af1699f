import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fleet, type FleetStats } from '../../devices/fleet.ts';
import { stream } from '../../devices/random.ts';
import { LiveLine, type Screen } from '../local/live-line.ts';
import { Arrivals, readLedgers } from './arrivals.ts';
import { Auditor } from './auditor.ts';
import { faultOf } from './faults/index.ts';
import { Field } from './field.ts';
import type { GatewayProcess, GatewayView } from './gateway-process.ts';
import { type Ground, GroundError, type GroundKind, type PrivateTarget, privateGround, type UserTarget, userGround } from './ground.ts';
import { Nemesis } from './nemesis.ts';
import { joined, type Report, reportOf, sumLines } from './report.ts';
import { type FaultRow, messageOf } from './row.ts';
import { Watch } from './watch.ts';

export interface VerifyOptions {
  readonly target: PrivateTarget | UserTarget;
  /** Messages per second of all devices together. */
  readonly rate: number;
  /** Load lasts at least this long, and until every fault has had its turn. */
  readonly seconds: number;
  readonly devices: number;
  /** Kinds in order, see faults/index.ts; `random` draws faults until `seconds` are over. */
  readonly faults: readonly string[];
  readonly seed: number;
}

/** The run was given up before its end: there is no verdict. */
export class Stopped extends Error {
  constructor() {
    super('stopped before the verdict');
    this.name = 'Stopped';
  }
}

/**
 * Messages per second on a cluster: three nodes on one machine do less than one. Overloaded, they take each other for dead, and all of
 * them pause (seen at 2000/s on two cores): that is tried by its own row, and with fewer messages.
 */
const CLUSTER_RATE = 200;
const REFRESH_MS = 1000;
const PLAIN_EVERY_MS = 5000;
const START_MS = 120_000;
const STOP_MS = 60_000;
const SETTLE_MS = 180_000;
const LAST_LOOK_MS = 30_000;

/**
 * Drives load and faults through a gateway and judges what came out. Faults that need a cluster, or an edge, have their turn behind the
 * others, on a ground of their own that is made for them alone. Throws `Stopped` when `signal` aborts; nothing of it runs any
 * more then.
 */
export async function verify(options: VerifyOptions, screen: Screen, signal: AbortSignal): Promise<Report> {
  const groundOf = (kind: string): GroundKind => GROUNDS.find((ground) => ground === faultOf(kind)?.needs) ?? 'node';
  const turns = GROUNDS.map((ground) => ({ ground, faults: options.faults.filter((kind) => groundOf(kind) === ground) })).filter(
    ({ faults }) => faults.length > 0,
  );
  if (turns.length === 0) return await verifyOn('node', options, screen, signal);
  let sum: Report | undefined;
  for (const { ground, faults } of turns) {
    const rate = ground === 'cluster' ? Math.min(options.rate, CLUSTER_RATE) : options.rate;
    const report = await verifyOn(ground, { ...options, faults, rate }, screen, signal);
    if (turns.length > 1) screen.write(`${GROUND_NAMES[ground]}: ${sumLines(report).join('; ')}\n`);
    sum = sum === undefined ? report : joined(sum, report);
  }
  return sum as Report;
}

const GROUNDS: readonly GroundKind[] = ['node', 'cluster', 'edge', 'direct'];
const GROUND_NAMES: Readonly<Record<GroundKind, string>> = { node: 'on one node', cluster: 'on a cluster', edge: 'with an edge', direct: 'direct' };
const GROUND_STARTS: Readonly<Record<GroundKind, string>> = {
  node: 'a private RabbitMQ and a gateway; this takes some ten seconds',
  cluster: 'three private RabbitMQ nodes and a gateway; this takes up to a minute',
  edge: 'a private RabbitMQ, a gateway and an edge; this takes some ten seconds',
  direct: 'a private RabbitMQ and a gateway to which devices publish; this takes some ten seconds',
};

async function verifyOn(kind: GroundKind, options: VerifyOptions, screen: Screen, signal: AbortSignal): Promise<Report> {
  const live = new LiveLine(screen, () => performance.now(), PLAIN_EVERY_MS);
  let ground: Ground | undefined;
  let report: Report | undefined;
  try {
    if (options.target.mode === 'private') {
      live.print(`starts ${GROUND_STARTS[kind]}`);
    }
    ground = options.target.mode === 'private' ? await privateGround(options.target, kind, signal) : await userGround(options.target, idOf(options.seed));
    if (signal.aborted) throw new Stopped();
    report = await new Run(options, ground, live, signal).all();
    return report;
  } catch (error) {
    throw signal.aborted ? new Stopped() : error;
  } finally {
    live.close();
    const keep = report?.ok === false;
    await ground?.close(keep);
    if (keep && ground !== undefined) live.print(`ledgers and logs are kept in ${ground.dir}`);
  }
}

/** Tells this run's devices from those of another run against the same broker. */
function idOf(seed: number): string {
  return `${Date.now().toString(36)}${seed.toString(36)}`;
}

class Run {
  private readonly options: VerifyOptions;
  private readonly ground: Ground;
  private readonly live: LiveLine;
  private readonly signal: AbortSignal;
  private readonly auditor: Auditor;
  private readonly watch: Watch;
  private readonly fleet: Fleet;
  private readonly ledgers: string[];
  private readonly problems: string[] = [];
  private readonly startedAt = new Date();
  private doing = 'starts';

  constructor(options: VerifyOptions, ground: Ground, live: LiveLine, signal: AbortSignal) {
    this.options = options;
    this.ground = ground;
    this.live = live;
    this.signal = signal;
    const { door, auditUrls, outlets, gatewayUrl, dir } = ground;
    const prefix = `${door.prefix}m-`;
    const main = `devices/${door.site}/${prefix}`;
    this.auditor = new Auditor(
      auditUrls,
      outlets,
      new Arrivals(
        (topic) => ground.ours(topic),
        (topic) => topic.startsWith(main),
      ),
    );
    this.watch = new Watch(gatewayUrl);
    this.ledgers = [join(dir, 'ledger-0-main.ndjson')];
    this.fleet = new Fleet({
      ...door,
      prefix,
      devices: options.devices,
      connections: Math.min(options.devices, 50),
      rate: options.rate,
      qos: 1,
      audit: true,
      seed: options.seed,
      ledger: this.ledgers[0],
    });
  }

  async all(): Promise<Report> {
    const { fleet, watch, auditor, signal } = this;
    const progress = setInterval(() => this.live.update(this.line()), REFRESH_MS);
    try {
      await this.ground.site?.gateway.start(START_MS);
      await this.ground.site?.edge?.start(START_MS);
      watch.start();
      await auditor.start().catch((error: unknown) => {
        throw new GroundError(messageOf(error));
      });
      await fleet.start(signal);
      const rows = await this.load();
      this.doing = 'waits for what is owed';
      const stats = await fleet.stop(STOP_MS);
      const idle = (): boolean => watch.health === 'ready' && watch.last?.inFlight.messages === 0;
      const verdict = await auditor.settle(readLedgers(this.ledgers), SETTLE_MS, idle, signal);
      if (signal.aborted) throw new Stopped();
      await this.lastLook();
      this.judgeAudit(stats);
      const { seed, rate, devices, seconds, target } = this.options;
      // Beside ledgers and logs, where they are kept: every message by its name, where the report has the first few.
      writeFileSync(join(this.ground.dir, 'verdict.json'), JSON.stringify(verdict, undefined, 2));
      return reportOf({
        verdict,
        seed,
        mode: target.mode,
        startedAt: this.startedAt.toISOString(),
        seconds: Math.round((Date.now() - this.startedAt.getTime()) / 1000),
        rate,
        devices,
        dropped: watch.filtered,
        faults: rows,
        problems: this.problems,
        // A tenth of the plan: a broker on a small machine may be slow, and a run that hardly ran proves nothing.
        leastAttempted: Math.max(20, Math.min(1000, Math.floor((rate * seconds) / 10))),
      });
    } finally {
      clearInterval(progress);
      await watch.close();
      await auditor.stop();
      await fleet.stop(0);
    }
  }

  private async load(): Promise<FaultRow[]> {
    const { options, ground, fleet, auditor, watch, signal } = this;
    const random = stream(options.seed, 'faults');
    const field = new Field({ ...ground, fleet, auditor, watch, random, seed: options.seed, rate: options.rate, ledgers: this.ledgers, signal });
    const end = performance.now() + options.seconds * 1000;
    this.doing = 'warms up';
    await field.until('the first readings come out', () => auditor.arrivals.unique >= Math.min(100, options.rate), START_MS);
    const nemesis = new Nemesis(field, {
      doing: (what) => {
        this.doing = what;
      },
      done: (row) => this.live.print(rowLine(row)),
    });
    const rows = await nemesis.run(options.faults, end);
    this.doing = 'no fault';
    await field.until('the load has lasted', () => performance.now() >= end, options.seconds * 1000 + 1000);
    return rows;
  }

  /** The gateway's own books and its end. */
  private async lastLook(): Promise<void> {
    const { site } = this.ground;
    if (site === undefined) return;
    const { edge, gateway } = site;
    const end = async (process: GatewayProcess, what: string): Promise<void> => {
      const code = await process.end('SIGTERM', site.settings.gateway.drainSeconds * 1000 + 15_000).catch(messageOf);
      if (code !== 0) this.problems.push(`the ${what} ended with ${code} at the end, not 0`);
    };
    // From the devices on: what an edge still holds is not in the gateway yet.
    if (edge !== undefined) {
      await this.lastLookAt('edge', async () => {
        const { owed, imbalance } = await edge.view();
        return { inFlight: { messages: owed, items: 0 }, imbalance: { messages: imbalance, items: 0 } };
      });
      if (edge.process !== gateway) await end(edge.process, 'edge');
    }
    await this.lastLookAt('gateway', async () => await gateway.status());
    await end(gateway, 'gateway');
  }

  private async lastLookAt(what: string, look: () => Promise<Pick<GatewayView, 'inFlight' | 'imbalance'>>): Promise<void> {
    try {
      const deadline = performance.now() + LAST_LOOK_MS;
      let books = await look();
      while (books.inFlight.messages > 0 && performance.now() < deadline) books = await look();
      const { inFlight, imbalance } = books;
      if (inFlight.messages !== 0 || inFlight.items !== 0)
        this.problems.push(`the ${what} still holds ${inFlight.messages} messages and ${inFlight.items} items`);
      if (imbalance.messages !== 0 || imbalance.items !== 0)
        this.problems.push(`the ${what}'s books do not balance: ${imbalance.messages} messages, ${imbalance.items} items`);
    } catch (error) {
      this.problems.push(`the ${what} does not answer at the end: ${messageOf(error)}`);
    }
  }

  private judgeAudit(stats: FleetStats): void {
    const { auditor, ground } = this;
    if (auditor.unreadable > 0)
      this.problems.push(`${auditor.unreadable} messages in the destinations are no batches of readings (${auditor.lastError ?? ''})`);
    if (ground.site === undefined && auditor.losses > 0)
      this.problems.push(`void: the audit lost its connection ${auditor.losses} times, and with it what its own queues held (${auditor.lastError ?? ''})`);
    if (stats.pubacked === 0) this.problems.push(`void: the broker acknowledged nothing (${stats.lastError ?? 'no answer'})`);
  }

  private line(): string {
    const { attempted, pubacked, connected, connections } = this.fleet.stats();
    const { unique, duplicates } = this.auditor.arrivals;
    const seconds = Math.round((Date.now() - this.startedAt.getTime()) / 1000);
    return `${seconds} s | ${this.doing} | attempted ${attempted}, acknowledged ${pubacked}, out ${unique}, duplicates ${duplicates} | devices ${connected}/${connections} | gateway ${this.watch.health}`;
  }
}

function rowLine({ kind, detectedMs, recoveredMs, problems, notes }: FaultRow): string {
  const seen = detectedMs === null ? '' : `, seen after ${detectedMs} ms`;
  const back = recoveredMs === null ? '' : `, back ${recoveredMs} ms after the repair`;
  const rest = [...problems.map((problem) => `FAILED: ${problem}`), ...notes].join('; ');
  return `${kind}${seen}${back}${rest === '' ? '' : ` (${rest})`}`;
}
