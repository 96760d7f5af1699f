import type { EdgeView } from './api-edge.ts';
import { count, plural } from './format.ts';
import type { Freshness } from './freshness.ts';
import { silence, type Verdict } from './verdict.ts';

type Trouble = readonly [word: string, title: string, reason: string];

/** What the page of an edge says at its top: the first trouble, and the reasons of all of them. */
export function edgeVerdict(freshness: Freshness, now: number, state: EdgeView | undefined): Verdict {
  const silent = silence(freshness, now, 'edge');
  if (silent !== undefined) return silent;
  const troubles = state === undefined ? [] : troublesOf(state);
  const [first] = troubles;
  if (first === undefined) return { level: 'ok', word: 'Ready', title: 'Ready', reasons: [] };
  const [word, title] = first;
  return { level: 'bad', word, title, reasons: troubles.map(([, , reason]) => reason) };
}

/** The worst first. */
function troublesOf({ connected, away, imbalance, spool, topicsHeld, setbacks, waitingForRoom }: EdgeView): Trouble[] {
  const troubles: Trouble[] = [];
  if (imbalance !== 0) {
    troubles.push([
      'Books',
      'The books of the edge do not balance.',
      `The ledger is off by ${plural(Math.abs(imbalance), 'message')}: a bug of the edge; please report it.`,
    ]);
  }
  const waits = waitingForRoom > 0 ? `; ${plural(waitingForRoom, 'message waits', 'messages wait')} for room` : '';
  if (spool.refusing === 'full') {
    const room = `The spool holds all that edge.spool.maxBytes allows${waits}.`;
    troubles.push(['Full', 'The spool is full. Devices wait for their acknowledgements; nothing that was acknowledged is lost.', room]);
  } else if (spool.refusing !== undefined) {
    const disk = `The folder of the spool cannot be written to (${plural(spool.failures, 'failure')} so far)${waits}.`;
    troubles.push(['Disk', 'The disk takes nothing. What RabbitMQ does not take, devices have to keep.', disk]);
  }
  if (!connected) {
    troubles.push([
      'Broker away',
      'RabbitMQ is away. What devices publish is kept on disk; the edge goes on by itself when it is back.',
      away ?? 'not connected to RabbitMQ',
    ]);
  }
  if (topicsHeld > 0) {
    const why = Object.entries(setbacks)
      .map(([code, n]) => `${code} (${count(n)})`)
      .join(', ');
    troubles.push([
      'Held',
      `${topicsHeld === 1 ? 'One topic is' : `${count(topicsHeld)} topics are`} held. Nothing is lost: what comes on them is kept.`,
      `RabbitMQ has refused messages for now${why === '' ? '' : `: ${why}`}.`,
    ]);
  }
  return troubles;
}
