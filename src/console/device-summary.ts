import type { DeviceSummary } from './api.ts';
import { el, fill, link } from './dom.ts';
import { count, duration, plural, visible } from './format.ts';
import { hashOf } from './place.ts';

const MOST = 5;

type Entry = readonly [name: string, note: string, hash: string];

/** Of all devices, how many, and those that an operator should look at. */
export function writeSummary(node: HTMLElement, { known, silent, late, top }: DeviceSummary): void {
  // A link that somebody is on stays where it is.
  if (node.contains(document.activeElement)) return;
  const refused = top.refused.map(({ device, topic = '', refused }): Entry => {
    const hash = device === undefined ? hashOf('letters', '', { topic }) : hashOf('devices', device);
    return [device ?? topic, plural(refused, 'dead letter'), hash];
  });
  fill(
    node,
    el(
      'p',
      {},
      link(hashOf('devices'), plural(known, 'device')),
      silent > 0 && ', ',
      silent > 0 && link(hashOf('devices', '', { silent: 'true', sort: 'silent', order: 'desc' }), `${count(silent)} silent`),
      late > 0 && `, ${count(late)} with late readings`,
    ),
    list(
      'Silent longest',
      top.silent.map(({ device, silentForMs }) => [device, duration(silentForMs), hashOf('devices', device)]),
    ),
    list('Refused most', refused),
    list(
      'Late most',
      top.late.map(({ device, late }) => [device, plural(late, 'reading'), hashOf('devices', device)]),
    ),
  );
}

function list(title: string, entries: readonly Entry[]): HTMLElement | undefined {
  if (entries.length === 0) return undefined;
  const items = entries.slice(0, MOST).map(([name, note, hash]) => el('li', {}, link(hash, visible(name)), ' ', el('span', { class: 'quiet' }, note)));
  return el('div', {}, el('h3', {}, title), el('ol', { class: 'plain' }, ...items));
}
