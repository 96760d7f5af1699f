import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forgetTopics, KnownTopic, knownTopic, TopicMemory, topicOfKey } from '../../../src/domain/topic-memory.ts';

const dotted = (most: number, characters = 1_000_000): TopicMemory => new TopicMemory((key) => key.replaceAll('.', '/'), most, characters);

describe('a memory of topics', () => {
  it('answers one record for one name, with the topic that it stands for', () => {
    const memory = dotted(10);
    const first = memory.get('a.b');
    expect(first).toBeInstanceOf(KnownTopic);
    expect([first.topic, first.routingKey]).toEqual(['a/b', 'a.b']);
    expect(memory.get('a.c')).not.toBe(first);
    expect(memory.get('a.b')).toBe(first);
    expect(memory.size).toBe(2);
  });

  it('lets what is in use stay through a flood of others', () => {
    const memory = dotted(100);
    const inUse = Array.from({ length: 30 }, (_, i) => memory.get(`use.${i}`));
    for (let n = 0; n < 5000; n += 1) {
      memory.get(`flood.${n}`);
      const i = n % inUse.length;
      expect(memory.get(`use.${i}`)).toBe(inUse[i]);
    }
    expect(memory.size).toBe(100);
  });

  it('has all of a fleet that is as large as it, whatever the order', () => {
    const memory = dotted(64);
    const fleet = Array.from({ length: 64 }, (_, i) => memory.get(`d.${i}`));
    fc.assert(
      fc.property(fc.nat(63), (i) => {
        expect(memory.get(`d.${i}`)).toBe(fleet[i]);
      }),
    );
  });

  it('keeps within its bounds, counts no characters twice, and keeps no very long name', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), fc.nat(20)), { maxLength: 200 }), (names) => {
        const memory = dotted(8, 100);
        const kept = new Map<string, KnownTopic>();
        for (const [id, length] of names) {
          const name = `${id}.${'x'.repeat(length)}`;
          kept.set(name, memory.get(name));
          expect(memory.size).toBeLessThanOrEqual(8);
          // The newest is always there.
          expect(memory.get(name)).toBe(kept.get(name));
        }
        // With a sum that has drifted away there would be no room for eight, or for none.
        for (let i = 0; i < 30; i += 1) memory.get(`${i}y`);
        expect(memory.size).toBe(8);
      }),
    );
    const memory = dotted(8, 100);
    memory.get('z'.repeat(513));
    memory.get('z'.repeat(101));
    expect(memory.size).toBe(1);
  });

  it('shares the record of the message at hand with whoever asks by topic', () => {
    const memory = dotted(10);
    const byKey = memory.get('at.hand');
    expect(knownTopic('at/hand')).toBe(byKey);
    const other = knownTopic('at.hand');
    expect(other).not.toBe(byKey);
    expect([other.topic, other.routingKey]).toEqual(['at.hand', 'at.hand']);
    expect(knownTopic('at.hand')).toBe(other);
  });

  it('is empty when it was told to forget', () => {
    const [key, topic] = [topicOfKey('forget.me'), knownTopic('forget/me/too')];
    expect([topicOfKey('forget.me'), key.topic]).toEqual([key, 'forget/me']);
    forgetTopics();
    expect(knownTopic('forget/me/too')).not.toBe(topic);
    expect(topicOfKey('forget.me')).not.toBe(key);
    const memory = dotted(2);
    for (const name of ['a', 'b', 'c']) memory.get(name);
    memory.clear();
    expect(memory.size).toBe(0);
    for (const name of ['a', 'b', 'c', 'd', 'e']) memory.get(name);
    expect(memory.size).toBe(2);
  });
});
