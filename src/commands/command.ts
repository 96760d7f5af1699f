/** Exit codes of every `sluice` verb; docs/operations.md lists them and a test keeps the two equal. */
export const EXIT = {
  /** Did what was asked. */
  ok: 0,
  /** Failed at run time: the reason is on standard error. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** The settings are wrong: every problem is on standard error with line and column. */
  settings: 3,
  /** Something outside that it needs is not there: broker, port, right. */
  unavailable: 4,
  /** Stopped before everything had settled; what was left is still in the broker. */
  unfinished: 5,
} as const;

/** One verb of the command line: a file of its own in this folder, listed in `src/main.ts`. */
export interface Command {
  readonly name: string;
  /** One line for the list of verbs. */
  readonly summary: string;
  /** Whole text of `sluice NAME --help`. */
  readonly help: string;
  /** `argv` is what stands behind the verb. Answers an exit code; `--help` is handled by main. Throws `CommandError` for the expected failures. */
  run(argv: readonly string[]): Promise<number>;
}

/** A failure with one clear message for the person at the terminal; anything else that is thrown is a bug of ours. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
