import { describe, expect, it } from 'vitest';
import type { LiveEvent } from '../../../src/console/api.ts';
import { Freshness, LATE_MS } from '../../../src/console/freshness.ts';
import { gatewayVerdict as verdict } from '../../../src/console/gateway-verdict.ts';
import { hashOf, placeOf } from '../../../src/console/place.ts';
import { SseParser } from '../../../src/console/sse.ts';
import { pages, TableModel } from '../../../src/console/table-model.ts';

describe('a stream of events', () => {
  const TEXT = ': alive\nretry: 2000\n\nevent: live\r\ndata: {"a":1}\r\n\r\ndata: one\ndata:two\n\nevent: none\n\ndata\n\n';

  it('is read the same however it is cut', () => {
    const whole = new SseParser().feed(TEXT);
    expect(whole).toEqual([
      { name: 'live', data: '{"a":1}' },
      { name: 'message', data: 'one\ntwo' },
      { name: 'message', data: '' },
    ]);
    for (let at = 0; at <= TEXT.length; at += 1) {
      const parser = new SseParser();
      expect([...parser.feed(TEXT.slice(0, at)), ...parser.feed(TEXT.slice(at))]).toEqual(whole);
      expect(parser.retryMs).toBe(2000);
    }
    const parser = new SseParser();
    expect(TEXT.split('').flatMap((character) => parser.feed(character))).toEqual(whole);
  });

  it('that never ends an event is not kept in memory', () => {
    const parser = new SseParser();
    expect(() => {
      for (let i = 0; i < 10; i += 1) parser.feed(`data: ${'x'.repeat(1_000_000)}\n`);
    }).toThrow(/without an end/);
  });
});

describe('freshness', () => {
  it('goes from connecting over live to late and away, and comes back', () => {
    const fresh = new Freshness();
    expect([fresh.reach(0), fresh.age(0)]).toEqual(['connecting', undefined]);
    fresh.heard(1000);
    expect(fresh.reach(1000 + LATE_MS)).toBe('live');
    expect(fresh.reach(1001 + LATE_MS)).toBe('late');
    fresh.ended('gone');
    expect([fresh.reach(1100), fresh.age(1100), fresh.why]).toEqual(['away', 100, 'gone']);
    fresh.heard(9000);
    expect([fresh.reach(9000), fresh.why]).toEqual(['live', undefined]);
  });

  it('begins anew after a rest, without a word of what was before', () => {
    const fresh = new Freshness();
    fresh.heard(0);
    fresh.rest();
    expect([fresh.reach(60_000), fresh.age(60_000)]).toEqual(['connecting', undefined]);
    fresh.heard(61_000);
    expect(fresh.reach(61_000)).toBe('live');
  });

  it('is away at once where the first attempt fails', () => {
    const fresh = new Freshness();
    fresh.ended('refused');
    expect(fresh.reach(0)).toBe('away');
  });
});

describe('the verdict', () => {
  const live = (changes: object): LiveEvent =>
    ({
      ready: false,
      reasons: ['because'],
      flow: { sessions: [{ name: 'consume', state: 'ready' }], routes: [], components: [], ...changes },
    }) as unknown as LiveEvent;
  const heard = new Freshness();
  heard.heard(0);

  it.each([
    [{ sessions: [{ name: 'consume', state: 'connecting' }] }, 'Broker away'],
    [{ sessions: [{ name: 'publish', state: 'blocked' }] }, 'Blocked'],
    [{ routes: [{ state: 'held' }] }, 'Held'],
    [{ components: [{ name: 'source', phase: 'draining' }], sessions: [{ name: 'consume', state: 'closed' }] }, 'Stopping'],
    [{}, 'Not ready'],
  ])('of %j is %s, with the reasons of the gateway', (flow, word) => {
    expect(verdict(heard, 0, live(flow))).toMatchObject({ level: 'bad', word, reasons: ['because'] });
  });

  it('is about the gateway first: what it said before is old', () => {
    const gone = new Freshness();
    gone.heard(0);
    gone.ended('The connection was lost.');
    expect(verdict(gone, 12_400, live({}))).toMatchObject({
      level: 'away',
      word: 'No answer',
      title: 'The gateway does not answer. What you see is 12 s old.',
    });
    expect(verdict(heard, LATE_MS + 1, { ...live({}), ready: true })).toMatchObject({ level: 'away', word: 'No data' });
    expect(verdict(heard, 10, { ...live({}), ready: true, reasons: [] })).toMatchObject({ level: 'ok', word: 'Ready', reasons: [] });
    expect(verdict(new Freshness(), 10, undefined)).toMatchObject({ level: 'wait' });
  });

  it('tells of an edge that is ready and forwards nothing', () => {
    const away = live({ sessions: [{ name: 'publish', state: 'connecting', address: null, reason: 'refused', since: '' }] });
    expect(verdict(heard, 10, { ...away, ready: true })).toMatchObject({
      level: 'bad',
      word: 'Broker away',
      title: expect.stringContaining('What devices publish here is kept'),
      reasons: ['because'],
    });
  });

  it('tells a gateway that refuses from one that is gone', () => {
    const refused = new Freshness();
    refused.ended('Set http.token.', 403);
    expect(verdict(refused, 0, undefined)).toMatchObject({ level: 'away', word: 'No access', reasons: ['Set http.token.'] });
  });
});

describe('a table that is asked for again and again', () => {
  const row = (key: string, value = 0): { key: string; value: number } => ({ key, value });
  const model = (): TableModel<{ key: string; value: number }> => new TableModel(({ key }) => key);

  it('moves its rows as the server orders them', () => {
    const table = model();
    expect(table.set([row('a'), row('b')])).toMatchObject({ keys: ['a', 'b'] });
    expect(table.set([row('a', 1), row('b', 1)])).toMatchObject({ keys: ['a', 'b'] });
    expect(table.set([row('b', 2), row('a', 2)])).toMatchObject({ keys: ['b', 'a'] });
  });

  it('keeps them in place while it is held, and lets their values go on', () => {
    const table = model();
    table.set([row('a'), row('b')]);
    table.held = true;
    const held = table.set([row('c', 1), row('b', 1)]);
    expect(held.keys).toEqual(['a', 'b']);
    expect([held.rows.get('a')?.value, held.rows.get('b')?.value]).toEqual([0, 1]);
    // Another question is another table.
    expect(table.set([row('c', 2)], true).keys).toEqual(['c']);
    table.held = false;
    expect(table.set([row('b', 3), row('c', 3)]).keys).toEqual(['b', 'c']);
  });

  it('has pages', () => {
    expect(pages(0, 50, 10_000)).toEqual({ from: 1, to: 50, after: 50 });
    expect(pages(9950, 50, 10_000)).toEqual({ from: 9951, to: 10_000, before: 9900 });
    expect(pages(20, 50, 60)).toEqual({ from: 21, to: 60, before: 0 });
    expect(pages(0, 50, 0)).toEqual({ from: 0, to: 0 });
  });
});

describe('places', () => {
  it.each(['plant/a b', '100%', 'a?b=c#d', '<img src=x>', '', 'ü\u202e'])('carry any name: %j', (name) => {
    expect(placeOf(hashOf('devices', name, { search: 'a&b' }))).toMatchObject({ view: 'devices', name });
    expect(placeOf(hashOf('devices', name, { search: 'a&b' })).query.get('search')).toBe('a&b');
  });

  it('are found in anything that stands in the address', () => {
    expect(placeOf('')).toMatchObject({ view: '', name: '' });
    expect(placeOf('#/devices/%zz')).toMatchObject({ view: 'devices', name: '%zz' });
    expect(hashOf('tap', '', { device: '', route: undefined })).toBe('#/tap');
  });
});
