import { Fleet, FleetError } from '../../devices/fleet.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { HELP } from './simulate-help.ts';
import { fleetOptions, numberOf, parse, usageError } from './simulate-options.ts';
import type { FleetStats } from '../../devices/fleet.ts';

function report(stats: FleetStats, json: boolean): string {
  if (json) {
    return `${JSON.stringify(stats)}\n`;
  }
  const { lateMs, pubackMs } = stats;
  return `${stats.devices} devices on ${stats.connected} of ${stats.connections} connections, ${stats.reconnects} reconnects
messages: ${stats.planned} planned, ${stats.attempted} attempted, ${stats.pubacked} acknowledged, ${stats.unanswered} with QoS 0, ${stats.inFlight} in flight, ${stats.silent} silent, ${stats.overdue} overdue, ${stats.resent} sent again
late ms: p50 ${lateMs.p50}, p99 ${lateMs.p99}, max ${lateMs.max}; planned to PUBACK ms: p50 ${pubackMs.p50}, p99 ${pubackMs.p99}, max ${pubackMs.max}
${stats.lastError === undefined ? '' : `last error: ${stats.lastError}\n`}`;
}

function progressLine(stats: FleetStats): string {
  const trouble = stats.connected < stats.connections && stats.lastError !== undefined ? `; ${stats.lastError}` : '';
  return `${stats.connected}/${stats.connections} connected, ${stats.attempted} attempted, ${stats.pubacked} acknowledged, ${stats.overdue} overdue${trouble}\n`;
}

function asCommandError(error: unknown): unknown {
  if (!(error instanceof FleetError)) {
    return error;
  }
  const codes = { options: EXIT.usage, unreachable: EXIT.unavailable, refused: EXIT.unavailable, aborted: EXIT.failed, ledger: EXIT.failed } as const;
  return error.code === 'options' ? usageError(error.message) : new CommandError(codes[error.code], error.message);
}

async function run(argv: readonly string[]): Promise<number> {
  const values = parse(argv);
  const seconds = numberOf('seconds', values.seconds);
  const stopMs = (numberOf('stop-seconds', values['stop-seconds']) ?? 10) * 1000;
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  let fleet: Fleet;
  try {
    fleet = new Fleet(fleetOptions(values));
  } catch (error) {
    throw asCommandError(error);
  }
  // Once each: a second signal ends the process the hard way.
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    await fleet.start(interrupt.signal);
    const over = new Promise<void>((resolve) => {
      interrupt.signal.addEventListener('abort', () => resolve(), { once: true });
      if (seconds !== undefined) {
        const timer = setTimeout(resolve, Math.min(seconds * 1000, 2 ** 31 - 1));
        interrupt.signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
      }
    });
    let stats: FleetStats;
    const progress = setInterval(() => values.json !== true && process.stderr.write(progressLine(fleet.stats())), 10_000);
    try {
      await Promise.race([over, fleet.done()]);
    } finally {
      clearInterval(progress);
      stats = await fleet.stop(stopMs);
      process.stdout.write(report(stats, values.json === true));
    }
    return stats.inFlight === 0 ? EXIT.ok : EXIT.unfinished;
  } catch (error) {
    if (error instanceof FleetError && error.code === 'aborted') {
      process.stderr.write(`${error.message}\n`);
      return EXIT.ok;
    }
    throw asCommandError(error);
  } finally {
    interrupt.abort();
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}

export const command: Command = { name: 'simulate', summary: 'run simulated devices', help: HELP, run };
