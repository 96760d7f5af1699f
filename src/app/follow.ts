import type { Observer, Phase } from '../domain/events.ts';
import type { Session } from '../rabbit/session.ts';

type Tell = (component: 'broker' | 'topology' | 'source' | 'ledger', phase: Phase, reason?: string) => void;

/** What events say about the components of a gateway. `suspicion`: why its source takes messages one at a time. */
export function followEvents(phase: Tell, suspicion: () => string | undefined): Observer {
  return (event) => {
    if (event.type === 'ledger-imbalance') phase('ledger', 'degraded', event.reason);
    else if (event.type === 'ledger-balanced') phase('ledger', 'ready');
    else if (event.type === 'binding-missing') phase('topology', 'degraded', event.reason);
    else if (event.type === 'binding-restored') phase('topology', 'ready');
    else if (event.type === 'poison-suspected') phase('source', 'degraded', event.reason);
    else if (suspicion() !== undefined) return;
    else if (event.type === 'source-attached') phase('source', 'ready');
    else if (event.type === 'source-detached') phase('source', 'degraded', event.reason);
  };
}

/** The broker is ready while all sessions are. */
export function followSessions(sessions: readonly Session[], phase: Tell): void {
  const follow = (): void => {
    const bad = sessions.find((session) => session.state !== 'ready');
    if (bad === undefined) phase('broker', 'ready');
    else phase('broker', 'degraded', `${bad.name} connection is ${bad.state}${bad.reason === undefined ? '' : `: ${bad.reason}`}`);
  };
  for (const session of sessions) session.onChange(follow);
  follow();
}
