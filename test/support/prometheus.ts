import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { freePorts } from '../../src/local/ports.ts';
import { prometheusFolder } from '../../src/setup/prometheus.mjs';

const ROOT = join(import.meta.dirname, '..', '..');
/** Prometheus configuration and rules as they are shipped. */
export const SHIPPED = join(ROOT, 'docker', 'prometheus');

const folder = prometheusFolder(ROOT, process.env);
/** False: what needs it is to be skipped. */
export const PROMETHEUS = folder !== undefined;
if (folder === undefined) console.log('skipped: there is no Prometheus here (npm test says how to get one)');

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** All rules of a shipped file. */
export function rulesOf(file: 'alerts.yml' | 'recording.yml'): Rule[] {
  const { groups } = parse(readFileSync(join(SHIPPED, file), 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Runs promtool; answers exit code and everything that it said. */
export async function promtool(
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: string } = {},
): Promise<{ code: number; output: string }> {
  return await new Promise((settle) => {
    const child = execFile(
      join(folder ?? '', 'promtool'),
      [...args],
      { cwd: options.cwd, timeout: 480_000, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        settle({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, output: `${stdout}${stderr}` });
      },
    );
    child.stdin?.end(options.input ?? '');
  });
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface FiringAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
}

interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly lastError?: string;
}

/** A Prometheus of a test's own, on loopback, with its data in `dir`. */
export class Prometheus {
  readonly url: string;
  private readonly child: ChildProcess;
  private readonly dir: string;
  private readonly ended: Promise<unknown>;
  // A test run that is ended takes it with it.
  private readonly onExit = (): void => void this.child.kill('SIGKILL');

  private constructor(port: number, dir: string, config: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.dir = dir;
    const log = openSync(join(dir, 'prometheus.log'), 'w');
    this.child = spawn(
      join(folder ?? '', 'prometheus'),
      [`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`, `--storage.tsdb.path=${join(dir, 'data')}`, '--log.level=warn'],
      { cwd: dir, stdio: ['ignore', log, log] },
    );
    closeSync(log);
    this.ended = new Promise((settle) => {
      this.child.once('exit', settle);
      this.child.once('error', settle);
    });
    process.once('exit', this.onExit);
  }

  static async start(dir: string, config: string, deadlineMs = 60_000): Promise<Prometheus> {
    const one = new Prometheus((await freePorts()).prometheus, dir, config);
    const end = performance.now() + deadlineMs;
    for (;;) {
      if (one.child.exitCode !== null || one.child.pid === undefined) throw new Error(`Prometheus did not start: ${one.log()}`);
      const ready = await fetch(`${one.url}/-/ready`, { signal: AbortSignal.timeout(2000) }).then(
        (response) => response.ok,
        () => false,
      );
      if (ready) return one;
      if (performance.now() > end) throw new Error(`Prometheus is not ready after ${deadlineMs} ms: ${one.log()}`);
      await sleep(50);
    }
  }

  async stop(): Promise<void> {
    process.removeListener('exit', this.onExit);
    this.child.kill('SIGKILL');
    await this.ended;
    rmSync(join(this.dir, 'data'), { recursive: true, force: true });
  }

  /** The result of an instant query as a list; a scalar has no labels. Throws with the words of Prometheus where it is not valid. */
  async query(expr: string): Promise<Sample[]> {
    const { resultType, result } = await this.api<{ resultType: string; result: unknown }>(`query?query=${encodeURIComponent(expr)}`);
    if (resultType === 'scalar') return [{ metric: {}, value: Number((result as [number, string])[1]) }];
    return (result as { metric: Record<string, string>; value: [number, string] }[]).map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  }

  async alerts(): Promise<readonly FiringAlert[]> {
    return (await this.api<{ alerts: FiringAlert[] }>('alerts')).alerts;
  }

  async rules(): Promise<readonly RuleState[]> {
    return (await this.api<{ groups: { rules: RuleState[] }[] }>('rules')).groups.flatMap(({ rules }) => rules);
  }

  private async api<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}`, { signal: AbortSignal.timeout(10_000) });
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error ?? response.status}`);
    return answer.data;
  }

  private log(): string {
    return readFileSync(join(this.dir, 'prometheus.log'), 'utf8').slice(-2000);
  }
}
