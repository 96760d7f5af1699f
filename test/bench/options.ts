import { parseArgs } from 'node:util';

export const HELP = `npm run bench -- [options]

Starts a private RabbitMQ, measures Sluice beside a bare amqplib loop (the floor) and Shovel, and prints tables. Every message is
counted at the far end: a rate with a loss is zero, and the exit code 1.

  --only NAMES     rows, with commas between; --list names them
  --list           names and titles of the rows, and nothing else
  --rounds N       rounds that count (default 5)
  --scale X        times the messages of every row (default 1; 0.1 for a first look)
  --out FILE       result file (default .sluice/bench/result.json)
  --docs           writes docs/performance.md and its plots from the result file of --out, and measures nothing. Several files with commas
                   between: of a row that two of them have, the later one counts
  --smoke          a few rows once, with few messages: whether the bench works, in a minute. Its numbers mean nothing
  --profile DIR    contenders write CPU profiles into this folder
  -h, --help
`;

export interface Options {
  readonly only: readonly string[] | undefined;
  readonly list: boolean;
  readonly rounds: number;
  readonly scale: number;
  readonly out: string;
  readonly docs: boolean;
  readonly smoke: boolean;
  readonly profile: string | undefined;
  readonly help: boolean;
}

/** Something on the command line is wrong; the message says what. */
export class UsageError extends Error {}

/** Throws `UsageError`. */
export function readOptions(argv: readonly string[]): Options {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        list: { type: 'boolean' },
        rounds: { type: 'string' },
        scale: { type: 'string' },
        out: { type: 'string' },
        docs: { type: 'boolean' },
        smoke: { type: 'boolean' },
        profile: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const number = (name: string, usual: number, least: number, most: number): number => {
    const text = values[name];
    if (text === undefined) return usual;
    const value = Number(text);
    if (!(value >= least && value <= most)) throw new UsageError(`--${name} is a number from ${least} to ${most}, not ${String(text)}`);
    return value;
  };
  const text = (name: string): string | undefined => values[name] as string | undefined;
  return {
    only: text('only')?.split(','),
    list: values['list'] === true,
    rounds: Math.round(number('rounds', 5, 1, 100)),
    scale: number('scale', 1, 0.01, 100),
    out: text('out') ?? '.sluice/bench/result.json',
    docs: values['docs'] === true,
    smoke: values['smoke'] === true,
    profile: text('profile'),
    help: values['help'] === true,
  };
}
