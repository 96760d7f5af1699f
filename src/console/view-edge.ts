import type { Counts, EdgeView, SpoolView } from './api-edge.ts';
import { type EdgeLive, sum } from './edge-live.ts';
import { el } from './dom.ts';
import { bytes, count, duration, plural, short } from './format.ts';
import { LedgerLine } from './ledger-line.ts';
import { Facts, section, Tile } from './parts.ts';
import { Plot } from './plot.ts';
import type { Frame, View } from './view.ts';

const SPAN_MS = 600_000;
/** A spool fuller than this wants to be looked at. */
const NEARLY_FULL = 0.8;

/** The edge: what devices publish, what of it is kept on disk, and for how long. */
export function edge(live: EdgeLive): (frame: Frame) => View {
  return ({ signal }) => {
    const tiles = {
      broker: new Tile('RabbitMQ'),
      devices: new Tile('Connected'),
      published: new Tile('Published'),
      forwarded: new Tile('Forwarded'),
      kept: new Tile('On disk'),
      oldest: new Tile('Oldest on disk'),
    };
    const common = { caption: '', height: 190, spanMs: SPAN_MS, format: short, signal };
    const rates = new Plot({
      ...common,
      title: 'Messages per second',
      lines: [
        { name: 'published', colour: '1' },
        { name: 'forwarded', colour: '2', dash: [6, 3] },
      ],
    });
    const depth = new Plot({ ...common, title: 'Messages on disk', lines: [{ name: 'messages', colour: '4' }] });
    const ledger = new LedgerLine();
    const [way, spool, devices, refused] = [new Facts(), new Facts(), new Facts(), new Facts()];
    const none = el('p', { class: 'quiet' }, 'Nothing so far.');

    live.onEvent((state) => {
      setTiles(tiles, state, live.points.at(-1));
      ledger.set('edge', [{ what: 'messages', tally: state.ledger, owed: state.owed, off: state.imbalance }]);
      way.set(wayOf(state));
      spool.set(spoolOf(state.spool));
      devices.set([...listenerOf(state), ...sessionsOf(state)]);
      refused.set([...countsOf(state.refusals), ...countsOf(state.sessions.losses)]);
      none.hidden = sum(Object.values(state.refusals)) + sum(Object.values(state.sessions.losses)) > 0;
      const at = live.points.map((point) => point.at);
      rates.set(at, [live.points.map(({ published }) => published), live.points.map(({ forwarded }) => forwarded)]);
      depth.set(at, [live.points.map(({ kept }) => kept)]);
    }, signal);

    return {
      title: 'Edge',
      element: el(
        'div',
        { class: 'overview' },
        el('dl', { class: 'tiles' }, ...Object.values(tiles).map(({ element }) => element)),
        el('div', { class: 'two' }, section('Messages per second', rates.element), section('Messages on disk', depth.element)),
        el('div', { class: 'two' }, section('From here to RabbitMQ', way.element, ledger.element), section('Spool', spool.element)),
        el('div', { class: 'two' }, section('Devices', devices.element), section('Not accepted, and lost to bounds', refused.element, none)),
      ),
    };
  };
}

function setTiles(
  { broker, devices, published, forwarded, kept, oldest }: Readonly<Record<'broker' | 'devices' | 'published' | 'forwarded' | 'kept' | 'oldest', Tile>>,
  state: EdgeView,
  now: EdgeLive['points'][number] | undefined,
): void {
  const { messages, bytes: used, maxBytes, oldestAt, refusing } = state.spool;
  broker.set(state.connected ? 'connected' : 'away', state.connected ? '' : 'messages are kept here', state.connected ? 'off' : 'warn');
  devices.set(count(state.connections), `${count(state.connectionsAccepted)} accepted so far`);
  published.set(`${short(now?.published)}/s`, `${count(sum(state.publishes))} so far`);
  forwarded.set(`${short(now?.forwarded)}/s`, `${count(state.ledger.forwarded)} so far`);
  kept.set(count(messages), `messages, ${bytes(used)} of ${bytes(maxBytes)}`, refusing !== undefined || used > maxBytes * NEARLY_FULL ? 'warn' : 'off');
  const age = oldestAt === undefined ? undefined : Math.max(0, Date.now() - oldestAt);
  oldest.set(age === undefined ? 'none' : duration(Math.floor(age / 1000) * 1000), state.late === 0 ? '' : `${count(state.late)} were late so far`);
}

type Pairs = (readonly [name: string, value: string])[];

function wayOf({ live, spooled, copied, heldMessages, heldBytes, topicsHeld, waitingForRoom, refused, setbacks }: EdgeView): Pairs {
  return [
    ['Passed on at once', count(live)],
    ['Through the spool', count(spooled)],
    ['Copied to the spool, for the confirm took long', count(copied)],
    ['Not acknowledged yet', `${plural(heldMessages, 'message')}, ${bytes(heldBytes)}`],
    ['Waiting for room', nonzero(waitingForRoom)],
    ['Topics held', nonzero(topicsHeld)],
    ['Refused for good, kept apart', nonzero(refused)],
    ...countsOf(setbacks).map(([code, n]) => [`Refused for now: ${code}`, n] as const),
  ];
}

function spoolOf({ messages, bytes: used, maxBytes, lost, damagedRegions, expired, droppedQos0, syncs, lastSyncMs, failures }: SpoolView): Pairs {
  return [
    ['Messages', count(messages)],
    ['Size', `${bytes(used)} of ${bytes(maxBytes)}`],
    ['Written to the disk', syncs === 0 ? 'never yet' : `${plural(syncs, 'time')}, the last one in ${duration(lastSyncMs)}`],
    ['Failures of the disk', nonzero(failures)],
    ['Lost to damage', damagedRegions === 0 ? '' : `${plural(lost, 'message')} in ${plural(damagedRegions, 'place')}`],
    ['Too old', nonzero(expired)],
    ['QoS 0 given up for room', nonzero(droppedQos0)],
  ];
}

function listenerOf({ publishes, slowClients, tookOver }: EdgeView): Pairs {
  return [
    ['Published', publishes.map((n, qos) => `${count(n)} of QoS ${qos}`).join(', ')],
    ['Taken over by the same client', nonzero(tookOver)],
    ['Closed because they did not read', nonzero(slowClients)],
  ];
}

function sessionsOf({ sessions: { sessions, subscriptions, queuedMessages, retained } }: EdgeView): Pairs {
  return [
    ['Sessions', count(sessions)],
    ['Subscriptions', count(subscriptions)],
    ['Queued for devices', plural(queuedMessages, 'message')],
    ['Retained', plural(retained, 'message')],
  ];
}

/** Reasons as they are called in the metrics. */
function countsOf(counts: Counts): Pairs {
  return Object.entries(counts).map(([reason, n]) => [reason, nonzero(n)] as const);
}

function nonzero(n: number): string {
  return n === 0 ? '' : count(n);
}
