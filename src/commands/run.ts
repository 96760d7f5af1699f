import { parseArgs } from 'node:util';
import type { App, AppOptions } from '../app.ts';
import type { EdgeApp } from '../app/edge-app.ts';
import { directEdgeOf } from '../app/edge-loader.ts';
import { keepPoolSmall, tuneHeap } from '../app/heap.ts';
import { defaultCodecs } from '../codec/registry.ts';
import type { ReloadTrigger } from '../http/ports.ts';
import { Unavailable } from '../domain/unavailable.ts';
import { version } from '../version.ts';
import { type Command, CommandError, EXIT } from './command.ts';
import { formatProblem } from './problems.ts';
import { shippedFile } from '../settings/shipped.ts';
import { FileWatch } from '../settings/file-watch.ts';
import { loadSettings, type LoadResult } from '../settings/load.ts';
import { settingsOrExplain } from './settings.ts';

const HELP = `sluice run: run the gateway as a service, against any RabbitMQ

Usage: sluice run -c FILE [options]
       sluice run --edge [options]

  -c, --config FILE   settings (docs/configuration.md)
  --edge              without a file: an edge for devices on this machine, with everything as it is by default (docs/edge.md)
  --log FORMAT        auto (text on a terminal, JSON elsewhere), json, or text

Stops on SIGTERM or SIGINT: takes nothing new, sends out what it holds, and ends with 0 when all of it was
confirmed, or with 5 after gateway.drainSeconds; what was left then is still in the broker. A second signal
ends it at once. On SIGHUP the settings are read again: good ones decide from the next message on, wrong ones are refused
whole (docs/operations.md).

Exit codes: 0 drained, 1 a bug, 2 wrong command line, 3 wrong settings, 4 the broker or the port is not to be had,
5 stopped before all had settled.
`;

/** Between two looks at the files of the settings. */
const WATCH_MS = 2000;

type Start = AppOptions['start'];

const FORMATS = ['auto', 'json', 'text'] as const;

async function run(argv: readonly string[]): Promise<number> {
  const { config, log, edge } = options(argv);
  const heap = tuneHeap();
  keepPoolSmall();
  // Not the whole of what was loaded: the places of all keys are three times as large as the settings.
  const { settings, version: configVersion, warnings, files: read } = await settingsOrExplain(config, process.env, { codecs: defaultCodecs() });
  const start: Start = { settings, version: configVersion, warnings };
  const stop = new AbortController();
  if (edge && settings.edge.mode === 'off') {
    throw new CommandError(EXIT.settings, `--edge: ${config} says \`edge.mode: off\`; say \`bridge\` or \`direct\` there`);
  }
  let app: App | EdgeApp | undefined;
  const bug = (error: unknown): void => {
    app?.logging.logger.fatal({ err: error }, 'a bug of ours: the process ends, and the broker delivers again what was not acked');
    app?.logging.flushSync();
    process.exit(EXIT.failed);
  };
  process.on('uncaughtException', bug);
  process.on('unhandledRejection', bug);
  let files = read;
  const load = async (): Promise<LoadResult> => {
    const again = await loadSettings(config, process.env, { codecs: defaultCodecs() });
    files = again.files;
    return again;
  };
  const shared = { version: version(), logFormat: log, onBug: bug };
  app = settings.edge.mode === 'bridge' ? await edgeApp(start, shared) : await gatewayApp(start, { ...shared, configFile: config, load });
  for (const problem of warnings) app.logging.logger.warn(formatProblem(problem));

  heap.grow();

  const stopped = new Promise<void>((resolve) => {
    const on = (): void => {
      if (stop.signal.aborted) process.exit(EXIT.unfinished);
      stop.abort();
      resolve();
    };
    process.on('SIGTERM', on);
    process.on('SIGINT', on);
    // Started by `sluice up`, which has ended: nobody is left who would stop us.
    process.on('disconnect', on);
  });
  const running = app;
  const reload = async (trigger: ReloadTrigger): Promise<void> => await running.reload(trigger);
  // From the start on: without a listener the signal would end the process.
  process.on('SIGHUP', () => void reload('signal'));
  const watch = new FileWatch({ files: () => files, onChange: async () => await reload('file'), everyMs: WATCH_MS });
  if (settings.gateway.watchConfig) watch.start();
  const end = async (): Promise<number> => ((await running.stop(settings.gateway.drainSeconds * 1000)) ? EXIT.ok : EXIT.unfinished);
  try {
    await app.start(stop.signal);
  } catch (error) {
    watch.close();
    // Devices may have published by then.
    if (stop.signal.aborted) return await end();
    await app.close();
    if (error instanceof Unavailable) throw new CommandError(EXIT.unavailable, error.message);
    throw error;
  }
  await stopped;
  watch.close();
  return await end();
}

type Shared = Pick<AppOptions, 'version' | 'logFormat' | 'onBug'>;

// Each loads what it needs, and no more: a start waits for its modules.

async function edgeApp(start: Start, shared: Shared): Promise<EdgeApp> {
  const { EdgeApp } = await import('../app/edge-app.ts');
  return new EdgeApp({ ...shared, settings: start.settings, configVersion: start.version });
}

async function gatewayApp(start: Start, rest: Omit<AppOptions, 'start' | 'makeEdge'>): Promise<App> {
  const { App } = await import('../app.ts');
  return new App({ ...rest, start, makeEdge: await directEdgeOf(start.settings) });
}

function options(argv: readonly string[]): { config: string; log: (typeof FORMATS)[number]; edge: boolean } {
  let values: { config?: string; log?: string; edge?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...argv],
      options: { config: { type: 'string', short: 'c' }, log: { type: 'string' }, edge: { type: 'boolean' } },
    }));
  } catch (error) {
    throw new CommandError(EXIT.usage, `${error instanceof Error ? error.message : String(error)}; see sluice run --help`);
  }
  const { edge = false } = values;
  const config = values.config ?? (edge ? shippedFile('edge.yaml') : undefined);
  if (config === undefined) throw new CommandError(EXIT.usage, 'which settings? sluice run -c FILE');
  const log = FORMATS.find((format) => format === (values.log ?? 'auto'));
  if (log === undefined) throw new CommandError(EXIT.usage, `--log is one of ${FORMATS.join(', ')}`);
  return { config, log, edge };
}

export const command: Command = { name: 'run', summary: 'run the gateway as a service', help: HELP, run };
