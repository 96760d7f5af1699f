import { describe, expect, it } from 'vitest';
import { compareSettings } from '../../../src/settings/compare.ts';
import { settingsOf } from './workbench.ts';

const BASE = `
rabbitmq: { url: 'amqp://user:secret@localhost' }
profiles:
  - { name: one, topics: ['a/{device}'], device: '{device}' }
  - { name: two, topics: ['b/{device}'], device: '{device}' }
exchanges: [{ name: out }]
routes:
  - { name: hot, exchange: out, when: 'values.t > 1.0' }
  - { name: rest, exchange: out }
`;

async function changes(edit: (text: string) => string): Promise<[string, boolean][]> {
  const [before, after] = [await settingsOf(BASE), await settingsOf(edit(BASE))];
  return compareSettings(before, after).map(({ text, live }) => [text, live]);
}

describe('compareSettings', () => {
  it('sees nothing where nothing is different, whatever the file looks like', async () => {
    expect(await changes((text) => `# a remark\n${text.replaceAll("'", '"')}`)).toEqual([]);
  });

  it('names a changed key by the name of its entry', async () => {
    expect(await changes((text) => text.replace('t > 1.0', 't > 2.0'))).toEqual([['routes[hot].when', true]]);
    expect(await changes((text) => text.replace('name: rest, exchange: out', 'name: rest, exchange: out, batch: { count: 7 }'))).toEqual([
      ['routes[rest].action.batch.count', true],
    ]);
  });

  it('sees what is new, what is gone, and another order of what is left', async () => {
    expect(await changes((text) => text.replace("  - { name: hot, exchange: out, when: 'values.t > 1.0' }\n", ''))).toEqual([['routes[hot]: gone', true]]);
    expect(await changes((text) => text.replace('exchanges: [{ name: out }]', 'exchanges: [{ name: out }, { name: more }]'))).toEqual([
      ['exchanges[more]: new', true],
    ]);
    const swapped = (text: string): string => {
      const lines = text.split('\n');
      [lines[3], lines[4]] = [lines[4] ?? '', lines[3] ?? ''];
      return lines.join('\n');
    };
    expect(await changes(swapped)).toEqual([['profiles: order', true]]);
  });

  it('tells what a running gateway cannot take over, and shows no secret', async () => {
    const found = await changes((text) =>
      text.replace('secret', 'other').concat('http: { port: 9601 }\nlog: { level: warn, pretty: true }\nlimits: { depth: 8 }\n'),
    );
    expect(found).toEqual([
      ['rabbitmq.urls', false],
      ['limits.depth', true],
      ['http.port', false],
      ['log.level', true],
      ['log.pretty', false],
    ]);
    expect(JSON.stringify(found)).not.toMatch(/secret|other/);
  });
});
