import { USUAL } from '../scenario.ts';
import type { Row } from './row.ts';

/** How long a start takes, with the broker up and the topology in place. */
export function startRow(): Row {
  const names = { node: 'node -e 0', 'sluice-version': 'sluice --version', 'sluice-ready': 'sluice run, until /readyz says yes' };
  return {
    kind: 'start',
    name: 'start',
    title: 'Start-up',
    rounds: 10,
    subjects: Object.entries(names).map(([contender, label]) => ({ label, contender, scenario: USUAL })),
  };
}
