#!/usr/bin/env node
import { type Command, CommandError, EXIT } from './commands/command.ts';
import { redactCredentials } from './domain/redact.ts';
import { version } from './version.ts';

/** Loaded only when asked for, so that `sluice --version` does not wait for an AMQP client. */
const VERBS: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  run: { summary: 'run the gateway as a service', load: async () => (await import('./commands/run.ts')).command },
  up: { summary: 'run everything together: broker, gateway, simulated devices, consumer', load: async () => (await import('./commands/up.ts')).command },
  simulate: { summary: 'run simulated devices', load: async () => (await import('./commands/simulate.ts')).command },
  consume: { summary: 'print readings as they arrive in a queue', load: async () => (await import('./commands/consume.ts')).command },
  dead: { summary: 'look at, replay and drop dead letters', load: async () => (await import('./commands/dead.ts')).command },
  decode: { summary: 'show what becomes of a payload', load: async () => (await import('./commands/decode.ts')).command },
  top: { summary: 'watch what a running gateway does', load: async () => (await import('./commands/top.ts')).command },
  tap: { summary: 'watch messages pass a running gateway', load: async () => (await import('./commands/tap.ts')).command },
  edge: { summary: 'make password hashes for devices of an edge', load: async () => (await import('./commands/edge.ts')).command },
  spool: { summary: 'look at what an edge keeps on disk', load: async () => (await import('./commands/spool.ts')).command },
  verify: { summary: 'inject faults under load and prove that nothing is lost', load: async () => (await import('./commands/verify.ts')).command },
  test: { summary: 'run the tests of a configuration', load: async () => (await import('./commands/test.ts')).command },
  check: { summary: 'check a settings file', load: async () => (await import('./commands/check.ts')).command },
  doctor: { summary: 'look for what about the broker can lose data', load: async () => (await import('./commands/doctor.ts')).command },
  topology: { summary: 'print or apply the exchanges, queues and bindings', load: async () => (await import('./commands/topology.ts')).command },
};

function usage(): string {
  const width = Math.max(...Object.keys(VERBS).map((name) => name.length));
  const lines = Object.entries(VERBS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `Sluice: IoT telemetry gateway for RabbitMQ

Usage: sluice VERB [options]

${lines.join('\n')}

  sluice VERB --help   options of a verb
  sluice --version     version

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 wrong settings, 4 something needed is not there, 5 stopped before all had settled.
`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb === undefined || verb === 'help' || verb === '--help' || verb === '-h') {
    process.stdout.write(usage());
    return verb === undefined ? EXIT.usage : EXIT.ok;
  }
  if (verb === '--version' || verb === '-V') {
    process.stdout.write(`sluice ${version()}\n`);
    return EXIT.ok;
  }
  const known = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (known === undefined) {
    process.stderr.write(`sluice: there is no verb "${verb}"\n\n${usage()}`);
    return EXIT.usage;
  }
  const command = await known.load();
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`${command.help.trimEnd()}\n`);
    return EXIT.ok;
  }
  if (rest.includes('--version')) {
    process.stdout.write(`sluice ${version()}\n`);
    return EXIT.ok;
  }
  return await command.run(rest);
}

// Behind the last event Node.js takes its environment apart, and that can hang: 20.20.2 was seen turning in CleanupHandles for good
// after `sluice verify` had printed its last line. An exit of our own leaves that out.
process.once('beforeExit', () => process.exit());

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof CommandError) {
    process.stderr.write(redactCredentials(`sluice: ${error.message}\n`));
    process.exitCode = error.exitCode;
  } else {
    // A bug of ours: the whole stack is the report.
    process.stderr.write(redactCredentials(`sluice: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`));
    process.exitCode = EXIT.failed;
  }
}
