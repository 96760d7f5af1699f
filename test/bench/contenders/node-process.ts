import { join } from 'node:path';
import { Child, describeEnding } from '../../../src/local/process-group.ts';
import { GATEWAY, scriptUrl } from '../support/place.ts';
import type { Running, Stand } from './contender.ts';
import { Probe } from './probe-file.ts';

const STOP_MS = 30_000;

export interface NodeContender {
  readonly name: string;
  /** Script and arguments. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether a line of its standard output says that it consumes. */
  readonly saysReady: (line: string) => boolean;
}

/** Starts a contender that is a Node process, with the probe inside. It ends with the bench, however that ends. */
export function startNode({ name, args, env = {}, saysReady }: NodeContender, { dir, profiles }: Stand): Running {
  const file = join(dir, `${name}-probe.json`);
  const profile = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}-${Date.now()}.cpuprofile`];
  let said = (): void => {};
  const ready = new Promise<void>((settle) => {
    said = settle;
  });
  const lines: string[] = [];
  const child = new Child({
    name,
    args: [...profile, '--import', scriptUrl('contenders/probe'), ...args],
    env: { ...process.env, ...env, BENCH_PROBE_FILE: file },
    preload: join(GATEWAY, '..', 'local', 'end-with-parent.js'),
    onLine: (line) => {
      lines.push(line);
      if (lines.length > 20) lines.shift();
      if (saysReady(line)) said();
    },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} could not be started: ${child.lastErrors.join(' ')}`);
  let failure: string | undefined;
  let stopping = false;
  const ended = child.ended.then((ending) => {
    if (!stopping) failure = `${name} ended (${describeEnding(ending)}): ${[...child.lastErrors, ...lines].slice(-5).join('\n')}`;
  });
  const probe = new Probe(file);
  return {
    pid,
    ready: Promise.race([
      ready,
      ended.then(() => {
        throw new Error(failure ?? `${name} was stopped before it was ready`);
      }),
    ]),
    probe: async () => await probe.read(pid),
    failure: () => failure,
    stop: async () => {
      stopping = true;
      const ending = await child.stop(STOP_MS);
      if (ending.code !== 0)
        throw new Error(`${name} did not end in order (${describeEnding(ending)}): ${[...child.lastErrors, ...lines].slice(-5).join('\n')}`);
    },
  };
}
