import { describe, expect, it } from 'vitest';
import { checkOf, RECORD_BYTES, seal } from '../../../../src/edge/log/record.ts';
import { Scanner } from '../../../../src/edge/log/scan.ts';

const ID = { first: 100, marker: 0x91e2a37c };

function record(place: number, payload: Buffer, marker = ID.marker): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES + payload.length);
  payload.copy(bytes, RECORD_BYTES);
  seal(bytes, 0, payload.length, marker, place);
  return bytes;
}

const PAYLOADS = Array.from({ length: 20 }, (_, i) => Buffer.from(`payload ${i} ${'x'.repeat((i * 37) % 90)}`));
const RECORDS = PAYLOADS.map((payload, i) => record(i, payload));

interface Found {
  readonly numbers: number[];
  readonly regions: number;
  readonly bytes: number;
  readonly open: number;
}

/** As a reader does it, in windows of a size. */
function scan(bytes: Buffer, windowBytes = bytes.length): Found {
  const scanner = new Scanner(ID);
  const numbers: number[] = [];
  for (let position = 0; position < bytes.length; position += scanner.at) {
    const window = bytes.subarray(position, position + Math.max(windowBytes, scanner.need));
    scanner.look(window, position + window.length >= bytes.length);
    while (scanner.next()) {
      numbers.push(scanner.number);
      expect(window.subarray(scanner.start, scanner.end)).toEqual(PAYLOADS[scanner.number - ID.first]);
    }
  }
  return { numbers, regions: scanner.damagedRegions, bytes: scanner.damagedBytes, open: scanner.openBytes };
}

const ALL = PAYLOADS.map((_, i) => ID.first + i);
const WHOLE = Buffer.concat(RECORDS);
const without = (...places: number[]): number[] => ALL.filter((number) => !places.includes(number - ID.first));
/** Where a record begins. */
const startOf = (place: number): number => RECORDS.slice(0, place).reduce((sum, { length }) => sum + length, 0);

describe('the scanner', () => {
  it.each([1, 7, 64, 1_000, WHOLE.length])('finds every record in windows of %d bytes', (size) => {
    expect(scan(WHOLE, size)).toEqual({ numbers: ALL, regions: 0, bytes: 0, open: 0 });
  });

  it('finds nothing in nothing', () => {
    expect(scan(Buffer.alloc(0)).numbers).toEqual([]);
  });

  it('loses one record to any one flipped bit, and no neighbour', () => {
    const lost = RECORDS[5]?.length as number;
    for (let at = 0; at < lost; at += 1) {
      for (const bit of [1, 0x80]) {
        const bytes = Buffer.from(WHOLE);
        bytes[startOf(5) + at] = (bytes[startOf(5) + at] as number) ^ bit;
        expect(scan(bytes, at % 2 === 0 ? 50 : WHOLE.length), `byte ${at}`).toEqual({ numbers: without(5), regions: 1, bytes: lost, open: 0 });
      }
    }
  });

  it('goes on behind zeroed bytes, wherever they begin and end', () => {
    for (let from = 0; from < startOf(4); from += 3) {
      const bytes = Buffer.from(WHOLE).fill(0, from, from + 150);
      const touched = PAYLOADS.map((_, i) => i).filter((i) => startOf(i) < from + 150 && startOf(i + 1) > from);
      expect(scan(bytes, 100).numbers).toEqual(without(...touched));
    }
  });

  it('tells what a torn end lost, at every byte', () => {
    for (let cut = startOf(18) + 1; cut < WHOLE.length; cut += 1) {
      const found = scan(WHOLE.subarray(0, cut));
      const whole = cut < startOf(19) ? 18 : 19;
      expect(found.numbers).toEqual(ALL.slice(0, whole));
      expect(found.open).toBe(cut - startOf(whole));
      expect(found.regions).toBe(cut === startOf(whole) ? 0 : 1);
    }
  });

  it('goes on behind garbage, and counts each run once', () => {
    const garbage = Buffer.from('a'.repeat(300));
    const bytes = Buffer.concat([garbage, ...RECORDS.slice(0, 3), garbage, ...RECORDS.slice(3)]);
    for (let size = 1; size < 200; size += 1) expect(scan(bytes, size)).toEqual({ numbers: ALL, regions: 2, bytes: 600, open: 0 });
  });

  it('takes no record of another file, and none that a payload holds', () => {
    const foreign = record(3, PAYLOADS[3] as Buffer, 0x11111111);
    expect(scan(Buffer.concat([foreign, ...RECORDS])).numbers).toEqual(ALL);
    const holding = record(1, Buffer.concat([foreign, Buffer.from('tail')]));
    holding[8] = 0xff;
    const found = scan(Buffer.concat([RECORDS[0] as Buffer, holding, RECORDS[2] as Buffer]));
    expect(found.numbers).toEqual([100, 102]);
  });

  it('does not read as far as a wrong length says', () => {
    const bytes = Buffer.from(WHOLE);
    bytes.writeUInt32LE(30_000_000, startOf(2) + 4);
    const scanner = new Scanner(ID);
    scanner.look(bytes.subarray(0, startOf(6)), false);
    const numbers: number[] = [];
    while (scanner.next()) numbers.push(scanner.number);
    expect(numbers).toEqual([100, 101, 103, 104, 105]);
    expect(scanner.need).toBeLessThan(100);
  });

  it('notices a change of any one field of the head', () => {
    for (const [length, place] of [
      [17, 3],
      [16, 4],
      [16, 3 + 2 ** 31],
      [16 + 2 ** 24, 3],
    ] as const) {
      expect(checkOf(ID.marker, length, place)).not.toBe(checkOf(ID.marker, 16, 3));
    }
  });
});
