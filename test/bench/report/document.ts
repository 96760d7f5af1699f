import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allRows } from '../rows/index.ts';
import type { BenchResult, RowResult } from '../support/result.ts';
import { plots } from './plots.ts';
import { rowTable } from './print.ts';
import { targetTable } from './targets.ts';

/** What stands between these is written by hand and kept. */
const KEPT = { begin: '<!-- by hand: begin -->', end: '<!-- by hand: end -->' };
const EMPTY = '\n\n';

/** Writes docs/performance.md and its plots in docs/performance/; answers the paths. `docs`: the folder; `runs`: at least one, see `documentText`. */
export function writeDocument(runs: readonly BenchResult[], docs: string): string[] {
  const drawn = plots(joined(runs));
  const folder = join(docs, 'performance');
  mkdirSync(folder, { recursive: true });
  const written = [...drawn].map(([name, svg]) => {
    const path = join(folder, `${name}.svg`);
    writeFileSync(path, svg);
    return path;
  });
  const path = join(docs, 'performance.md');
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  writeFileSync(path, documentText(runs, [...drawn.keys()], keptOf(before)));
  return [path, ...written];
}

/** The part of an earlier document that was written by hand. */
export function keptOf(text: string): string {
  const [from, to] = [text.indexOf(KEPT.begin), text.indexOf(KEPT.end)];
  return from === -1 || to < from ? EMPTY : text.slice(from + KEPT.begin.length, to);
}

/** The rows of all runs, in the order in which one run would have them; everything else is of the last one. */
function joined(runs: readonly BenchResult[]): BenchResult {
  const rows = new Map(runs.flatMap((run) => run.rows.map((row) => [row.name, row] as const)));
  const order = allRows().map(({ name }) => name);
  // One that is measured no more stands at the end.
  const place = ({ name }: RowResult): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return { ...(runs.at(-1) as BenchResult), rows: Array.from(rows.values()).sort((a, b) => place(a) - place(b)) };
}

/** When, of what, and which rows of it stand in the document. */
function runLine(run: BenchResult, rows: readonly RowResult[]): string {
  const { startedAt, code, machine } = run;
  const names = run.rows.filter((row) => rows.includes(row)).map(({ name }) => `\`${name}\``);
  const commit = `commit ${code.commit}${code.changed ? ' with changes' : ''}`;
  return `- ${startedAt.slice(0, 16).replace('T', ' ')} UTC, Sluice ${code.sluice}, ${commit}, load average before ${machine.loadBefore}: ${names.join(', ')}`;
}

/** `runs` in order, at least one: where two of them have measured one row, the later one counts. `drawn`: names of plots. `kept`: what was written by hand. */
export function documentText(runs: readonly BenchResult[], drawn: readonly string[], kept: string): string {
  const result = joined(runs);
  const { machine, rows } = result;
  const gigabytes = (machine.memoryBytes / 2 ** 30).toFixed(0);
  // Without what its packager put behind the version.
  const kernel = machine.system.replace(/-\S+/, '');
  const plot = (name: string, words: string): string[] => (drawn.includes(name) ? ['', `![${words}](performance/${name}.svg)`] : []);
  const part = (title: string, words: string, chosen: readonly RowResult[], name?: string): string[] =>
    chosen.length === 0
      ? []
      : [
          `## ${title}`,
          '',
          words,
          ...(name === undefined ? [] : plot(name, title)),
          ...chosen.flatMap((row) => [
            '',
            `### ${row.title} (${roundsOf(row)})`,
            ...(row.axis === undefined && row.name !== 'backlog' ? [] : plot(row.name, row.title)),
            '',
            rowTable(row),
          ]),
          '',
        ];
  const named = (name: string): RowResult[] => rows.filter((row) => row.name === name);
  return [
    '# Performance',
    '',
    '<!-- Written by `npm run bench -- --docs` from a result file; only what stands between the marks "by hand" is kept. -->',
    '',
    `Measured on ${machine.processors} processors (${machine.cpu}), ${gigabytes} GB, ${kernel}; Node.js ${machine.node},`,
    `RabbitMQ ${machine.rabbitmq} on Erlang ${machine.erlang}; a write of 4 kB with \`fdatasync\` takes ${machine.syncMs} ms. Broker, load, gateway and consumer`,
    'share the machine.',
    '',
    ...runs.map((run) => runLine(run, rows)),
    '',
    'Repeat it, from a fresh clone, on a machine that does nothing else; it takes about two hours:',
    '',
    '```sh',
    'npm run bench',
    'npm run bench -- --docs',
    '```',
    '',
    'Rates are those of this machine; the ratios (columns `x`, against the first line of each table) travel better.',
    '',
    '## Against the targets',
    '',
    targetTable(result),
    '',
    KEPT.begin + kept + KEPT.end,
    '',
    '## How it is measured',
    '',
    '- **Floor**: a loop on amqplib in a process of its own, without any feature: consume, `JSON.parse` each message, `JSON.stringify` a hundred of them',
    '  as one array, publish with confirm, ack up to it. Its sockets wait for nobody (TCP_NODELAY), which amqplib does not do unless told.',
    '- **Sluice**: `sluice run` as a user starts it, with a profile (units, ranges, tags), limits, ids, deduplication, routing by expressions, batches of a',
    '  hundred, `mandatory` and confirms, ledger, and metrics that are scraped every 5 s.',
    '- **Shovel**: RabbitMQ’s plugin in the same broker, `on-confirm`. It reads no payload, and passes on one message for one. Its cost is the broker’s.',
    '- All of a table are measured in turn, again and again, each round beginning with another one. A process lives for one round, and messages before',
    '  the measured ones warm it up. Numbers are medians of so many rounds as the title of a table says; memory, losses and duplicates are the worst of them.',
    '- Throughput: the messages wait in the ingest queue, published over AMQP as the MQTT plugin publishes them, since that plugin is slower than the contenders.',
    '- RabbitMQ writes its log of quorum queues into segments after 64 MB (`raft.wal_max_size_bytes`), not 512: that takes it seconds and as much as 8 us a',
    '  message, and would come in the middle of one contender’s stretch and in no other’s.',
    '- Latency: devices publish over MQTT with QoS 1 at a fixed rate. Time counts from when a message was *due*, not from when it could be sent, so that a',
    '  stall counts for every message that it held up (no coordinated omission). One by one: `count` 1. Age 0: `ageMs` 0, readings leave with those that',
    '  came in the same turn, or as soon as the batch before them is confirmed. The ingest queue is a quorum queue, the output queue too where nothing else is said.',
    '  A process has as long to warm up as is measured then. With the data of the broker in memory (`/dev/shm`): a message passes two quorum queues, and each',
    '  of them syncs a log that is one for all of the broker; that row leaves the disk out, and shows what the rest of the way takes.',
    '- Every message carries its number, and the far end ticks off each one. A rate with a loss is zero, and the bench fails.',
    '- CPU is that of the whole process as the kernel counts it, memory the most that was ever resident.',
    '',
    ...part(
      'At full speed',
      'One message in the ingest queue is one reading of four values, save where it says otherwise.',
      rows.filter(({ kind, axis, name }) => kind === 'drain' && axis === undefined && name !== 'backlog'),
      'throughput',
    ),
    ...part(
      'Latency',
      '`added` is against the plain consumer, which stands at the ingest queue itself, round by round.',
      rows.filter(({ kind }) => kind === 'latency'),
      'latency',
    ),
    ...part('Over MQTT', 'Where the MQTT plugin has its ceiling, with and without a gateway behind it.', named('mqtt')),
    ...part('Start-up', 'From the start of the process; the broker is up, and the topology in place.', named('start')),
    ...part(
      'What grows with what',
      'Sluice against itself: the first line of each table is its usual load.',
      rows.filter(({ axis }) => axis !== undefined),
    ),
    ...part('A long backlog', 'The course of one round.', named('backlog')),
  ].join('\n');
}

function roundsOf({ subjects }: RowResult): string {
  const count = Math.min(...subjects.map(({ rounds }) => rounds.length));
  return count === 1 ? '1 round' : `${count} rounds`;
}
