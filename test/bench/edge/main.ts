import { resolve } from 'node:path';
import { codeVersion, machineFacts } from '../support/machine.ts';
import { ROOT } from '../support/place.ts';
import { type RowResult, writeResult } from '../support/result.ts';
import { BenchContext } from './bench-context.ts';
import { generatorRow } from './generator-row.ts';
import { idleRow } from './idle-row.ts';
import { HELP, type Options, optionsOf, type RowName } from './options.ts';
import { publishRow } from './publish-row.ts';
import { report } from './report.ts';
import { spoolRow } from './spool-row.ts';

const ROWS: Readonly<Record<RowName, (context: BenchContext) => Promise<RowResult>>> = {
  generator: generatorRow,
  publish: publishRow,
  idle: idleRow,
  spool: spoolRow,
};

async function bench(options: Options): Promise<void> {
  const startedAt = new Date().toISOString();
  const context = await BenchContext.start(options);
  const rows: RowResult[] = [];
  try {
    const machine = machineFacts(context.broker.dir, await context.broker.versions());
    const code = codeVersion(ROOT);
    const { cpu, processors, node, rabbitmq, syncMs, loadBefore } = machine;
    console.log(
      `Sluice ${code.commit}, Node.js ${node}, RabbitMQ ${rabbitmq}, ${processors} processors (${cpu}), fdatasync ${syncMs} ms, load before ${loadBefore}\n`,
    );
    for (const name of options.rows) {
      const row = await context.run(ROWS[name]);
      rows.push(row);
      console.log(report(row));
      // After each row: what is measured is measured, whatever comes next.
      writeResult(resolve(options.out), { format: 1, startedAt, command: process.argv.slice(2).join(' '), code, machine, rows });
    }
    console.log(`Every acknowledged message was found. ${resolve(options.out)}`);
  } finally {
    await context.stop();
  }
}

// By way of `exit`, where brokers and gateways of ours are ended.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  const options = optionsOf(process.argv.slice(2));
  if (options === 'help') process.stdout.write(HELP);
  else await bench(options);
} catch (error) {
  console.error(error instanceof Error ? `${error.name}: ${error.message}` : error);
  process.exitCode = 1;
}
