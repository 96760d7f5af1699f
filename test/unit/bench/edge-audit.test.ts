import { describe, expect, it } from 'vitest';
import { LostError, Tally } from '../../bench/edge/audit.ts';
import { publishPacket } from '../../bench/load/packets.ts';
import { patchStamp, readStamps, type Stamp } from '../../bench/load/stamp.ts';

function messageOf(client: number, number: number, dueAt: number): Buffer {
  const { bytes, stampAt } = publishPacket('a/b', 1, client, 150);
  patchStamp(bytes, stampAt, number, dueAt);
  return bytes;
}

function stampsIn(bytes: Buffer): Stamp[] {
  const found: Stamp[] = [];
  readStamps(bytes, (stamp) => found.push(stamp));
  return found;
}

describe('the stamp of a message of the load', () => {
  it('is found again, alone and among others, with what was written', () => {
    const one = messageOf(7, 12_345_678, 1_732_694_400_123.25);
    expect(stampsIn(one)).toEqual([{ client: 7, number: 12_345_678, dueAt: 1_732_694_400_123.25 }]);
    expect(stampsIn(Buffer.concat([one, Buffer.from('~~'), messageOf(8, 0, 5)])).map(({ client, number }) => [client, number])).toEqual([
      [7, 12_345_678],
      [8, 0],
    ]);
    expect(stampsIn(Buffer.from('nothing ~ here'))).toEqual([]);
  });

  it('stands in JSON of the length that was asked for', () => {
    const { bytes } = publishPacket('a/b', 1, 7, 150);
    const payload = bytes.subarray(bytes.length - 150).toString();
    expect(JSON.parse(payload)).toMatchObject({ stamp: expect.stringContaining('~00007.'), temperature: 21.5 });
  });
});

describe('the tally of acknowledged messages', () => {
  const owed = { first: 10, each: [2, 1] };
  it('is content when each was found, and counts those that came twice', () => {
    const tally = new Tally(owed);
    for (const [client, number] of [
      [10, 0],
      [11, 0],
      [10, 1],
      [10, 0],
    ] as const)
      tally.tick({ client, number, dueAt: 0 });
    expect(tally.close('the queue')).toBe(1);
  });

  it('fails where one is missing, also when another came twice in its place', () => {
    const tally = new Tally(owed);
    for (const [client, number] of [
      [10, 0],
      [10, 0],
      [11, 0],
    ] as const)
      tally.tick({ client, number, dueAt: 0 });
    expect(() => tally.close('the queue')).toThrow(LostError);
    expect(() => tally.close('the queue')).toThrow('1 of 3 acknowledged messages are not in the queue');
  });

  it('fails on a message that nobody sent', () => {
    expect(() => new Tally(owed).tick({ client: 10, number: 2, dueAt: 0 })).toThrow('nobody sent it');
  });
});
