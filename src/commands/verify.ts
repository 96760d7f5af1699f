import { writeFileSync } from 'node:fs';
import { FleetError } from '../../devices/fleet.ts';
import { BrokerNodeError } from '../local/broker-node.ts';
import { FAULTS } from '../verify/faults/index.ts';
import { GroundError } from '../verify/ground.ts';
import { type Report, reportLines } from '../verify/report.ts';
import { Stopped, verify } from '../verify/run.ts';
import { SiteSettingsError } from '../verify/site-settings.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { formatProblem } from './problems.ts';
import { parseVerify, type VerifyCommand } from './verify-options.ts';

const WIDTH = Math.max(...FAULTS.map(({ kind }) => kind.length));

const MARKS = { none: '*', private: ' ', cluster: '+', edge: '^', direct: '>' } as const;

const HELP = `sluice verify: prove that nothing is lost, while things go wrong

Devices publish readings with sequence numbers over MQTT and WebSocket, faults are injected meanwhile, and an audit of
the destinations and the dead letters holds what came out against what the broker had acknowledged.

Usage: sluice verify [--private] [options]
       sluice verify -c FILE --http URL [options]

  --private           a broker and a gateway of its own, gone at the end (default)
  -c, --config FILE   settings of the gateway (default config/sluice.yaml)
  --faults LIST       all (default), none, or kinds with commas between; KIND*N is N times, random a seeded mix
  --rate R            messages per second of all devices together (default 500; 100 against your own)
  --seconds S         load lasts at least S seconds, and until every fault has had its turn (default 30)
  --devices N         simulated devices, 1 to 10000 (default 50)
  --seed N            devices and faults behave the same with the same number (default: another one each time)
  --json FILE         write the report to FILE
  --dir DIR           where the run makes its folder (default .sluice)

Against your own broker and gateway, with the faults marked * only:
  --http URL          the gateway's HTTP server (default: as the settings say)
  --amqp URL          the broker (default: as the settings say); destinations are read through temporary queues beside
                      the real ones, from which nothing is taken
  --mqtt URL, --ws URL  where the devices connect (default: the same host, port 1883)
  --username NAME     account of the devices; the password is in SLUICE_DEVICE_PASSWORD (default: the broker's account)
  --site NAME         second level of the topics, devices/NAME/... (default: the user name)

Faults (those marked + bring a private cluster of three nodes, those marked ^ an edge, those marked > a gateway that
is one itself; they have their turn behind the others)
${FAULTS.map(({ kind, needs, doc }) => `  ${MARKS[needs]} ${kind.padEnd(WIDTH)}  ${doc}`).join('\n')}
    ${'random'.padEnd(WIDTH)}  a seeded mix of several of these until --seconds are over

Exit codes: 0 nothing lost, unexpected, changed or out of order, and every fault was really applied; 1 not so,
2 wrong command line, 3 wrong settings, 4 a broker or gateway is not to be had, 5 stopped before the verdict.
`;

/** What repeats a run. */
function again({ seed, rate, seconds, devices, faults }: VerifyCommand): string {
  return `sluice verify --seed ${seed} --rate ${rate} --seconds ${seconds} --devices ${devices} --faults ${faults.length === 0 ? 'none' : faults.join(',')}`;
}

async function run(argv: readonly string[]): Promise<number> {
  const options = await parseVerify(argv, process.env, () => Math.floor(Math.random() * 0xffff_ffff));
  const stop = new AbortController();
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(EXIT.unfinished);
    process.stderr.write('sluice verify: stops and cleans up; once more ends it at once\n');
    stop.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  let report: Report;
  try {
    process.stdout.write(`seed ${options.seed}\n`);
    report = await verify(options, process.stdout, stop.signal);
  } catch (error) {
    throw asCommandError(error);
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeListener(name, onSignal);
  }
  process.stdout.write(`${reportLines(report).join('\n')}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (report.ok) return EXIT.ok;
  process.stdout.write(`to repeat: ${again(options)}\n`);
  return EXIT.failed;
}

function asCommandError(error: unknown): unknown {
  if (error instanceof Stopped) return new CommandError(EXIT.unfinished, error.message);
  if (error instanceof BrokerNodeError || error instanceof GroundError) return new CommandError(EXIT.unavailable, error.message);
  if (error instanceof FleetError) return new CommandError(error.code === 'options' ? EXIT.usage : EXIT.unavailable, error.message);
  if (error instanceof SiteSettingsError) return new CommandError(EXIT.settings, [error.message, ...error.problems.map(formatProblem)].join('\n'));
  return error;
}

export const command: Command = { name: 'verify', summary: 'inject faults under load and prove that nothing is lost', help: HELP, run };
