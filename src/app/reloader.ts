import { isDeepStrictEqual } from 'node:util';
import type { Observer } from '../domain/events.ts';
import type { EpochMs, InboundMessage } from '../domain/message.ts';
import type { ReloadReport, ReloadTrigger } from '../http/ports.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { Trial, type TrialSummary } from '../pipeline/trial.ts';
import { messageOf } from '../rabbit/reasons.ts';
import { buildTopology, type Topology } from '../rabbit/topology.ts';
import { detachedRules } from './rules-of.ts';
import { type Change, compareSettings } from '../settings/compare.ts';
import type { LoadResult, Problem, Settings } from '../settings/load.ts';
import { formatPath } from '../settings/problem.ts';
import { topologyOptions } from './topology-options.ts';

/** Messages that are tried before the event loop has its turn. */
const SLICE = 20;

/** The settings that a gateway goes by. */
export interface InForce {
  readonly settings: Settings;
  /** Digest of them. */
  readonly version: string;
  readonly warnings: readonly Problem[];
  readonly since: EpochMs;
}

type Loaded = Extract<LoadResult, { readonly ok: true }>;

export interface ReloaderOptions {
  readonly start: Omit<InForce, 'since'>;
  /** Reads and checks the settings again; undefined where the gateway was not started from a file. */
  readonly load: (() => Promise<LoadResult>) | undefined;
  /** Oldest first. */
  readonly recent: () => readonly InboundMessage[];
  /** Declares on the broker what the new settings name. Rejects with what is wrong. */
  readonly declare: (topology: Topology) => Promise<void>;
  /** Takes them over; from the next message on they decide. Throws where they are wrong after all, and changes nothing then. */
  readonly apply: (settings: Settings, version: string, topology: Topology) => void;
  readonly observer: Observer;
  readonly scheduler: Scheduler;
}

/**
 * Other settings for a gateway that runs: read, checked, compared, tried on the last messages, declared on the broker, and
 * only then taken over, all or nothing. One at a time.
 */
export class Reloader {
  private readonly options: ReloaderOptions;
  private current: InForce;
  private latest: ReloadReport | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: ReloaderOptions) {
    this.options = options;
    this.current = { ...options.start, since: options.scheduler.now() };
  }

  get inForce(): InForce {
    return this.current;
  }

  /** How the last reload ended; undefined before the first. Dry runs do not count. */
  get last(): ReloadReport | undefined {
    return this.latest;
  }

  /** Never rejects for what is wrong with the settings or with the broker. `dryRun`: all but taking them over. */
  async reload(trigger: ReloadTrigger, dryRun = false): Promise<ReloadReport> {
    const mine = this.turn.then(async () => ({ from: this.current.version, report: await this.run(dryRun) }));
    this.turn = mine.catch(() => undefined);
    const { from, report } = await mine;
    if (dryRun) return report;
    this.latest = report;
    const { outcome, problems, changes, trial } = report;
    this.options.observer({
      type: 'config-reload',
      trigger,
      outcome,
      from,
      version: report.version,
      changes: changes.join('; '),
      tried: trial?.messages ?? 0,
      differing: trial === undefined ? 0 : trial.messages - trial.same,
      reason: problems.length === 0 ? undefined : problems.map(lineOf).join('; '),
    });
    return report;
  }

  private async run(dryRun: boolean): Promise<ReloadReport> {
    const ended = (outcome: ReloadReport['outcome'], rest: Partial<Pick<ReloadReport, 'problems' | 'changes' | 'trial' | 'warnings'>>): ReloadReport => ({
      ok: outcome !== 'refused',
      outcome,
      at: this.options.scheduler.now(),
      version: this.current.version,
      problems: [],
      warnings: [],
      changes: [],
      trial: undefined,
      ...rest,
    });
    const { load } = this.options;
    if (load === undefined) return ended('refused', { problems: [plain('this gateway was not started from a file')] });
    const loaded = await load();
    if (!loaded.ok) {
      const of = (severity: Problem['severity']): Problem[] => loaded.problems.filter((problem) => problem.severity === severity);
      return ended('refused', { problems: of('error'), warnings: of('warning') });
    }
    const { warnings } = loaded;
    const found = compareSettings(this.current.settings, loaded.settings);
    const changes = found.map(({ text }) => text);
    if (found.length === 0) return ended('unchanged', { warnings });
    const fixed = found.filter(({ live }) => !live);
    if (fixed.length > 0) return ended('refused', { problems: fixed.map((change) => needsRestart(change, loaded)), changes, warnings });
    const topology = buildTopology(topologyOptions(loaded.settings));
    try {
      const trial = await this.try(loaded);
      if (dryRun) return ended('would-apply', { changes, trial, warnings });
      if (!isDeepStrictEqual(topology, buildTopology(topologyOptions(this.current.settings)))) await this.options.declare(topology);
      this.options.apply(loaded.settings, loaded.version, topology);
      this.current = { settings: loaded.settings, version: loaded.version, warnings, since: this.options.scheduler.now() };
      return ended('applied', { changes, trial, warnings });
    } catch (error) {
      return ended('refused', { problems: [plain(messageOf(error))], changes, warnings });
    }
  }

  private async try(loaded: Loaded): Promise<TrialSummary> {
    const { settings, version } = this.current;
    const trial = new Trial(detachedRules(settings, version, 'trial'), detachedRules(loaded.settings, loaded.version, 'trial'));
    for (const [i, message] of this.options.recent().entries()) {
      trial.add(message);
      if (i % SLICE === SLICE - 1) await new Promise((resolve) => setImmediate(resolve));
    }
    return trial.summary();
  }
}

function needsRestart({ at, text }: Change, { places }: Loaded): Problem {
  const message = `\`${text}\` has changed, and a running gateway cannot take that over`;
  return { ...places.of(at), path: formatPath(at), message, hint: 'restart the gateway, or put it back', severity: 'error' };
}

function plain(message: string): Problem {
  return { file: '', line: 0, column: 0, path: '', message, severity: 'error' };
}

function lineOf({ file, line, column, path, message }: Problem): string {
  const place = file === '' ? '' : `${file}:${line}:${column}: `;
  return `${place}${path === '' ? '' : `${path}: `}${message}`;
}
