import { describe, expect, it } from 'vitest';
import { corpusMessages, corpusMissing, hostilePayloads } from '../../support/corpus.ts';
import { FORMATS } from '../../support/format-list.ts';
import { layoutsOf, tally } from '../../support/formats.ts';
import { decoderOf, decodersFor, RECEIVED, run, shipped } from './support.ts';

const { profiles } = await shipped();
const decoderFor = corpusMissing === undefined ? await decodersFor(layoutsOf(FORMATS)) : () => decoderOf(profiles);
const REQUIRED = 0.98;

if (corpusMissing !== undefined) console.log(corpusMissing);

describe.skipIf(corpusMissing !== undefined)('real payloads', () => {
  it.each(FORMATS)('$name: become readings with every number', (format) => {
    const found = tally(format, decoderFor, RECEIVED);
    expect(found.failures).toEqual([]);
    expect(found.messages).toBeGreaterThan(5);
    expect(found.whole / found.telemetry).toBeGreaterThanOrEqual(REQUIRED);
    const unfound = [...found.unfound.values()].reduce((sum, count) => sum + count, 0);
    expect(found.expectedFound + unfound).toBe(found.expected);
  });

  it('have one outcome each, and none breaks anything', () => {
    const decoder = decoderOf(profiles);
    for (const { topic, body } of corpusMessages()) expect(run(decoder, topic ?? 'no/topic', body).outcome).toMatch(/^(?:readings|filtered|dead-lettered)$/);
    for (const { name } of profiles) {
      for (const { body } of hostilePayloads()) expect(run(decoder, undefined, body, name).outcome).toMatch(/^(?:readings|filtered|dead-lettered)$/);
    }
  });
});
