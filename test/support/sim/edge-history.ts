import type { KeptMessage } from '../../../src/domain/kept-message.ts';
import { Ledger, owed } from '../../../src/domain/ledger.ts';
import { StoringKeeper } from '../../../src/edge/keeper.ts';
import { SimOutlet } from './outlet.ts';
import { SimSpool, type SpoolRemains } from './spool.ts';
import { seededRandom, VirtualTime } from './virtual-time.ts';

export interface EdgeReport {
  readonly violations: readonly string[];
  readonly published: number;
  readonly acknowledged: number;
  readonly forwarded: number;
  readonly duplicates: number;
  readonly kills: number;
  readonly cuts: number;
  readonly diskFailures: number;
  readonly parked: number;
}

interface Sent {
  readonly id: string;
  readonly topic: string;
  readonly n: number;
}

/**
 * A random life of an edge: devices publish while the line is cut and slow, the disk fails and fills, and the process is killed.
 * Devices are as MQTT wants them: what was not acknowledged before a kill is sent again, in its order, before anything newer.
 */
export async function runEdgeHistory(seed: number): Promise<EdgeReport> {
  const random = seededRandom(seed);
  const time = new VirtualTime(random);
  const violations: string[] = [];
  const chance = (p: number): boolean => random() < p;
  const topics = Array.from({ length: 1 + Math.floor(random() * 8) }, (_, i) => `t/${i}`);
  const strict = chance(0.7);
  const refusing = strict && chance(0.5) ? random() * 0.2 : 0;
  const room = chance(0.4) ? 5 + Math.floor(random() * 40) : 100_000;
  const disk = { failing: chance(0.4) ? random() * 0.3 : 0, room };
  const window = 4 + Math.floor(random() * 40);
  const slowMs = chance(0.3) ? 500 : 5;
  const spoolAfterMs = chance(0.2) ? 0 : random() * 100;
  const drainPerSecond = chance(0.3) ? 50 + random() * 500 : 0;

  const acknowledged = new Set<string>();
  const answers = new Map<string, number>();
  /** First arrivals by topic, and all arrivals. */
  const first = new Map<string, number[]>();
  const arrivals = new Map<string, number>();
  let diskFailures = 0;
  let parked = 0;
  const got = (message: KeptMessage): void => {
    const id = message.payload.toString();
    const seen = arrivals.get(id) ?? 0;
    arrivals.set(id, seen + 1);
    if (seen > 0) return;
    const list = first.get(message.topic) ?? [];
    list.push(Number(id.split('#')[1]));
    first.set(message.topic, list);
  };

  let outlet: SimOutlet;
  let spool: SimSpool;
  let keeper: StoringKeeper;
  let life = 0;
  let ledger = new Ledger();
  const start = (remains?: SpoolRemains): void => {
    life += 1;
    ledger = new Ledger();
    spool = new SimSpool(time, disk, remains);
    outlet = new SimOutlet(time, { window, perTopic: strict ? 1 : window, refusing, slowMs, got });
    // What an earlier life has kept is owed by this one.
    ledger.messages.received += spool.waiting.length;
    if (chance(0.4)) outlet.cut();
    keeper = new StoringKeeper({
      spool,
      outlet,
      scheduler: time,
      ledger,
      spoolAfterMs,
      lateAfterMs: 1000,
      retry: { baseMs: 5, capMs: 200 },
      drainPerSecond,
      refuse: () => violations.push('gave a message up'),
    });
  };
  start();

  /** What a device has sent and not had acknowledged, by topic, in its order. */
  const open = new Map<string, Sent[]>();
  const publish = (sent: Sent): void => {
    const mine = life;
    const message = {
      topic: sent.topic,
      payload: Buffer.from(sent.id),
      qos: 1,
      retain: false,
      dup: false,
      clientId: sent.topic,
      receivedAt: time.now(),
    } as const;
    let answered = false;
    keeper.keep(message, (error) => {
      if (mine !== life) return;
      if (answered) violations.push(`${sent.id} was answered twice`);
      answered = true;
      if (error !== undefined) violations.push(`${sent.id} was refused: ${error.message}`);
      answers.set(sent.id, (answers.get(sent.id) ?? 0) + 1);
      acknowledged.add(sent.id);
      const list = open.get(sent.topic) ?? [];
      open.set(
        sent.topic,
        list.filter((each) => each.id !== sent.id),
      );
    });
  };

  const counters = new Map<string, number>();
  let published = 0;
  let kills = 0;
  let cuts = 0;
  const until = 2000 + random() * 3000;
  while (time.monotonic() < until) {
    const dice = random();
    if (dice < 0.9) {
      for (let burst = 1 + Math.floor(random() * 6); burst > 0; burst -= 1) {
        const topic = topics[Math.floor(random() * topics.length)] as string;
        // A device has a bounded window, as its client library does.
        if ((open.get(topic)?.length ?? 0) >= 10) continue;
        const n = (counters.get(topic) ?? 0) + 1;
        counters.set(topic, n);
        const sent = { id: `${topic}#${n}`, topic, n };
        open.set(topic, [...(open.get(topic) ?? []), sent]);
        published += 1;
        publish(sent);
      }
    } else if (dice < 0.94) {
      cuts += 1;
      outlet!.cut();
    } else if (dice < 0.985) outlet!.mend();
    else if (chance(0.3)) {
      kills += 1;
      diskFailures += spool!.failures;
      const line = outlet!;
      line.cut();
      const remains = spool!.kill();
      start(remains);
      for (const list of open.values()) for (const sent of list) publish(sent);
    }
    parked = Math.max(parked, keeper!.waitingForRoom);
    await time.runUntil(time.monotonic() + random() * 20);
    const held = keeper!.bareCount + spool!.durable;
    if (owed(ledger.messages) !== held) violations.push(`the books say ${owed(ledger.messages)}, held are ${held}`);
  }
  outlet!.mend();
  for (let i = 0; i < 100_000 && (spool!.waiting.length > 0 || keeper!.inMemory > 0); i += 1) await time.runUntil(time.monotonic() + 50);
  diskFailures += spool!.failures;

  if (spool!.waiting.length > 0) violations.push(`${spool!.waiting.length} stayed in the spool`);
  if (keeper!.inMemory > 0 || keeper!.bareCount !== 0) violations.push(`${keeper!.inMemory} stayed in memory, ${keeper!.bareCount} of them without a copy`);
  for (const id of acknowledged) if (!arrivals.has(id)) violations.push(`lost ${id}`);
  for (const list of open.values()) for (const { id } of list) violations.push(`${id} was never answered`);
  for (const [topic, list] of first) {
    for (let i = 1; i < list.length; i += 1) {
      if ((list[i] as number) < (list[i - 1] as number)) violations.push(`${topic}: ${list[i]} came behind ${list[i - 1]}`);
    }
  }
  if (keeper!.topicsHeld !== 0) violations.push(`${keeper!.topicsHeld} topics are held for ever`);
  if (keeper!.writing !== 0) violations.push(`${keeper!.writing} writes without an end`);
  let duplicates = 0;
  for (const n of arrivals.values()) duplicates += n - 1;
  return {
    violations: violations.slice(0, 5),
    published,
    acknowledged: acknowledged.size,
    forwarded: arrivals.size,
    duplicates,
    kills,
    cuts,
    diskFailures,
    parked,
  };
}
