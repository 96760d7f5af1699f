import { defaultCodecs } from '../codec/registry.ts';
import { idSource, instanceName } from '../pipeline/ids.ts';
import { LetterPlanner } from '../pipeline/letter-plan.ts';
import { compileNormaliser } from '../pipeline/normaliser.ts';
import { Router } from '../pipeline/router.ts';
import { systemScheduler } from '../pipeline/scheduler.ts';
import { AmqpLetterDesk } from '../rabbit/letter-desk.ts';
import { Session, SessionError } from '../rabbit/session.ts';
import { tlsOptions } from '../rabbit/tls.ts';
import type { Settings } from '../settings/load.ts';
import { CommandError, EXIT } from './command.ts';
import type { DeadOptions } from './dead-options.ts';
import { brokerUrls, settingsOrExplain } from './settings.ts';

const ANSWER_MS = 10_000;
const CLOSE_MS = 1500;
const CONFIRM_MS = 30_000;

export interface OpenDesk {
  readonly desk: AmqpLetterDesk;
  readonly planner: LetterPlanner | undefined;
  close(): Promise<void>;
}

/** Connects. Rejects with a CommandError. */
export async function openDesk(options: DeadOptions, env: NodeJS.ProcessEnv, warn: (line: string) => void): Promise<OpenDesk> {
  const settings = options.config === undefined ? undefined : (await settingsOrExplain(options.config, env, { codecs: defaultCodecs() })).settings;
  const urls = (options.url === undefined ? settings?.rabbitmq.urls : undefined) ?? brokerUrls(options.url, env);
  const session = (name: string): Session =>
    new Session({
      name,
      urls,
      tls: tlsOptions(settings?.rabbitmq.tls),
      heartbeatSeconds: settings?.rabbitmq.heartbeatSeconds ?? 5,
      connectTimeoutMs: ANSWER_MS,
      failFast: true,
      observer: () => {},
      scheduler: systemScheduler,
    });
  // Two, because a broker that blocks publishers would stop the acks on the same connection.
  const sessions = options.verb === 'replay' ? [session('sluice-dead/read'), session('sluice-dead/publish')] : [session('sluice-dead/read')];
  // The scheduler's timers let a process end: between two answers nothing else may be open.
  const alive = setInterval(() => {}, 60_000);
  const close = async (): Promise<void> => {
    await Promise.all(sessions.map(async (each) => await each.close(CLOSE_MS)));
    clearInterval(alive);
  };
  try {
    // One round over all URLs and a little more: somebody waits at a terminal.
    const deadline = AbortSignal.timeout(ANSWER_MS * urls.length + 1000);
    await Promise.all(sessions.map(async (each) => await each.start(deadline)));
  } catch (error) {
    await close();
    if (error instanceof SessionError) throw new CommandError(EXIT.unavailable, error.message);
    throw error;
  }
  const [reading, publishing = reading] = sessions as [Session, Session?];
  const desk = new AmqpLetterDesk({
    reading,
    publishing,
    queue: options.queue ?? settings?.deadLetters.queue ?? 'sluice.dead',
    ingestQueue: options.to ?? settings?.source.queue ?? 'sluice.ingest',
    nextId: idSource(instanceName(), 'r'),
    confirmTimeoutMs: CONFIRM_MS,
    timeoutMs: ANSWER_MS,
    turnMs: ANSWER_MS,
    scheduler: systemScheduler,
  });
  return { desk, planner: options.dryRun && settings !== undefined ? plannerOf(settings, warn) : undefined, close };
}

function plannerOf({ profiles, limits, routes }: Settings, warn: (line: string) => void): LetterPlanner {
  const normaliser = compileNormaliser(profiles, defaultCodecs(), limits, 'dry-run');
  const rules = { normaliser, router: new Router(routes, (route, message) => warn(`route "${route}": ${message}`)) };
  return new LetterPlanner(
    () => rules,
    () => Date.now(),
  );
}
