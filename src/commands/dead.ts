import { createInterface } from 'node:readline/promises';
import type { LetterWalk } from '../domain/letter.ts';
import { letterJson } from '../domain/letter-json.ts';
import { LetterDeskError } from '../pipeline/letter-desk.ts';
import { PlanSummary } from '../pipeline/letter-plan.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { type OpenDesk, openDesk } from './dead-open.ts';
import { DEAD_HELP, type DeadOptions, parseDead } from './dead-options.ts';
import { changesText, exportLine, HEAD, letterText, PLAN_HEAD, type Row, row, shortfall, summaryText, table } from './dead-print.ts';
import { standardOutput } from './output.ts';
import { printable } from './problems.ts';

const SHOWN = 50;
/** Rows that are printed together: their columns line up. */
const PAGE = 500;

/** What a run needs from outside; tests give their own. */
export interface DeadStreams {
  /** Resolves when the text is gone; answers false when nobody reads any more. */
  out(text: string): Promise<boolean>;
  err(text: string): void;
  /** Asks the person at the terminal; undefined where there is none. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
}

interface Run extends OpenDesk {
  readonly options: DeadOptions;
  readonly streams: DeadStreams;
  readonly signal: AbortSignal;
}

export async function dead(argv: readonly string[], env: NodeJS.ProcessEnv, streams: DeadStreams, signal: AbortSignal): Promise<number> {
  const options = parseDead(argv, Date.now());
  if (options.verb === 'drop' && !options.yes && streams.ask === undefined) {
    throw new CommandError(EXIT.usage, 'dead: what is dropped is gone. Without a terminal to ask at, say --yes');
  }
  const open = await openDesk(options, env, (line) => streams.err(`sluice dead: ${printable(line)}\n`));
  const run: Run = { ...open, options, streams, signal };
  try {
    return await VERBS[options.dryRun ? 'list' : options.verb](run);
  } catch (error) {
    if (error instanceof LetterDeskError) throw new CommandError(EXIT.unavailable, `dead: ${error.message}`);
    throw error;
  } finally {
    await open.close();
  }
}

const VERBS: Readonly<Record<DeadOptions['verb'], (run: Run) => Promise<number>>> = { list, show, export: exportAll, replay, drop };

async function list({ desk, planner, options, streams, signal }: Run): Promise<number> {
  const limit = options.limit ?? SHOWN;
  const codes = new Map<string, number>();
  const summary = new PlanSummary();
  let rows: Row[] = [planner === undefined ? HEAD : PLAN_HEAD];
  let shown = 0;
  const print = async (): Promise<boolean> => {
    const text = options.json || rows.length === 0 ? '' : table(rows);
    rows = [];
    return text === '' || (await streams.out(text));
  };
  const walk = await desk.walk(
    options.filter,
    (letter, body) => {
      codes.set(letter.code, (codes.get(letter.code) ?? 0) + 1);
      const plan = planner?.plan(letter, body, options);
      if (plan !== undefined) summary.add(plan);
      if (shown >= limit) return true;
      shown += 1;
      if (options.json) return streams.out(`${JSON.stringify(plan === undefined ? letterJson(letter) : { ...letterJson(letter), plan })}\n`);
      rows.push(row(letter, plan));
      return rows.length < PAGE ? true : print();
    },
    signal,
  );
  if (shown > 0) await print();
  const kinds = [...codes].map(([code, n]) => `${code} ${n}`).join(', ');
  const of = walk.matched === walk.seen ? '' : ` (of ${walk.seen})`;
  tell(streams, walk.matched === 0 ? `no dead letter${walk.seen === 0 ? '' : ` of ${walk.seen} matches`}` : `${shown} shown of ${walk.matched}${of}: ${kinds}`);
  if (planner !== undefined && walk.matched > 0) streams.err(summaryText(summary));
  return ending(walk, streams, signal);
}

async function show({ desk, options, streams, signal }: Run): Promise<number> {
  let found = false;
  const walk = await desk.walk(
    options.filter,
    async (letter, body) => {
      found = true;
      await streams.out(
        options.json
          ? `${JSON.stringify({ ...letterJson(letter), payload_b64: body.toString('base64') }, undefined, 2)}\n`
          : letterText(letter, body, options.full),
      );
      return false;
    },
    signal,
  );
  if (found) return EXIT.ok;
  const problem = shortfall(walk);
  throw new CommandError(
    EXIT.failed,
    `dead: no dead letter has the id ${JSON.stringify(options.filter.ids?.[0])}${problem === undefined ? '' : `; ${problem}`}`,
  );
}

async function exportAll({ desk, options, streams, signal }: Run): Promise<number> {
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const walk = await desk.walk(options.filter, async (letter, body) => (await streams.out(exportLine(letter, body))) && (left -= 1) > 0, signal);
  return ending(walk, streams, signal);
}

async function replay(run: Run): Promise<number> {
  const { desk, options, streams, signal } = run;
  const { limit, rate, maxReplays, whole } = options;
  const changes = await desk.replay(options.filter, { limit, rate, maxReplays, whole, signal });
  await streams.out(options.json ? `${JSON.stringify(changes)}\n` : changesText('replayed', changes));
  return changes.stopped === undefined ? ending(changes, streams, signal) : EXIT.unfinished;
}

async function drop(run: Run): Promise<number> {
  const { desk, options, streams, signal } = run;
  let { limit } = options;
  if (!options.yes) {
    const { matched } = await desk.walk(options.filter, () => true, signal);
    const most = Math.min(matched, limit ?? matched);
    if (most === 0) {
      tell(streams, 'no dead letter matches');
      return EXIT.ok;
    }
    const sure = await streams.ask?.(`Drop ${most} dead ${most === 1 ? 'letter' : 'letters'} for good? They cannot be brought back. [y/N] `);
    if (sure !== true) {
      tell(streams, 'nothing was dropped');
      return EXIT.ok;
    }
    // No more than was agreed to.
    limit = most;
  }
  const changes = await desk.drop(options.filter, { limit, signal });
  await streams.out(options.json ? `${JSON.stringify(changes)}\n` : changesText('dropped', changes));
  return changes.stopped === undefined ? ending(changes, streams, signal) : EXIT.unfinished;
}

/** Says what was not seen. */
function ending(walk: LetterWalk, streams: DeadStreams, signal: AbortSignal): number {
  const problem = shortfall(walk);
  if (problem !== undefined) tell(streams, problem);
  if (signal.aborted) tell(streams, 'stopped; what was not done is still in the queue');
  return walk.ended === 'lost' || signal.aborted ? EXIT.unfinished : EXIT.ok;
}

function tell(streams: DeadStreams, line: string): void {
  streams.err(`sluice dead: ${printable(line)}\n`);
}

function processStreams(): DeadStreams {
  const ask = async (question: string): Promise<boolean> => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await terminal.question(question)).trim());
    } finally {
      terminal.close();
    }
  };
  return {
    out: standardOutput(),
    err: (text) => void process.stderr.write(text),
    ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  };
}

async function run(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  try {
    return await dead(argv, process.env, processStreams(), stop.signal);
  } finally {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

export const command: Command = { name: 'dead', summary: 'look at, replay and drop dead letters', help: DEAD_HELP, run };
