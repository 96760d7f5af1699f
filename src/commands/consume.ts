import { parseArgs } from 'node:util';
import { messageOf } from '../rabbit/reasons.ts';
import { tlsOptions } from '../rabbit/tls.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { Consumer, type ConsumeOptions } from './consumer.ts';
import { brokerUrls, settingsOrExplain } from './settings.ts';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  url: { type: 'string' },
  queue: { type: 'string' },
  tap: { type: 'boolean' },
  exchange: { type: 'string' },
  count: { type: 'string' },
  json: { type: 'boolean' },
  keep: { type: 'boolean' },
} as const;

const HELP = `sluice consume: print readings as they arrive in a queue

Usage: sluice consume [-c FILE | --url URL] --queue NAME [options]
       sluice consume [-c FILE | --url URL] --tap [options]

  -c, --config FILE   take the broker's URL from these settings
  --url URL           broker; better in the environment as SLUICE_AMQP_URL, where nobody sees its password
  --queue NAME        queue to read, for instance sluice.out.readings, or sluice.dead for dead letters
  --tap               watch the live copies instead: a temporary queue, gone at the end
  --exchange NAME     exchange to tap (default sluice.live)
  --count N           stop after N readings; the message with the last of them is printed whole
  --json              one JSON object a line
  --keep              leave the messages in the queue: they go back at the end

A message is acked when its lines have been written. Comes back by itself when the connection is lost.
Stops on Ctrl-C.

Exit codes: 0 stopped or N readings printed, 1 a message that is not a batch of readings (it stays in the queue),
2 wrong command line, 3 wrong settings, 4 broker, queue or right is not to be had.
`;

async function parse(argv: readonly string[]): Promise<ConsumeOptions> {
  let values: { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]['type'] extends 'boolean' ? boolean : string };
  try {
    ({ values } = parseArgs({ args: [...argv], options: OPTIONS }));
  } catch (error) {
    throw new CommandError(EXIT.usage, `consume: ${messageOf(error)}; see sluice consume --help`);
  }
  const { config, url, queue, tap = false, count } = values;
  if ((queue === undefined) !== tap) throw new CommandError(EXIT.usage, 'consume: give either --queue NAME or --tap');
  if (config !== undefined && url !== undefined) throw new CommandError(EXIT.usage, 'consume: give either -c FILE or --url URL');
  if (count !== undefined && !/^[1-9]\d{0,14}$/.test(count))
    throw new CommandError(EXIT.usage, `consume: --count is a whole number from 1, not ${JSON.stringify(count)}`);
  return {
    ...(config === undefined ? { urls: brokerUrls(url, process.env), tls: undefined } : await brokerOf(config)),
    queue,
    exchange: values.exchange ?? 'sluice.live',
    count: count === undefined ? Number.POSITIVE_INFINITY : Number(count),
    json: values.json ?? false,
    keep: values.keep ?? false,
  };
}

async function brokerOf(file: string): Promise<Pick<ConsumeOptions, 'urls' | 'tls'>> {
  const { urls, tls } = (await settingsOrExplain(file, process.env)).settings.rabbitmq;
  return { urls, tls: tlsOptions(tls) };
}

async function run(argv: readonly string[]): Promise<number> {
  const options = await parse(argv);
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  process.on('disconnect', end);
  // Handled where it matters, in the callback of the write.
  process.stdout.on('error', () => {});
  const consumer = new Consumer(
    options,
    (lines, done) => void process.stdout.write(lines, done),
    (line) => void process.stderr.write(`sluice consume: ${line}\n`),
  );
  try {
    await consumer.run(stop.signal);
  } finally {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
    process.off('disconnect', end);
  }
  return EXIT.ok;
}

export const command: Command = { name: 'consume', summary: 'print readings as they arrive in a queue', help: HELP, run };
