import { join, resolve } from 'node:path';
import { HELP, type Options, readOptions, UsageError } from './options.ts';
import { writeDocument } from './report/document.ts';
import { printRow } from './report/print.ts';
import { allRows } from './rows/index.ts';
import type { Row } from './rows/row.ts';
import { scaled } from './rows/size.ts';
import { runRow } from './runner.ts';
import { BenchBroker, memoryProblem } from './support/broker.ts';
import { codeVersion, type MachineFacts, machineFacts } from './support/machine.ts';
import { ROOT } from './support/place.ts';
import { type BenchResult, readResult, type RowResult, writeResult } from './support/result.ts';

// npm run bench

/** Of `--smoke`: every kind of row, every contender and payload once, just long enough to see them start, work and stop. */
const SMOKE_SCALE = 0.02;
const SMOKE_ROWS = ['throughput', 'senml', 'sparkplug', 'line-protocol', 'latency-500', 'mqtt', 'start', 'latency-2000-memory'];

/**
 * RabbitMQ writes its log of quorum queues into segments after each 512 MB (`raft.wal_max_size_bytes`): for some seconds that takes it 6 to 8 us a
 * message more (measured). A stretch here writes 300 MB, so that one contender in two paid for both. With 64 MB each pays for what it writes.
 */
const CONF = ['raft.wal_max_size_bytes = 64000000'];

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function chosen({ only, smoke, scale }: Options): Row[] {
  const rows = allRows();
  for (const name of only ?? []) {
    if (!rows.some((row) => row.name === name)) throw new UsageError(`there is no row ${name}; --list names them`);
  }
  const names = only ?? (smoke ? SMOKE_ROWS : undefined);
  return rows.filter(({ name }) => names?.includes(name) !== false).map((row) => scaled(row, smoke ? SMOKE_SCALE : scale));
}

/** Rows whose broker has its data in memory: none, said in a line, where there is no room for it. */
function inMemory(rows: readonly Row[]): Row[] {
  const found = rows.filter(({ memory }) => memory === true);
  const problem = found.length === 0 ? undefined : memoryProblem();
  if (problem === undefined) return found;
  say(`left out: ${found.map(({ name }) => name).join(', ')}: ${problem}`);
  return [];
}

async function measure(options: Options, argv: readonly string[]): Promise<number> {
  const rows = chosen(options);
  const out = resolve(options.out);
  const stop = (): void => process.exit(130);
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const found: RowResult[] = [];
  const failed: string[] = [];
  const facts: Omit<BenchResult, 'rows' | 'machine'> = {
    format: 1,
    startedAt: new Date().toISOString(),
    command: ['npm run bench', ...(argv.length === 0 ? [] : ['--', ...argv])].join(' '),
    code: codeVersion(ROOT),
  };
  let machine: MachineFacts | undefined;
  for (const group of [rows.filter(({ memory }) => memory !== true), inMemory(rows)]) {
    if (group.length === 0) continue;
    const broker = await BenchBroker.start(CONF, group[0]?.memory);
    try {
      // Of the first one: its disk is what most rows are about.
      machine ??= machineFacts(broker.dir, await broker.versions());
      const run = { broker, profiles: options.profile === undefined ? undefined : resolve(options.profile), say };
      for (const [i, row] of group.entries()) {
        // The broker is warm after one.
        const many = options.smoke ? { ...run, rounds: 1, warmUpRounds: 0 } : { ...run, rounds: options.rounds, warmUpRounds: i === 0 ? 1 : 0 };
        const { result, failures } = await runRow(options.smoke ? { ...row, rounds: 1 } : row, many);
        found.push(result);
        failed.push(...failures);
        // After each row: a run that is broken off leaves what it had.
        writeResult(out, { ...facts, machine, rows: found });
        console.log(`\n${printRow(result)}\n`);
      }
    } finally {
      await broker.stop();
    }
  }
  say(found.length === 0 ? 'nothing was measured' : `results: ${out}`);
  for (const failure of failed) say(`FAILED: ${failure}`);
  return found.length > 0 && failed.length === 0 ? 0 : 1;
}

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.list) {
    for (const { name, title } of allRows()) console.log(`${name.padEnd(20)} ${title}`);
    return 0;
  }
  if (options.docs) {
    for (const path of writeDocument(
      options.out.split(',').map((file) => readResult(resolve(file))),
      join(ROOT, 'docs'),
    ))
      say(`wrote ${path}`);
    return 0;
  }
  return await measure(options, argv);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  say(`bench: ${error.message}\n\n${HELP}`);
  process.exitCode = 2;
}
