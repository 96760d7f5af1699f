import type { FastifyPluginAsync } from 'fastify';
import { deadLetters } from '../http/dead-letters.ts';
import { idSource } from '../pipeline/ids.ts';
import { LetterPlanner } from '../pipeline/letter-plan.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import type { Rules } from '../pipeline/rules.ts';
import { AmqpLetterDesk } from '../rabbit/letter-desk.ts';
import type { Session } from '../rabbit/session.ts';
import type { Settings } from '../settings/load.ts';

/** For every single answer of the broker that is not a confirm. */
const ANSWER_MS = 10_000;
/** How long a request waits for another that reads the letters. */
const TURN_MS = 5000;

export interface DeadLetterPagesOptions {
  readonly settings: Settings;
  /** Not the gateway's own: a dry run must not teach its codecs anything. */
  readonly rules: () => Rules;
  readonly instance: string;
  readonly consuming: Session;
  readonly publishing: Session;
  readonly scheduler: Scheduler;
  readonly logger: { info(fields: object, message: string): void };
}

/** The dead letters of a gateway over HTTP, on channels of their own on its connections. */
export function deadLetterPages(options: DeadLetterPagesOptions): FastifyPluginAsync {
  const { settings, instance, scheduler, logger } = options;
  const { rabbitmq } = settings;
  const desk = new AmqpLetterDesk({
    reading: options.consuming,
    publishing: options.publishing,
    queue: settings.deadLetters.queue,
    ingestQueue: settings.source.queue,
    nextId: idSource(instance, 'r'),
    confirmTimeoutMs: rabbitmq.confirmTimeoutSeconds * 1000,
    timeoutMs: ANSWER_MS,
    turnMs: TURN_MS,
    scheduler,
  });
  const planner = new LetterPlanner(options.rules, () => scheduler.now());
  return deadLetters({ desk, planner, now: () => scheduler.now(), log: (message, fields) => logger.info(fields, message) });
}
