import { describe, expect, it } from 'vitest';
import { pipelineParts } from '../../bench/pipeline.ts';
import { USUAL } from '../../bench/scenario.ts';

describe('bench:pipeline', () => {
  // It throws where a message is not forwarded.
  it.each(['json', 'senml', 'sparkplug', 'line-protocol'])('times the whole pipeline and its parts for %s', async (payload) => {
    const parts = await pipelineParts({ ...USUAL, payload, warmUp: 0, messages: 400 }, 2, 0);
    expect(parts.map(({ name }) => name)).toEqual([
      'parse and stringify',
      'the whole pipeline',
      'of it: properties and a copy of the body',
      'of it: to readings',
      'of it: routing',
      'of it: text',
      'of it: deduplication',
    ]);
    for (const { ns } of parts) {
      expect(ns).toHaveLength(2);
      expect(Math.min(...ns)).toBeGreaterThan(0);
    }
  });

  it('does not time failures', async () => {
    await expect(pipelineParts({ ...USUAL, devices: 0, warmUp: 0, messages: 10 }, 1, 0)).rejects.toThrow(/undefined/);
  });
});
