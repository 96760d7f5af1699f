import { systemScheduler } from '../pipeline/scheduler.ts';
import { TopologyError } from '../rabbit/assert-topology.ts';
import type { Connection } from '../rabbit/connection.ts';
import { Session, SessionError } from '../rabbit/session.ts';
import { sessionOptions } from '../app/session-options.ts';
import type { Settings } from '../settings/load.ts';
import { CommandError, EXIT } from './command.ts';

const CLOSE_MS = 1500;

/** Connects as the settings say, for one command. Throws a `CommandError` where the broker is not to be had or refuses. */
export async function withBroker<T>(settings: Settings, name: string, use: (connection: Connection) => Promise<T>): Promise<T> {
  const options = { ...sessionOptions(settings, name), connectionName: name };
  const session = new Session({ ...options, observer: () => {}, scheduler: systemScheduler });
  // The scheduler's timers let a process end: between two attempts nothing else is open.
  const alive = setInterval(() => {}, 60_000);
  try {
    // One round over all URLs and a little more: somebody waits at a terminal.
    await session.start(AbortSignal.timeout(options.connectTimeoutMs * options.urls.length + 1000));
    const connection = session.current;
    if (connection === undefined) throw new CommandError(EXIT.unavailable, session.reason ?? 'the connection was lost');
    return await use(connection);
  } catch (error) {
    if (error instanceof SessionError || error instanceof TopologyError) throw new CommandError(EXIT.unavailable, error.message);
    throw error;
  } finally {
    await session.close(CLOSE_MS);
    clearInterval(alive);
  }
}
