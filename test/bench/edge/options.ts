import { parseArgs } from 'node:util';

export const ROWS = ['generator', 'publish', 'idle', 'spool'] as const;
export type RowName = (typeof ROWS)[number];

export interface Options {
  readonly rows: readonly RowName[];
  readonly rounds: number;
  /** Of a measured stretch, without its warm-up. */
  readonly seconds: number;
  /** Messages a second of the open loop: one that every contender can carry. */
  readonly rate: number;
  readonly idleClients: number;
  /** How far the spool grows. */
  readonly spoolBytes: number;
  /** Of one of its messages. */
  readonly spoolPayloadBytes: number;
  /** Result file. */
  readonly out: string;
  readonly smoke: boolean;
}

export const HELP = `npm run bench:edge -- [options]

The edge against RabbitMQ's MQTT plugin, side by side on this machine, on private brokers. Every acknowledged message is counted at the end:
one that is missing ends the bench with exit code 1. Linux.

  --only ROWS         some of ${ROWS.join(', ')}, with commas; default all
  --rounds N          medians of so many interleaved rounds; default 5
  --seconds N         of a measured stretch; default 4
  --rate N            messages a second of the open loop; default 4000
  --idle-clients N    default 10000; needs as many open files (ulimit -n) and some
  --spool-bytes N     how far the spool grows; 5e9 for the full claim; default 5e8
  --spool-payload-bytes N  of a message that it grows by; default 300
  --out FILE          result as JSON; default .sluice/bench/edge.json
  --smoke             everything once and tiny, to see that it runs: its numbers mean nothing
  --help

  generator  what the load itself can do, against a server that only acknowledges
  publish    QoS 1 publishes a second, CPU for one, PUBACK p50 and p99
  idle       memory of a connected client that does nothing
  spool      RabbitMQ away: write rate and memory while the spool grows; back: drain rate, and what live messages feel of it; for an edge that publishes
             as the MQTT plugin does (bridge), and for a gateway that is its own edge (direct: batches of 500)
`;

const SMOKE = { rounds: 1, seconds: 0.3, rate: 300, idleClients: 100, spoolBytes: 2e6, spoolPayloadBytes: 300 } as const;
const FULL = { rounds: 5, seconds: 4, rate: 4000, idleClients: 10_000, spoolBytes: 5e8, spoolPayloadBytes: 300 } as const;

/** Throws an error that says what to write instead. */
export function optionsOf(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
      'idle-clients': { type: 'string' },
      'spool-bytes': { type: 'string' },
      'spool-payload-bytes': { type: 'string' },
      out: { type: 'string' },
      smoke: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return 'help';
  const smoke = values.smoke === true;
  const defaults = smoke ? SMOKE : FULL;
  const number = (name: 'rounds' | 'seconds' | 'rate' | 'idle-clients' | 'spool-bytes' | 'spool-payload-bytes', byDefault: number, whole: boolean): number => {
    const text = values[name];
    const value = text === undefined ? byDefault : Number(text);
    if (!(value > 0) || (whole && !Number.isInteger(value))) throw new Error(`--${name} ${text}: give a ${whole ? 'whole ' : ''}number above 0`);
    return value;
  };
  const rows = values.only?.split(',').map((name) => name.trim()) ?? ROWS;
  const unknown = rows.find((name) => !ROWS.includes(name as RowName));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there is ${ROWS.join(', ')}`);
  return {
    rows: rows as RowName[],
    rounds: number('rounds', defaults.rounds, true),
    seconds: number('seconds', defaults.seconds, false),
    rate: number('rate', defaults.rate, false),
    idleClients: number('idle-clients', defaults.idleClients, true),
    spoolBytes: number('spool-bytes', defaults.spoolBytes, true),
    spoolPayloadBytes: number('spool-payload-bytes', defaults.spoolPayloadBytes, true),
    out: values.out ?? '.sluice/bench/edge.json',
    smoke,
  };
}
