import type { ComponentView, DeviceSummary, SessionView, Status } from './api.ts';
import { writeSummary } from './device-summary.ts';
import { el, fill } from './dom.ts';
import { Flow } from './flow.ts';
import { bytes, duration, short, visible } from './format.ts';
import { LedgerLine } from './ledger-line.ts';
import { get, repeat } from './net.ts';
import { chip, levelOf, section, Tile } from './parts.ts';
import { Plot } from './plot.ts';
import type { Context, View } from './view.ts';

const STATUS_MS = 2000;
const SUMMARY_MS = 5000;
const SPAN_MS = 600_000;

export function overview(context: Context): View {
  const { live, signal } = context;
  const flow = new Flow();
  const tiles = {
    received: new Tile('Received'),
    forwarded: new Tile('Forwarded'),
    dead: new Tile('Dead-lettered'),
    latency: new Tile('Latency p99'),
    lag: new Tile('Behind by'),
    process: new Tile('Processor'),
  };
  const common = { height: 190, spanMs: SPAN_MS, signal };
  const throughput = new Plot({
    ...common,
    title: 'Throughput per second',
    caption: '',
    format: short,
    lines: [
      { name: 'received', colour: '1' },
      { name: 'forwarded', colour: '2', dash: [6, 3] },
      { name: 'dead-lettered', colour: '4', dash: [2, 2] },
      { name: 'filtered', colour: '3', dash: [1, 4] },
    ],
  });
  const latency = new Plot({
    ...common,
    title: 'Time from receipt to confirm',
    caption: '',
    format: duration,
    lines: [
      { name: 'half within', colour: '1' },
      { name: '99 % within', colour: '4', dash: [6, 3] },
    ],
  });
  const ledger = new LedgerLine();
  const health = el('ul', { class: 'health' });
  let shownHealth = '';

  live.onEvent((event) => {
    const { rates, latencyMs, process } = event;
    tiles.received.set(`${short(rates.received)}/s`, `${short(rates.readings)} readings/s`);
    tiles.forwarded.set(`${short(rates.forwarded)}/s`, `${bytes(rates.bytes)}/s`);
    tiles.dead.set(`${short(rates.deadLettered)}/s`, `${short(rates.filtered)}/s filtered`, rates.deadLettered > 0 ? 'warn' : 'off');
    tiles.latency.set(duration(latencyMs.gateway?.p99), `half within ${duration(latencyMs.gateway?.p50)}`);
    tiles.lag.set(duration(event.lagMs), latencyMs.device === null ? 'no device times' : `device to confirm ${duration(latencyMs.device.p50)}`);
    tiles.process.set(`${Math.round(process.cpu * 100)} %`, `of a core, ${bytes(process.rssBytes)}`);
    flow.set(event);
    const at = live.points.map((point) => point.at);
    const column = (key: 'received' | 'forwarded' | 'deadLettered' | 'filtered' | 'gatewayP50' | 'gatewayP99'): (number | null)[] =>
      live.points.map((point) => point[key]);
    throughput.set(at, [column('received'), column('forwarded'), column('deadLettered'), column('filtered')]);
    latency.set(at, [column('gatewayP50'), column('gatewayP99')]);
    const state = JSON.stringify([event.flow.components, event.flow.sessions]);
    if (state !== shownHealth) {
      shownHealth = state;
      fill(health, ...event.flow.components.map(componentLine), ...event.flow.sessions.map(sessionLine));
    }
  }, signal);

  repeat(STATUS_MS, signal, async () => {
    const { ledger: books, inFlight, imbalance, uptimeSeconds } = await get<Status>('status', signal);
    const both = (['messages', 'items'] as const).map((what) => ({ what, tally: books[what], owed: inFlight[what], off: imbalance[what] }));
    ledger.set('gateway', both, ` (since ${duration(uptimeSeconds * 1000)})`);
  });
  const devices = el('div', { class: 'summary' });
  repeat(SUMMARY_MS, signal, async () => writeSummary(devices, await get<DeviceSummary>('api/devices/summary', signal)));

  return {
    title: 'Overview',
    element: el(
      'div',
      { class: 'overview' },
      el('dl', { class: 'tiles' }, ...Object.values(tiles).map(({ element }) => element)),
      section('Flow', flow.element, ledger.element),
      el('div', { class: 'two' }, section('Throughput per second', throughput.element), section('Latency, receipt to confirm', latency.element)),
      el('div', { class: 'two' }, section('Health', health), section('Devices', devices)),
    ),
  };
}

function componentLine({ name, phase, reason }: ComponentView): HTMLElement {
  return el(
    'li',
    {},
    el('span', { class: 'health-name' }, name),
    chip(levelOf(phase, reason), phase),
    reason ? el('span', { class: 'health-reason' }, visible(reason)) : undefined,
  );
}

function sessionLine({ name, state, address, reason }: SessionView): HTMLElement {
  const where = el('span', { class: 'quiet' }, address ?? '');
  return el(
    'li',
    {},
    el('span', { class: 'health-name' }, `${name} connection`),
    chip(levelOf(state, reason), state),
    where,
    reason ? el('span', { class: 'health-reason' }, visible(reason)) : undefined,
  );
}
