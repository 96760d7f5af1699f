import assert from 'node:assert';
import { describe, expect, it } from 'vitest';
import type { LogFiles } from '../../../../src/edge/log/files.ts';
import type { Qos } from '../../../../src/edge/session/packets.ts';
import { Sessions } from '../../../../src/edge/session/sessions.ts';
import { SimDisk } from '../../../support/sim-disk.ts';

const FOLDER = '/sessions';
const RUNS = Number(process.env['SLUICE_HISTORIES'] ?? 40);
const FIRST = Number(process.env['SLUICE_SEED'] ?? 1);

/** mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What was asked for, thing by thing, and what of it was acknowledged: after a kill a thing is as it was then, or as was asked for later. */
class Book {
  private readonly values: Map<string, { readonly value: string }[]> = new Map();

  get things(): string[] {
    return [...this.values.keys()];
  }

  /** Answers what to call when it is acknowledged. */
  ask(thing: string, value: string): () => void {
    const values = this.values.get(thing) ?? [{ value: 'none' }];
    this.values.set(thing, values);
    const asked = { value };
    values.push(asked);
    return () => {
      const at = values.indexOf(asked);
      // Once it is past, a later one was acknowledged.
      if (at > 0) values.splice(0, at);
    };
  }

  allowed(thing: string): readonly string[] {
    return this.values.get(thing)?.map(({ value }) => value) ?? ['none'];
  }

  /** After a restart it is what it is. */
  settle(thing: string, value: string): void {
    this.values.set(thing, [{ value }]);
  }
}

const CLIENTS = ['c1', 'c2', 'c3'].map((id) => ({ id, clean: false }));
type Client = (typeof CLIENTS)[number];

/** Clients and messages of one history. Every value is another one, so that nothing old can pass for something new. */
class History {
  readonly book = new Book();
  readonly random: () => number;
  readonly disk: SimDisk;
  sessions: Sessions;
  private life = 0;
  private count = 0;
  private queued: { readonly client: Client; readonly counter: number; id: number | undefined; released: boolean }[] = [];

  constructor(seed: number) {
    this.random = randomOf(seed);
    this.disk = new SimDisk(this.random);
    this.sessions = this.open();
  }

  /** What the process before still has to do, it does no more. */
  open(): Sessions {
    this.life += 1;
    const { life } = this;
    const calls = Object.entries(this.disk.files as unknown as Record<string, (...args: unknown[]) => unknown>);
    const files = Object.fromEntries(calls.map(([name, call]) => [name, (...args: unknown[]) => (life === this.life ? call(...args) : undefined)]));
    return Sessions.open({ folder: FOLDER, files: files as unknown as LogFiles, warn: () => {}, garbageBytes: 0, retryMs: 1 });
  }

  private pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }

  private next(): number {
    this.count += 1;
    return this.count;
  }

  private acknowledge(promise: Promise<unknown>, acknowledged: () => void): void {
    promise.then(acknowledged, () => {});
  }

  step(): void {
    const client = this.pick(CLIENTS);
    const n = this.next();
    const kind = Math.floor(this.random() * 14);
    if (kind === 0) {
      const filter = `f${Math.floor(this.random() * 4)}`;
      // Retain handling as the mark of this one: aedes hands it through.
      this.acknowledge(
        this.sessions.addSubscriptions(client, [{ topic: filter, qos: 1, rh: n, rap: false, nl: false }]),
        this.book.ask(`sub ${client.id} ${filter}`, `${n}`),
      );
    } else if (kind === 1) {
      const filter = `f${Math.floor(this.random() * 4)}`;
      this.acknowledge(this.sessions.removeSubscriptions(client, [filter]), this.book.ask(`sub ${client.id} ${filter}`, 'none'));
    } else if (kind <= 3) {
      const topic = `r${Math.floor(this.random() * 4)}`;
      const payload = this.random() < 0.3 ? '' : `${n}`;
      const acknowledged = this.book.ask(`ret ${topic}`, payload === '' ? 'none' : payload);
      this.sessions.keepLocal({ topic, payload: Buffer.from(payload), qos: 0, retain: true }, (error) => error ?? acknowledged());
    } else if (kind === 4) {
      const id = 1 + Math.floor(this.random() * 5);
      const thing = `in ${client.id} ${id}`;
      const isKnown = this.sessions.hasIncoming(client.id, id);
      const promise = isKnown ? this.sessions.incomingDelPacket(client, { messageId: id }) : this.sessions.incomingStorePacket(client, { messageId: id });
      this.acknowledge(promise, this.book.ask(thing, isKnown ? 'none' : 'used'));
    } else if (kind === 5) {
      const will = { topic: `w/${client.id}`, payload: Buffer.from(`${n}`), qos: 1 as Qos, retain: false };
      void this.sessions.delWill({ ...client, closed: true });
      this.acknowledge(this.sessions.putWill({ ...client, closed: true }, will), this.book.ask(`will ${client.id}`, `${n}`));
    } else if (kind <= 7) {
      const message = { topic: 'q', payload: Buffer.from(`${n}`), qos: 2 as Qos, brokerId: 'b', brokerCounter: n };
      this.acknowledge(this.sessions.outgoingEnqueueCombi([{ clientId: client.id }], message), this.book.ask(`msg ${client.id} ${n}`, 'waits'));
      this.queued.push({ client, counter: n, id: undefined, released: false });
    } else this.handshake();
  }

  /** One step of a message on its way out. */
  private handshake(): void {
    const message = this.queued[0];
    if (message === undefined) return;
    const { client, counter } = message;
    const thing = `msg ${client.id} ${counter}`;
    if (message.id === undefined) {
      message.id = 1_000 + counter;
      const packet = { cmd: 'publish', brokerId: 'b', brokerCounter: counter, messageId: message.id };
      this.acknowledge(this.sessions.outgoingUpdate(client, packet), this.book.ask(thing, `sent ${message.id}`));
    } else if (!message.released) {
      message.released = true;
      this.acknowledge(this.sessions.outgoingUpdate(client, { cmd: 'pubrel', messageId: message.id }), this.book.ask(thing, `released ${message.id}`));
    } else {
      this.book.ask(thing, 'none');
      void this.sessions.outgoingClearMessageId(client, { cmd: 'pubcomp', messageId: message.id });
      this.queued.shift();
    }
  }

  async state(): Promise<Map<string, string>> {
    const state = new Map<string, string>();
    for (const { id } of CLIENTS) {
      for (const sub of await this.sessions.subscriptionsByClient({ id })) if (sub.rh !== undefined) state.set(`sub ${id} ${sub.topic}`, `${sub.rh}`);
      for (let n = 1; n <= 5; n += 1) if (this.sessions.hasIncoming(id, n)) state.set(`in ${id} ${n}`, 'used');
      let last = 0;
      for (const packet of (await this.sessions.outgoingStream({ id }).toArray()) as { cmd: string; messageId?: number; payload?: Buffer; dup?: boolean }[]) {
        const { cmd, messageId, payload } = packet;
        const n = cmd === 'pubrel' ? (messageId ?? 0) - 1_000 : Number(payload?.toString());
        state.set(`msg ${id} ${n}`, cmd === 'pubrel' ? `released ${messageId}` : messageId === undefined ? 'waits' : `sent ${messageId}`);
        if (cmd === 'pubrel') continue;
        assert.ok(n > last, 'in order');
        assert.equal(packet.dup, messageId !== undefined, 'DUP where it was sent');
        last = n;
      }
    }
    for (const { topic, payload } of (await this.sessions.createRetainedStream('#').toArray()) as { topic: string; payload: Buffer }[])
      state.set(`ret ${topic}`, payload.toString());
    return state;
  }

  wills(): Map<string, string> {
    const wills = new Map<string, string>();
    for (const will of this.sessions.strandedWills()) {
      assert.ok(!wills.has(`will ${will.clientId}`), 'one will of a connection');
      wills.set(`will ${will.clientId}`, String(will.packet.payload));
      will.settle();
    }
    return wills;
  }

  forgetQueue(): void {
    this.queued = [];
  }
}

describe('a process that is killed, or whose machine loses its power', () => {
  it('finds everything that was acknowledged when it starts again', async () => {
    let rewrites = 0;
    let things = 0;
    for (let seed = FIRST; seed < FIRST + RUNS; seed += 1) {
      const history = new History(seed);
      const { disk, random, book } = history;
      for (let life = 0; life < 3; life += 1) {
        const steps = Math.floor(random() * 150);
        for (let i = 0; i < steps; i += 1) {
          history.step();
          await new Promise(setImmediate);
          for (let turns = Math.floor(random() * 6); turns > 0; turns -= 1) await disk.turn();
        }
        rewrites += history.sessions.stats().compactions;
        const isCut = random() < 0.5;
        if (isCut) disk.powerCut();
        else disk.kill();
        history.sessions = history.open();
        history.forgetQueue();
        // A power cut may leave holes in what nobody was told of yet.
        expect(isCut ? 0 : history.sessions.stats().damagedRecords).toBe(0);
        const state = new Map([...(await history.state()), ...history.wills()]);
        for (const thing of new Set([...state.keys(), ...book.things])) {
          const value = state.get(thing) ?? 'none';
          expect(book.allowed(thing), `${thing} of history ${seed}, life ${life}`).toContain(value);
          things += 1;
          book.settle(thing, thing.startsWith('will') ? 'none' : value);
        }
        // Wills are published now, and do not come again where that reached the disk.
        await disk.settle();
      }
    }
    expect(rewrites).toBeGreaterThan(RUNS / 4);
    expect(things).toBeGreaterThan(RUNS * 10);
  }, 240_000);
});
