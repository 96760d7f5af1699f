import assert from 'node:assert';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, it } from 'vitest';
import type { PublishedPacket } from '../../../../src/edge/session/packets.ts';
import { Sessions } from '../../../../src/edge/session/sessions.ts';
import { REAL_LOG_FILES } from '../../../../src/edge/log/files.ts';

type Test = (name: string, body: (t: object) => Promise<void>) => void;
type Suite = (options: { readonly test: Test; readonly persistence: () => object; readonly testAsync: true }) => void;

// The suite stands in a dependency of aedes, beside that of aedes itself.
const load = createRequire(createRequire(import.meta.url).resolve('aedes'));
const suite = load('aedes-persistence/abstract.js') as Suite;

/** Why a test of the suite is left out. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'store and look up a subscription with an MQTT 5.0 subscription identifier': 'aedes 1 speaks MQTT 3.1.1',
  'add incoming packet, get it, and clear with messageId': 'of a QoS 2 message no more than the packet id is kept: incoming.test.ts',
};

const FORCED_LATER = {
  ...REAL_LOG_FILES,
  fdatasync: (_: number, done: (error: null) => void) => setImmediate(done, null),
  fsync: (_: number, done: (error: null) => void) => setImmediate(done, null),
};

describe('the suite of aedes-persistence', () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  const persistence = (): object => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-sessions-'));
    folders.push(folder);
    const sessions = Sessions.open({ folder, files: FORCED_LATER, warn: assert.fail });
    const original = sessions.createRetainedStreamCombi.bind(sessions);
    // The suite retains packets with a field that those of aedes do not have, and wants it back.
    const createRetainedStreamCombi = (filters: readonly string[]): Readable =>
      Readable.from(
        (async function* named() {
          for await (const packet of original(filters) as AsyncIterable<PublishedPacket>) yield { ...packet, id: sessions.broker?.id };
        })(),
      );
    const createRetainedStream = (filter: string): Readable => createRetainedStreamCombi([filter]);
    return Object.assign(sessions, { createRetainedStream, createRetainedStreamCombi });
  };

  const test: Test = (name, body) => {
    const reason = LEFT_OUT[name];
    it.skipIf(reason !== undefined)(`${name}${reason === undefined ? '' : ` (left out: ${reason})`}`, async () => {
      let planned: number | undefined;
      let made = 0;
      // As node:test does: a test that plans a number of assertions must make so many.
      const counted = new Proxy(assert, {
        get: (target, key: keyof typeof assert) => {
          made += 1;
          return target[key] as unknown;
        },
      });
      await body({ assert: counted, diagnostic: () => {}, plan: (count: number) => (planned = count) });
      assert.equal(made, planned ?? made, 'as many assertions as were planned');
    });
  };

  suite({ test, persistence, testAsync: true });
});
