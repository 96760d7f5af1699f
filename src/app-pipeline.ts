import { CodecSurroundings } from './codec-environment.ts';
import { defaultCodecs } from './codec/registry.ts';
import type { Observer } from './domain/events.ts';
import type { Ledger } from './domain/ledger.ts';
import type { Dedupe } from './pipeline/dedupe.ts';
import { Forwarder } from './pipeline/forwarder.ts';
import { Graveyard } from './pipeline/graveyard.ts';
import { idSource } from './pipeline/ids.ts';
import { compileNormaliser } from './pipeline/normaliser.ts';
import type { Onlooker } from './pipeline/onlooker.ts';
import { Permits } from './pipeline/permits.ts';
import type { Scheduler } from './pipeline/ports.ts';
import { Router } from './pipeline/router.ts';
import { AmqpDeadLetters } from './rabbit/dead-letters.ts';
import type { Session } from './rabbit/session.ts';
import { AmqpSink } from './rabbit/sink.ts';
import type { Settings } from './settings/load.ts';
import { needsState } from './topology-options.ts';

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
}

export interface Pipeline {
  readonly sink: AmqpSink;
  readonly deadLetters: AmqpDeadLetters;
  readonly surroundings: CodecSurroundings;
  readonly forwarder: Forwarder;
}

/** From a delivery to its destinations and the dead letters: the part of the gateway that settings describe. */
export function buildPipeline(parts: PipelineParts): Pipeline {
  const { settings, configVersion, instance, session, ledger, dedupe, scheduler, observer, onlooker, signal, answerMs, warn } = parts;
  const { gateway, rabbitmq, routes, limits, profiles, retry } = settings;
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
    config: configVersion,
  });
  const shared = { ledger, retry, scheduler, observer, onlooker, signal };
  const graveyard = new Graveyard({
    ...shared,
    sink: deadLetters,
    nextId: idSource(instance, 'd'),
    concurrency: settings.deadLetters.concurrency,
    onIdle: () => forwarder.checkIdle(),
  });
  const surroundings = new CodecSurroundings({
    instance,
    needed: needsState(profiles),
    session,
    exchange: settings.source.exchange,
    stateDir: gateway.stateDir,
    channelTimeoutMs: answerMs,
    scheduler,
    warn,
  });
  const forwarder = new Forwarder({
    ...shared,
    normaliser: compileNormaliser(profiles, defaultCodecs(), limits, instance, surroundings.environment),
    router: new Router(routes, (route, message) => observer({ type: 'rule-failed', route, message })),
    sink,
    graveyard,
    dedupe,
    permits: new Permits(rabbitmq.maxInFlightBatches, rabbitmq.maxInFlightBytes),
    nextId: idSource(instance, 'b'),
    maxDeliveries: settings.source.maxDeliveries,
  });
  return { sink, deadLetters, surroundings, forwarder };
}
