import { type Fault, fault } from '../domain/fault.ts';
import type { Session } from './session.ts';

/** Why publishing on this session makes no sense now; undefined when it does. */
export function unavailability(session: Session): Fault | undefined {
  if (session.state === 'ready') return undefined;
  if (session.state === 'blocked') return fault('BLOCKED', session.reason ?? 'the broker blocks publishers');
  return fault('NOT_CONNECTED', session.reason ?? `session ${session.name} is ${session.state}`);
}

/** Calls back whenever the session becomes able to publish. Answers how to stop. */
export function onAvailable(session: Session, listener: () => void): () => void {
  let away = session.state !== 'ready';
  return session.onChange(() => {
    const was = away;
    away = session.state !== 'ready';
    if (was && !away) listener();
  });
}
