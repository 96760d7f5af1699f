import { CodecSurroundings } from './codec-environment.ts';
import type { Observer } from '../domain/events.ts';
import type { Ledger } from '../domain/ledger.ts';
import type { Dedupe } from '../pipeline/dedupe.ts';
import { Forwarder } from '../pipeline/forwarder.ts';
import { Graveyard } from '../pipeline/graveyard.ts';
import { idSource } from '../pipeline/ids.ts';
import type { Onlooker } from '../pipeline/onlooker.ts';
import { RecentMessages } from '../pipeline/recent-messages.ts';
import { Permits } from '../pipeline/permits.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { AmqpDeadLetters } from '../rabbit/dead-letters.ts';
import type { Session } from '../rabbit/session.ts';
import { AmqpSink } from '../rabbit/sink.ts';
import { rulesFactory } from './rules-of.ts';
import type { Settings } from '../settings/load.ts';

/** Messages, and bytes of their payloads, that are kept to try other settings on. */
const RECENT = 1000;
const RECENT_BYTES = 4_194_304;

export interface PipelineParts {
  readonly settings: Settings;
  readonly configVersion: string;
  readonly instance: string;
  /** The publishing one. */
  readonly session: Session;
  readonly ledger: Ledger;
  readonly dedupe: Dedupe;
  readonly scheduler: Scheduler;
  readonly observer: Observer;
  readonly onlooker: Onlooker;
  /** Aborts every wait. */
  readonly signal: AbortSignal;
  /** For every single answer of the broker that is not a confirm. */
  readonly answerMs: number;
  readonly warn: (message: string) => void;
  /** Makes everything unsettled come again. */
  readonly takeBack: () => Promise<void>;
}

export interface Pipeline {
  readonly surroundings: CodecSurroundings;
  readonly forwarder: Forwarder;
  /** The last messages, to try other settings on. */
  readonly recent: RecentMessages;
  /** Decides about the next message by other settings. Throws where they are wrong, and then changes nothing. */
  readonly use: (settings: Settings, version: string) => void;
  /** Closes its channels; what is unconfirmed counts as not sent. Never rejects. */
  readonly close: (deadlineMs: number) => Promise<void>;
}

/** From a delivery to its destinations and the dead letters: the part of the gateway that settings describe. */
export function buildPipeline(parts: PipelineParts): Pipeline {
  const { settings, configVersion, takeBack, instance, session, ledger, dedupe, scheduler, observer, onlooker, signal, answerMs, warn } = parts;
  const { gateway, rabbitmq, retry } = settings;
  const publisher = {
    session,
    confirmTimeoutMs: rabbitmq.confirmTimeoutSeconds * 1000,
    channelTimeoutMs: answerMs,
    maxMessageBytes: rabbitmq.maxMessageBytes,
    scheduler,
  };
  const sink = new AmqpSink({ ...publisher, gateway: gateway.name });
  const deadLetters = new AmqpDeadLetters({
    ...publisher,
    // A dead letter is a message that the broker delivered, so the broker takes it back, however large.
    maxMessageBytes: Number.MAX_SAFE_INTEGER,
    exchange: settings.deadLetters.exchange,
  });
  const shared = { ledger, retry, scheduler, observer, onlooker, signal };
  const graveyard = new Graveyard({
    ...shared,
    sink: deadLetters,
    nextId: idSource(instance, 'd'),
    concurrency: settings.deadLetters.concurrency,
    config: () => rules.config,
    onIdle: () => forwarder.checkIdle(),
  });
  const surroundings = new CodecSurroundings({
    instance,
    session,
    exchange: settings.source.exchange,
    stateDir: gateway.stateDir,
    channelTimeoutMs: answerMs,
    scheduler,
    warn,
  });
  const compile = rulesFactory({ instance, surroundings, onRuleFailure: (route, message) => observer({ type: 'rule-failed', route, message }) });
  let rules = compile(settings, configVersion);
  const recent = new RecentMessages(RECENT, RECENT_BYTES);
  const forwarder = new Forwarder({
    ...shared,
    rules,
    recent,
    sink,
    graveyard,
    dedupe,
    permits: new Permits(rabbitmq.maxInFlightBatches, rabbitmq.maxInFlightBytes),
    nextId: idSource(instance, 'b'),
    maxDeliveries: settings.source.maxDeliveries,
    prefetch: settings.source.prefetch,
    takeBack,
  });
  const use = (newer: Settings, version: string): void => {
    rules = compile(newer, version);
    forwarder.use(rules);
  };
  const close = async (deadlineMs: number): Promise<void> => void (await Promise.all([sink.close(deadlineMs), deadLetters.close(deadlineMs)]));
  return { surroundings, forwarder, recent, use, close };
}
