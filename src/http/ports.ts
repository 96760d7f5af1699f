import type { Phase, ReloadOutcome, SessionState } from '../domain/events.ts';
import type { InFlight, Ledger } from '../domain/ledger.ts';
import type { EpochMs } from '../domain/message.ts';
import type { LaneStatus } from '../pipeline/ports.ts';
import type { TrialSummary } from '../pipeline/trial.ts';

export interface ComponentStatus {
  readonly name: string;
  readonly phase: Phase;
  readonly reason: string | undefined;
  /** When the phase began. */
  readonly since: EpochMs;
}

export interface SessionStatus {
  readonly name: string;
  readonly state: SessionState;
  /** `host:port` of the connection, or of what is being tried. */
  readonly address: string | undefined;
  readonly reason: string | undefined;
  /** When the state began. */
  readonly since: EpochMs;
}

/**
 * What the HTTP server may know of the gateway. Every member is cheap, synchronous and never throws; whatever one
 * answer shows is read in one synchronous run, so its numbers belong together. Nothing here may hold a secret.
 */
export interface StatusProvider {
  readonly name: string;
  readonly version: string;
  /** Says which settings are in force, for instance a digest of them. */
  configVersion(): string;
  readonly ledger: Ledger;
  /** Wall clock. */
  now(): EpochMs;
  /** Milliseconds on a clock that never jumps. */
  monotonic(): number;
  inFlight(): InFlight;
  components(): readonly ComponentStatus[];
  /** Components whose phase decides about readiness; undefined: all, and a held lane too. */
  readonly needed?: readonly string[] | undefined;
  sessions(): readonly SessionStatus[];
  lanes(): readonly LaneStatus[];
  /**
   * How far the gateway is behind: the age of the oldest unsettled message where it is known, else the age at its
   * confirm of the batch that was forwarded last, in milliseconds. undefined before the first.
   */
  lagMs(): number | undefined;
}

export interface MetricsProvider {
  readonly contentType: string;
  render(): Promise<string>;
}

/** What asked for a reload. */
export type ReloadTrigger = 'signal' | 'http' | 'file';

/** Something that is wrong with settings. Without a place `file` is empty and line and column are 0. */
export interface SettingsProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  readonly severity: 'error' | 'warning';
}

/** How a reload of the settings ended. */
export interface ReloadReport {
  /** Not refused. */
  readonly ok: boolean;
  readonly outcome: ReloadOutcome;
  readonly at: EpochMs;
  /** Of the settings that are in force now. */
  readonly version: string;
  /** Why it was refused. */
  readonly problems: readonly SettingsProblem[];
  readonly warnings: readonly SettingsProblem[];
  /** What is different: `routes[alarms].when`. */
  readonly changes: readonly string[];
  /** What the new settings would have made of the last messages; undefined where it did not come to that. */
  readonly trial: TrialSummary | undefined;
}
