import path from 'node:path';
import { parseArgs } from 'node:util';
import { encodeReading } from '../codec/reading.ts';
import { defaultCodecs } from '../codec/registry.ts';
import { excerpt } from '../domain/excerpt.ts';
import type { Reading } from '../domain/reading.ts';
import { Router } from '../pipeline/router.ts';
import { messageOf } from '../rabbit/reasons.ts';
import type { Settings } from '../settings/load.ts';
import { formatPath } from '../settings/problem.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { Decoder, type DecodeOutcome } from '../pipeline/trial-decoder.ts';
import { formatProblem, printable } from './problems.ts';
import { allProfiles, settingsOrExplain } from './settings.ts';
import { type Case, type CaseMessage, loadCases, unknownNames } from './test-cases.ts';
import { type Difference, differences, type Routed } from './test-compare.ts';

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  json: { type: 'boolean', default: false },
} as const;

const HELP = `sluice test: run the tests of a configuration

Usage: sluice test FILE... [-c SETTINGS] [--json]

Each test is a message and what is expected of it: outcome, fault code, readings with their values, units, tags and
flags, and the routes that take them. Runs the code of the gateway; connects to nothing. docs/testing.md explains the
files, with an example.

  -c, --config FILE   test these settings instead of those that the files name
  --json              one JSON object on standard output: ok, passed, failed, tests

Prints each test, and below one that fails what was expected, where that stands (FILE:LINE:COLUMN) and what came
instead.

Exit codes: 0 all tests pass; 1 a test fails; 2 wrong command line; 3 wrong settings, or a file of tests that is wrong.
`;

export interface TestOutput {
  out(text: string): void;
  err(text: string): void;
}

interface Result {
  readonly file: string;
  readonly test: Case;
  readonly differences: readonly Difference[];
  readonly outcome: DecodeOutcome;
}

/** Runs the tests of every file. Throws a `CommandError` where one of them, or the settings, cannot be used. */
export async function test(argv: readonly string[], env: NodeJS.ProcessEnv, to: TestOutput): Promise<number> {
  const { files, config, json } = parse(argv);
  const results: Result[] = [];
  for (const file of files) {
    const before = results.length;
    const loaded = await loadCases(file);
    if (!loaded.ok) throw new CommandError(EXIT.settings, `the tests are wrong:\n${loaded.problems.map(formatProblem).join('\n')}`);
    const used = config ?? loaded.settings;
    const { settings } = await settingsOrExplain(used ?? allProfiles(), env, { codecs: defaultCodecs() });
    // Routes of all-profiles.yaml are there for its lint only.
    const routes = used === undefined ? [] : settings.routes;
    const unknown = unknownNames(loaded.cases, { profiles: settings.profiles.map(({ name }) => name), routes: routes.map(({ name }) => name) });
    if (unknown.length > 0) throw new CommandError(EXIT.settings, `the tests do not fit the settings:\n${unknown.map(formatProblem).join('\n')}`);
    for (const one of loaded.cases) results.push(runCase(file, one, settings, routes));
    if (!json) report(file, used, results.slice(before), to);
  }
  const failed = results.filter((result) => result.differences.length > 0).length;
  if (json) to.out(jsonText(results, failed));
  else to.out(`${results.length} ${results.length === 1 ? 'test' : 'tests'}, ${failed === 0 ? 'all good' : `${failed} failed`}\n`);
  return failed === 0 ? EXIT.ok : EXIT.failed;
}

function parse(argv: readonly string[]): { files: readonly string[]; config: string | undefined; json: boolean } {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
    if (positionals.length > 0) return { files: positionals, config: values.config, json: values.json };
  } catch (error) {
    throw new CommandError(EXIT.usage, `test: ${messageOf(error)}; see sluice test --help`);
  }
  throw new CommandError(EXIT.usage, 'test: name a file of tests, as in: sluice test config/tests/sluice.yaml');
}

/** Each test has a decoder and a router of its own: one must not pass because of another. */
function runCase(file: string, one: Case, settings: Settings, routes: Settings['routes']): Result {
  const decoder = new Decoder(settings.profiles, defaultCodecs(), settings.limits);
  const decode = ({ topic, profile, contentEncoding, body, received }: CaseMessage): DecodeOutcome =>
    decoder.decode({ topic, profile, contentEncoding, body, receivedAt: received ?? Date.now() });
  for (const message of one.given) decode(message);
  const outcome = decode(one.message);
  const failures: string[] = [];
  const router = new Router(routes, (route, message) => void failures.push(`rule "${route}": ${message}`));
  const order = new Map(routes.map(({ name }, i) => [name, i]));
  const routed = (reading: Reading): Routed => {
    const { takers, taps, droppedBy, fault } = router.route(reading);
    const destinations = [...takers, ...taps].toSorted((a, b) => (order.get(a.route) ?? 0) - (order.get(b.route) ?? 0));
    const problem = fault === undefined || fault.code === 'NO_ROUTE' ? failures.splice(0).join('; ') : `${fault.code}: ${fault.message}`;
    return {
      routes: [...destinations.map(({ route }) => route), ...(droppedBy === undefined ? [] : [droppedBy])],
      routingKeys: destinations.map(({ routingKey }) => routingKey),
      problem: problem === '' ? undefined : problem,
    };
  };
  return { file, test: one, outcome, differences: differences(one.expect, outcome, routed) };
}

function report(file: string, settings: string | undefined, results: readonly Result[], to: TestOutput): void {
  to.out(`${printable(file)}: ${settings === undefined ? 'every profile that comes with Sluice' : printable(path.normalize(settings))}\n`);
  for (const result of results) {
    to.out(`  ${result.differences.length === 0 ? 'ok  ' : 'FAIL'} ${printable(result.test.name)}\n`);
    if (result.differences.length === 0) continue;
    for (const { at, expected, found } of result.differences) {
      const { line, column } = result.test.place(['expect', ...at]);
      to.out(`       ${printable(`${file}:${line}:${column}: ${formatPath(at)}: expected ${excerpt(expected, 400)}, found ${excerpt(found, 400)}`)}\n`);
    }
    for (const reading of result.outcome.readings.slice(0, 3)) to.out(`       it was ${printable(excerpt(encodeReading(reading), 1000))}\n`);
  }
}

function jsonText(results: readonly Result[], failed: number): string {
  const tests = results.map(({ file, test: one, differences: list }) => {
    const { line, column } = one.place([]);
    return { file, line, column, name: one.name, ok: list.length === 0, differences: list.map(({ at, ...rest }) => ({ path: formatPath(at), ...rest })) };
  });
  return `${JSON.stringify({ ok: failed === 0, passed: results.length - failed, failed, tests }, undefined, 2)}\n`;
}

export const command: Command = {
  name: 'test',
  summary: 'run the tests of a configuration',
  help: HELP,
  run: async (argv) => test(argv, process.env, { out: (text) => void process.stdout.write(text), err: (text) => void process.stderr.write(text) }),
};
