import type { Settings } from '../settings/load.ts';

const COMPONENTS = ['http', 'broker', 'topology', 'source', 'ledger'] as const;
const EDGE_COMPONENTS = ['http', 'listener', 'spool', 'ledger'] as const;
const SESSIONS = ['consume', 'publish'] as const;

export type Component = (typeof COMPONENTS | typeof EDGE_COMPONENTS)[number];
export type SessionName = (typeof SESSIONS)[number];

/** The parts of a gateway or an edge that have a state, by the names under which it is shown. */
export interface Names {
  readonly components: readonly Component[];
  readonly sessions: readonly string[];
  /** Components that readiness is about; undefined: all. With an edge it is what devices need: what the others cannot take is kept. */
  readonly needed: readonly Component[] | undefined;
}

export function namesOf({ mode, commands }: Settings['edge']): Names {
  if (mode === 'off') return { components: COMPONENTS, sessions: SESSIONS, needed: undefined };
  const following = commands.length === 0 ? [] : ['commands'];
  if (mode === 'bridge') return { components: EDGE_COMPONENTS, sessions: ['publish', ...following], needed: undefined };
  return { components: [...new Set<Component>([...COMPONENTS, ...EDGE_COMPONENTS])], sessions: [...SESSIONS, ...following], needed: EDGE_COMPONENTS };
}
