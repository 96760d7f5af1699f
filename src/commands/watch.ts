import { CommandError, EXIT } from './command.ts';
import { standardOutput } from './output.ts';

/** What a command that shows what happens needs from outside; tests give their own. */
export interface WatchStreams {
  /** Resolves when the text is gone; answers false when nobody reads any more. */
  out(text: string): Promise<boolean>;
  /** Standard output is a terminal: colours and redrawing make sense. */
  readonly terminal: { readonly colours: boolean; readonly columns: number; readonly rows: number } | undefined;
}

export function watchStreams(env: NodeJS.ProcessEnv): WatchStreams {
  const { stdout } = process;
  // https://no-color.org: set and not empty.
  const colours = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const terminal = stdout.isTTY
    ? {
        colours,
        get columns() {
          return stdout.columns;
        },
        get rows() {
          return stdout.rows;
        },
      }
    : undefined;
  return { out: standardOutput(), terminal };
}

export type Paint = Readonly<Record<'bold' | 'dim' | 'red' | 'green' | 'yellow', (text: string) => string>>;

export function paint(colours: boolean): Paint {
  const sgr = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { bold: sgr(1), dim: sgr(2), red: sgr(31), green: sgr(32), yellow: sgr(33) };
}

/** Runs until it ends by itself, a signal comes, or `seconds` have passed; an abort that it asked for is no failure. */
export async function untilStopped(seconds: number | undefined, work: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  const timer = seconds === undefined ? undefined : setTimeout(end, seconds * 1000);
  try {
    return await work(stop.signal);
  } catch (error) {
    if (stop.signal.aborted && !(error instanceof CommandError)) return EXIT.ok;
    throw error;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  }
}

/** A whole number of an option. */
export function countOption(verb: string, name: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  const n = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(n >= 1 && n <= most)) throw new CommandError(EXIT.usage, `${verb}: --${name} is a whole number from 1 to ${most}`);
  return n;
}
