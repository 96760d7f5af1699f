import path from 'node:path';
import type { EdgeState } from '../domain/edge-state.ts';
import type { Observer, Phase } from '../domain/events.ts';
import { type Ledger, owed } from '../domain/ledger.ts';
import { Accounts } from '../edge/access/accounts.ts';
import { StoringKeeper } from '../edge/keeper.ts';
import { MqttListener } from '../edge/mqtt/listener.ts';
import { Sessions } from '../edge/session/sessions.ts';
import { Spool } from '../edge/spool/spool.ts';
import type { Logging } from '../observe/logging.ts';
import type { Outlet } from '../pipeline/outlet.ts';
import { systemScheduler } from '../pipeline/scheduler.ts';
import type { Settings } from '../settings/load.ts';
import { CommandFeed } from './command-feed.ts';
import { EdgeBooks } from './edge-books.ts';
import { accessOf, limitsOf, listenersOf, sessionBoundsOf } from './edge-parts.ts';
import { RefusedBin } from './refused-bin.ts';

const CLOSE_MS = 1500;
/** Between two looks at whether the spool takes messages. */
const LOOK_MS = 1000;

export interface EdgeRunningOptions {
  readonly settings: Settings;
  readonly outlet: Outlet;
  /** Of the messages of devices, from the listener to the outlet. */
  readonly ledger: Ledger;
  readonly phase: (component: 'spool' | 'listener', phase: Phase, reason?: string) => void;
  readonly logging: Logging;
  readonly observer: Observer;
  readonly onBug: (error: unknown) => void;
}

/** Listener, keeper, spool and sessions of an edge: what it has once its folder is its own. */
export class EdgeRunning {
  readonly books: EdgeBooks;
  private readonly options: EdgeRunningOptions;
  private readonly spool: Spool;
  private readonly sessions: Sessions;
  private readonly refused: RefusedBin;
  private readonly keeper: StoringKeeper;
  private readonly listener: MqttListener;
  private feed: CommandFeed | undefined;
  private cancelLook: () => void = () => {};

  /** Throws where its folder is not to be had. */
  constructor(options: EdgeRunningOptions) {
    this.options = options;
    const { settings, outlet, ledger, logging, observer, phase } = options;
    const { edge, retry } = settings;
    const { dir, maxBytes, maxAgeSeconds } = edge.spool;
    phase('spool', 'starting');
    const scheduler = systemScheduler;
    const warn = (message: string): void => logging.logger.warn(message);
    this.spool = Spool.open({ folder: path.join(dir, 'spool'), maxBytes, scheduler, warn, ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }) });
    this.sessions = Sessions.open({ folder: path.join(dir, 'sessions'), warn, bounds: sessionBoundsOf(edge) });
    this.refused = new RefusedBin({ folder: path.join(dir, 'refused'), scheduler, warn });
    this.keeper = new StoringKeeper({
      spool: this.spool,
      outlet,
      scheduler,
      ledger,
      spoolAfterMs: edge.spool.afterMs,
      lateAfterMs: edge.lateSeconds * 1000,
      retry,
      drainPerSecond: edge.spool.drainPerSecond,
      makeRoom: edge.spool.whenFull === 'block' ? undefined : async () => void (await this.spool.dropOldestQos0(maxBytes / 16)),
      refuse: (message, fault, done) => this.refused.put(message, fault, done),
      onHeld: (topic, attempt, fault) => observer({ type: 'edge-held', topic, attempt, code: fault.code, message: fault.message }),
    });
    this.books = new EdgeBooks({ ledger, keeper: this.keeper, spool: this.spool });
    this.listener = new MqttListener({
      ...listenersOf(edge),
      keeper: this.keeper,
      access: new Accounts(accessOf(edge)),
      sessions: this.sessions,
      persistence: this.sessions,
      qos0: edge.qos0,
      limits: limitsOf(edge),
      onEvent: (event) => {
        if (event.kind === 'refused')
          observer({ type: 'edge-refused', reason: event.reason, clientId: event.clientId, address: event.address, detail: event.detail });
        else if (event.kind === 'slow-client')
          observer({ type: 'edge-slow-client', clientId: event.clientId, address: event.address, waitingBytes: event.waitingBytes });
        else if (event.kind === 'fault') observer({ type: 'edge-fault', clientId: event.clientId, message: event.error.message });
      },
    });
  }

  /** Resolves when devices can connect; hands them commands from then on. Rejects where a port is not to be had. */
  async listen(signal: AbortSignal): Promise<void> {
    const { settings, outlet, phase, logging } = this.options;
    this.look();
    phase('listener', 'starting');
    const ports = await this.listener.start();
    phase('listener', 'ready');
    this.publishStrandedWills();
    logging.logger.info({ ...ports, kept: this.spool.stats().messages }, 'devices can connect');
    if (outlet.unavailable !== undefined) {
      logging.logger.info(
        { reason: outlet.unavailable.message },
        'not connected to RabbitMQ yet: what devices publish is kept on disk, and goes out when it is there',
      );
    }
    if (settings.edge.commands.length > 0) this.follow(signal);
  }

  /** Messages that would be lost if the process ended now; their devices have no acknowledgement. */
  unsafe(): number {
    return this.keeper.bareCount;
  }

  /** Lets devices go, and hands nothing more to the outlet. */
  async halt(deadlineMs: number): Promise<void> {
    await this.feed?.close(CLOSE_MS);
    await this.listener.close(deadlineMs);
    this.keeper.halt();
  }

  /** Halts, waits for what the outlet has, and writes the rest to the disk. Answers whether everything is safe. */
  async stop(deadlineMs: number): Promise<boolean> {
    await this.halt(deadlineMs);
    await this.keeper.close(deadlineMs);
    // What is on its way to the disk gets there, or fails.
    await this.spool.close();
    return this.keeper.bareCount === 0;
  }

  async close(): Promise<void> {
    this.cancelLook();
    await this.feed?.close(CLOSE_MS);
    await this.listener.close(0);
    await this.spool.close();
    await this.sessions.destroy();
    await this.refused.close();
  }

  state(): EdgeState {
    const { outlet, settings, ledger } = this.options;
    const held = this.books.held();
    const { counters } = this.listener;
    const { live, spooled, copied, late, setbacks } = this.keeper.counts;
    const away = outlet.unavailable;
    const spool = this.spool.stats();
    return {
      connected: away === undefined,
      away: away?.message,
      connections: counters.clientsNow,
      connectionsAccepted: counters.accepted,
      refusals: counters.refused,
      ledger: { ...ledger.messages },
      owed: held,
      imbalance: owed(ledger.messages) - held,
      publishes: counters.publishes,
      heldMessages: counters.heldMessagesNow,
      heldBytes: counters.heldBytesNow,
      slowClients: counters.slowClosed,
      tookOver: counters.tookOver,
      live,
      spooled,
      copied,
      late,
      setbacks: { ...setbacks },
      topicsHeld: this.keeper.topicsHeld,
      waitingForRoom: this.keeper.waitingForRoom,
      spool: { ...spool, maxBytes: settings.edge.spool.maxBytes },
      sessions: this.sessions.stats(),
      refused: this.refused.count,
    };
  }

  /** Wills of the connections that the end of an earlier process cut. */
  private publishStrandedWills(): void {
    for (const will of this.sessions.strandedWills()) {
      const { topic, payload, qos, retain } = will.packet;
      const message = {
        topic,
        payload: Buffer.from(payload),
        qos: qos as 0 | 1 | 2,
        retain: retain === true,
        dup: false,
        clientId: will.clientId,
        receivedAt: Date.now(),
      };
      const kept = new Promise<void>((resolve, reject) => {
        this.keeper.keep(message, (error) => (error === undefined ? resolve() : reject(error)));
      });
      // What fails comes again with the next start.
      kept
        .then(async () => await this.listener.publish(message))
        .then(
          () => will.settle(),
          () => undefined,
        );
    }
  }

  /** Hands devices what comes for them from RabbitMQ. */
  private follow(signal: AbortSignal): void {
    const { settings, observer, logging, onBug } = this.options;
    this.feed = new CommandFeed({
      settings,
      observer,
      scheduler: systemScheduler,
      onBug,
      warn: (message) => logging.logger.warn(message),
      hand: async (message) => await this.listener.publish(message),
    });
    this.feed.start(signal);
  }

  /** A spool that takes nothing is not ready: devices wait. */
  private look(): void {
    const { refusing } = this.spool.stats();
    const reason = refusing === 'full' ? 'full: devices wait (edge.spool.maxBytes)' : 'the disk takes nothing: devices wait while RabbitMQ is away';
    if (refusing === undefined) this.options.phase('spool', 'ready');
    else this.options.phase('spool', 'degraded', reason);
    this.cancelLook = systemScheduler.after(LOOK_MS, () => this.look());
  }
}
