import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MqttLoad } from '../load/mqtt-load-process.ts';
import type { Credentials } from '../load/packets.ts';
import { memoryOf } from '../support/proc.ts';
import type { Measures, RowResult } from '../support/result.ts';
import type { BenchContext } from './bench-context.ts';
import { EdgeBed, NOWHERE } from './edge-bed.ts';
import { forkServer } from './fork-server.ts';

/** Something that clients connect to, started anew for each round: memory that an earlier round has left would hide what this one takes. */
interface Host {
  readonly port: number;
  readonly pid: number;
  readonly credentials?: Credentials;
  stop(): Promise<unknown>;
}

interface Subject {
  readonly label: string;
  readonly contender: string;
  start(context: BenchContext, round: number): Promise<Host>;
}

/** Loopback addresses have some 28,000 ports each; the sum over rounds that end in TIME_WAIT is to be below that. */
const PER_ADDRESS = 5000;
/** Files that a process has open besides its clients. */
const OTHER_FILES = 500;

const SUBJECTS: readonly Subject[] = [
  {
    label: 'MQTT plugin',
    contender: 'plugin',
    async start({ broker }) {
      await broker.node.restart(180_000);
      const { name: username, password } = broker.users.admin;
      return { port: broker.node.ports.mqtt, pid: broker.pid, credentials: { username, password }, stop: async () => undefined };
    },
  },
  {
    label: 'edge',
    contender: 'edge',
    async start(context, round) {
      const bed = await EdgeBed.start({ dir: context.folder(`idle-${round}`), name: 'idle', url: NOWHERE });
      return { port: bed.port, pid: bed.pid, stop: async () => await bed.stop() };
    },
  },
  {
    label: 'bare aedes',
    contender: 'aedes',
    start: async () => await forkServer('edge/bare-aedes'),
  },
];

/** Memory of clients that are connected and send a PINGREQ now and then. */
export async function idleRow(context: BenchContext): Promise<RowResult> {
  const { rounds, idleClients: clients, smoke } = context.options;
  const files = openFiles();
  if (files < clients + OTHER_FILES)
    throw new Error(`a process may have ${files} files open: --idle-clients ${files - OTHER_FILES} at most, or raise ulimit -n`);
  const settleMs = smoke ? 200 : 3000;
  const measured = SUBJECTS.map((): Measures[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [i, subject] of SUBJECTS.entries()) {
      const host = await subject.start(context, round);
      try {
        await sleep(settleMs);
        const before = memoryOf(host.pid).rss;
        const { port, credentials } = host;
        const load = await MqttLoad.connect({
          host: '127.0.0.1',
          port,
          credentials,
          clients,
          clientsPerAddress: PER_ADDRESS,
          prefix: 'idle',
          topicsPerClient: 1,
          window: 1,
          payloadBytes: 100,
        });
        await sleep(settleMs);
        await load.ping();
        await sleep(settleMs);
        const rssBytes = memoryOf(host.pid).rss;
        // They are all still there: it throws where one is not.
        await load.finish(1000);
        await load.close();
        measured[i]?.push({ bytesPerClient: (rssBytes - before) / clients, rssBytes, rssBeforeBytes: before });
        context.say(`idle ${round + 1}/${rounds} ${subject.label}: ${Math.round((rssBytes - before) / clients)} bytes a client`);
      } finally {
        await host.stop();
      }
    }
  }
  return {
    name: 'idle',
    title: 'Memory of a connected client that does nothing',
    subjects: SUBJECTS.map(({ label, contender }, i) => ({ label, contender, scenario: { clients }, rounds: measured[i] ?? [] })),
  };
}

/** Most that a process may have open. */
function openFiles(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? [];
  return Number(soft ?? Number.POSITIVE_INFINITY);
}
