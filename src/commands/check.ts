import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { defaultCodecs } from '../codec/registry.ts';
import { loadSettings, redact } from '../settings/load.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { formatProblem } from './problems.ts';

/** What `sluice check` answers; docs/configuration.md lists it. */
export const CHECK_EXIT_CODES: readonly { readonly code: number; readonly meaning: string }[] = [
  { code: EXIT.ok, meaning: 'The file has no errors. It may have warnings.' },
  { code: EXIT.usage, meaning: 'The command line is wrong.' },
  { code: EXIT.settings, meaning: 'The file has errors, or with `--strict` warnings.' },
];

const OPTIONS = {
  json: { type: 'boolean', default: false },
  print: { type: 'boolean', default: false },
  strict: { type: 'boolean', default: false },
} as const;

const HELP = `sluice check: say everything that is wrong with a settings file

Usage: sluice check FILE [options]

Connects to nothing. Problems go to standard error as FILE:LINE:COLUMN: error|warning: TEXT, a summary to standard output.
Environment variables and files that the settings name must be there, as for a start.

Options
  --print    the effective settings with every default, as YAML; secrets are ***
  --json     one JSON object on standard output instead: ok, version, problems, and with --print settings
  --strict   warnings fail too

Exit codes: ${CHECK_EXIT_CODES.map(({ code, meaning }) => `${code} ${meaning.replaceAll('`', '')}`).join(' ')}
`;

export interface Output {
  out(text: string): void;
  err(text: string): void;
}

export async function check(argv: readonly string[], env: NodeJS.ProcessEnv, to: Output): Promise<number> {
  const { file, json, print, strict } = parse(argv);
  const result = await loadSettings(file, env, { codecs: defaultCodecs() });
  const problems = result.ok ? result.warnings : result.problems;
  const errors = problems.filter((p) => p.severity === 'error').length;
  const warnings = problems.length - errors;
  const good = result.ok && !(strict && warnings > 0);
  const settings = result.ok && print ? redact(result.settings) : undefined;
  if (json) {
    const version = result.ok ? result.version : undefined;
    to.out(`${JSON.stringify({ ok: good, file, version, errors, warnings, problems, settings }, undefined, 2)}\n`);
    return good ? EXIT.ok : EXIT.settings;
  }
  for (const problem of problems) to.err(`${formatProblem(problem)}\n`);
  if (settings !== undefined) to.out(stringify(settings, { aliasDuplicateObjects: false, lineWidth: 0 }));
  const counts = `${count(errors, 'error')}, ${count(warnings, 'warning')}`;
  // With --print standard output is the settings alone, so that it can be piped.
  const summary = `${file}: ${good ? 'good' : 'refused'} (${counts})${result.ok ? `, version ${result.version}` : ''}\n`;
  if (settings === undefined) to.out(summary);
  else to.err(summary);
  return good ? EXIT.ok : EXIT.settings;
}

function parse(argv: readonly string[]): { file: string; json: boolean; print: boolean; strict: boolean } {
  let parsed: ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new CommandError(EXIT.usage, `check: ${error instanceof Error ? error.message : String(error)}`);
  }
  const [file, ...more] = parsed.positionals;
  if (file === undefined || more.length > 0) throw new CommandError(EXIT.usage, 'check: name one settings file, as in: sluice check config/sluice.yaml');
  return { file, ...parsed.values };
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

export const command: Command = {
  name: 'check',
  summary: 'check a settings file',
  help: HELP,
  run: async (argv) => check(argv, process.env, { out: (text) => void process.stdout.write(text), err: (text) => void process.stderr.write(text) }),
};
