import type { LiveEvent, RouteView } from './api.ts';
import { el, link, setAttribute, setText } from './dom.ts';
import { count, duration, plural, short, visible } from './format.ts';
import { Chip, type Level, levelOf } from './parts.ts';
import { hashOf } from './place.ts';

/** One box of the picture: what it is, how it is, and why. */
class Box {
  readonly element: HTMLElement;
  private readonly chip = new Chip();
  private readonly facts = el('p', { class: 'box-facts' });
  private readonly reason = el('p', { class: 'box-reason' });

  constructor(kind: string, title: string | HTMLElement, more?: HTMLElement) {
    this.element = el(
      'div',
      { class: `box ${kind}` },
      el('div', { class: 'box-head' }, el('strong', {}, title), this.chip.element),
      this.facts,
      this.reason,
      more,
    );
  }

  set(level: Level, word: string, facts: string, reason = ''): void {
    this.chip.set(level, word);
    setText(this.facts, facts);
    setText(this.reason, reason);
    setAttribute(this.element, 'data-level', level);
  }
}

/** The way of a message as a picture: queue, gateway, routes, destinations, dead letters. */
export class Flow {
  readonly element: HTMLElement;
  private readonly source = new Box('source', 'Ingest queue');
  private readonly gateway = new Box('gateway', 'Gateway');
  private readonly dead = new Box('dead', link(hashOf('letters'), 'Dead letters'));
  private readonly routes = el('ul', { class: 'routes', 'aria-label': 'Routes' });
  private readonly boxes = new Map<string, { readonly item: HTMLElement; readonly box: Box }>();
  private order = '';

  constructor() {
    this.element = el(
      'div',
      { class: 'flow' },
      el('div', { class: 'flow-step' }, this.source.element),
      el('div', { class: 'flow-step' }, this.gateway.element, this.dead.element),
      el('div', { class: 'flow-step' }, this.routes),
    );
  }

  set(live: LiveEvent): void {
    const { flow, rates, inFlight } = live;
    const session = (name: string): { level: Level; word: string; reason: string } => {
      const found = flow.sessions.find((each) => each.name === name);
      return { level: levelOf(found?.state ?? 'idle', found?.reason), word: found?.state ?? 'unknown', reason: found?.reason ?? '' };
    };
    const consume = session('consume');
    const component = flow.components.find(({ name }) => name === 'source');
    const attached = component === undefined || component.phase === 'ready';
    const full = flow.source.unsettled >= flow.source.prefetch;
    this.source.set(
      consume.level !== 'ok' ? consume.level : attached ? 'ok' : 'bad',
      consume.level !== 'ok' ? consume.word : attached ? 'consuming' : (component?.phase ?? ''),
      `${flow.source.queue}: ${short(rates.received)} messages/s; ${count(flow.source.unsettled)} of at most ${count(flow.source.prefetch)} in hand${full ? ' (full: the queue waits)' : ''}`,
      visible(consume.level !== 'ok' ? consume.reason : (component?.reason ?? '')),
    );
    const publish = session('publish');
    const sick = flow.components.filter(({ phase }) => phase !== 'ready');
    this.gateway.set(
      publish.level !== 'ok' ? publish.level : live.ready ? 'ok' : 'bad',
      live.ready ? 'ready' : publish.level === 'ok' ? 'not ready' : `publisher ${publish.word}`,
      `${short(rates.readings)} readings/s; ${plural(inFlight.messages, 'message')} and ${plural(inFlight.items, 'item')} under way`,
      visible(publish.level === 'ok' ? sick.map(({ name, phase, reason }) => `${name} ${phase}${reason ? `: ${reason}` : ''}`).join('; ') : publish.reason),
    );
    const { queue, buried, waiting } = flow.deadLetters;
    const stuck = waiting !== null && waiting > 0;
    this.dead.set(
      stuck ? 'bad' : rates.deadLettered > 0 ? 'warn' : buried > 0 ? 'off' : 'ok',
      stuck ? `${count(waiting)} wait to be buried` : rates.deadLettered > 0 ? `${short(rates.deadLettered)}/s` : buried > 0 ? 'none now' : 'none',
      `${queue}: ${count(buried)} since the start`,
    );
    this.setRoutes(flow.routes);
  }

  private setRoutes(routes: readonly RouteView[]): void {
    const sorted = [...routes].sort((a, b) => Number(b.state === 'held') - Number(a.state === 'held'));
    for (const route of sorted) this.boxOf(route.route).set(...routeWords(route));
    const order = JSON.stringify(sorted.map(({ route }) => route));
    if (order === this.order) return;
    this.order = order;
    this.routes.replaceChildren(...sorted.map(({ route }) => this.boxes.get(route)?.item ?? ''));
  }

  private boxOf(route: string): Box {
    const known = this.boxes.get(route);
    if (known !== undefined) return known.box;
    const box = new Box('route', link(hashOf('tap', '', { route }), visible(route)));
    this.boxes.set(route, { box, item: el('li', {}, box.element) });
    return box;
  }
}

function routeWords(route: RouteView): [Level, string, string, string] {
  const { kind, exchange, state, lanes, items, heldMs, rate, forwarded } = route;
  const held = state === 'held';
  const to = kind === 'drop' ? 'drops what it takes' : `→ ${exchange === null || exchange === '' ? 'default exchange' : visible(exchange)}`;
  const waits = items === 0 ? '' : `; ${plural(items, 'item')} in ${plural(lanes, 'lane')}`;
  return [
    held ? 'bad' : levelOf(state),
    held ? `held ${duration(heldMs)}` : state,
    `${to}: ${short(rate)}/s, ${count(forwarded)} so far${waits}`,
    held ? visible(`${route.code ?? 'unknown'}${route.message === null ? '' : `: ${route.message}`}`) : '',
  ];
}
