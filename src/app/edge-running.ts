import path from 'node:path';
import type { EdgeState } from '../domain/edge-state.ts';
import type { Observer } from '../domain/events.ts';
import type { Ledger } from '../domain/ledger.ts';
import { Accounts } from '../edge/access/accounts.ts';
import { StoringKeeper } from '../edge/keeper.ts';
import { MqttListener } from '../edge/mqtt/listener.ts';
import { Sessions } from '../edge/session/sessions.ts';
import { Spool } from '../edge/spool/spool.ts';
import type { Logging } from '../observe/logging.ts';
import { systemScheduler } from '../pipeline/scheduler.ts';
import type { AmqpBridge } from '../rabbit/bridge.ts';
import type { Settings } from '../settings/load.ts';
import { CommandFeed } from './command-feed.ts';
import { EdgeBooks } from './edge-books.ts';
import { accessOf, limitsOf, listenersOf, sessionBoundsOf } from './edge-parts.ts';
import { RefusedBin } from './refused-bin.ts';

const CLOSE_MS = 1500;

export interface EdgeRunningOptions {
  readonly settings: Settings;
  readonly bridge: AmqpBridge;
  readonly ledger: Ledger;
  readonly logging: Logging;
  readonly observer: Observer;
  readonly onBug: (error: unknown) => void;
}

/** What an edge has once its folder is its own. */
export class EdgeRunning {
  readonly books: EdgeBooks;
  private readonly options: EdgeRunningOptions;
  private readonly spool: Spool;
  private readonly sessions: Sessions;
  private readonly refused: RefusedBin;
  private readonly keeper: StoringKeeper;
  private readonly listener: MqttListener;
  private feed: CommandFeed | undefined;

  constructor(options: EdgeRunningOptions) {
    this.options = options;
    const { settings, bridge, ledger, logging, observer } = options;
    const { edge, retry } = settings;
    const { dir, maxBytes, maxAgeSeconds } = edge.spool;
    const scheduler = systemScheduler;
    const warn = (message: string): void => logging.logger.warn(message);
    this.spool = Spool.open({ folder: path.join(dir, 'spool'), maxBytes, scheduler, warn, ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }) });
    this.sessions = Sessions.open({ folder: path.join(dir, 'sessions'), warn, bounds: sessionBoundsOf(edge) });
    this.refused = new RefusedBin({ folder: path.join(dir, 'refused'), scheduler, warn });
    this.keeper = new StoringKeeper({
      spool: this.spool,
      outlet: bridge,
      scheduler,
      ledger,
      spoolAfterMs: edge.spool.afterMs,
      lateAfterMs: edge.bridge.lateSeconds * 1000,
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

  async listen(): Promise<{ readonly tcp?: number; readonly tls?: number; readonly ws?: number }> {
    const ports = await this.listener.start();
    // Wills of the connections that the end of an earlier process cut.
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
    return ports;
  }

  /** Hands devices what comes for them from RabbitMQ. */
  follow(signal: AbortSignal): void {
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

  /** Messages that would be lost if the process ended now; their devices have no acknowledgement. */
  unsafe(): number {
    return this.keeper.bareCount;
  }

  async stop(deadlineMs: number): Promise<boolean> {
    await this.feed?.close(CLOSE_MS);
    await this.listener.close(deadlineMs);
    return await this.keeper.close(deadlineMs);
  }

  async close(): Promise<void> {
    await this.feed?.close(CLOSE_MS);
    await this.listener.close(0);
    await this.spool.close();
    await this.sessions.destroy();
    await this.refused.close();
  }

  state(): EdgeState {
    const { bridge, settings } = this.options;
    const { counters } = this.listener;
    const { live, spooled, copied, late, setbacks } = this.keeper.counts;
    const away = bridge.unavailable;
    const spool = this.spool.stats();
    return {
      connected: away === undefined,
      away: away?.message,
      connections: counters.clientsNow,
      connectionsAccepted: counters.accepted,
      refusals: counters.refused,
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
}
