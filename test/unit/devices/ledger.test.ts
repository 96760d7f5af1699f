import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { LedgerWriter, messageKey, readLedger } from '../../../devices/ledger.ts';
import { hash32 } from '../../../devices/random.ts';
import { temporaryFolder } from './support.ts';
import type { NativeMessage } from '../../../devices/device.ts';

const folder = temporaryFolder();
let files = 0;
afterEach(() => {
  folder.remove();
});

function file(): string {
  files += 1;
  const fresh = temporaryFolder();
  const path = fresh.path(`ledger-${files}`);
  folder.remove = fresh.remove;
  return path;
}

const message = (seq: number, topic = 'devices/Küche/a "b"\n/telemetry'): NativeMessage => ({
  topic,
  device: 'Küche/a',
  seq,
  time: 1000 + seq,
  qos: 1,
  payload: `{"n":${seq}}`,
});

describe('ledger', () => {
  it('gives back what was written, in the order of the attempts, over many buffers', () => {
    const path = file();
    const writer = new LedgerWriter(path);
    for (let seq = 1; seq <= 5000; seq += 1) {
      writer.attempted(message(seq));
      if (seq % 3 === 0) {
        writer.pubacked(message(seq).topic, seq);
      }
    }
    writer.close();
    writer.close();
    const { attempted, pubacked, truncated } = readLedger(path);
    expect(attempted.size).toBe(5000);
    expect([...attempted.values()].map(({ seq }) => seq)).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
    const { topic, device, seq, time, qos, payload } = message(7);
    expect(attempted.get(messageKey(topic, 7))).toEqual({ topic, device, seq, time, qos, hash: hash32(payload) });
    expect(pubacked.size).toBe(1666);
    expect(pubacked.has(messageKey(topic, 9))).toBe(true);
    expect(pubacked.has(messageKey(topic, 10))).toBe(false);
    expect(truncated).toBe(false);
  });

  it('reads on when the last line was cut, and says so', () => {
    const path = file();
    const writer = new LedgerWriter(path);
    writer.attempted(message(1));
    writer.attempted(message(2));
    writer.close();
    truncateSync(path, readFileSync(path).length - 3);
    const { attempted, truncated } = readLedger(path);
    expect([attempted.size, truncated]).toEqual([1, true]);
  });

  it('refuses what cannot be, with the line', () => {
    const attempt = '{"a":"t","n":1,"d":"d","t":1,"q":1,"h":1}\n';
    const cases: readonly (readonly [string, RegExp])[] = [
      [`${attempt}nonsense\n`, /:2: not a ledger line/],
      [`${attempt}${attempt}`, /:2: t#1 is attempted twice/],
      [`${attempt}{"k":"t","n":2}\n`, /:2: PUBACK of t#2, which was not attempted/],
      [`${attempt.replace('"q":1', '"q":0')}{"k":"t","n":1}\n`, /:2: PUBACK of t#1, which was not attempted with QoS 1/],
      [`${attempt}{"n":2}\n`, /:2: neither/],
    ];
    for (const [text, error] of cases) {
      const path = file();
      writeFileSync(path, text);
      expect(() => readLedger(path)).toThrow(error);
      folder.remove();
    }
  });

  it('keeps a write error for its owner', () => {
    // A full device: every write fails with ENOSPC. Opening it exclusively is refused for a file that exists, hence the detour.
    const path = file();
    const writer = new LedgerWriter(path);
    (writer as unknown as { fd: number }).fd = 1_000_000;
    writer.attempted(message(1));
    writer.flush();
    expect(writer.failure?.message).toMatch(/EBADF/);
  });
});
