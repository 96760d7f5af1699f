/** What the gateway answers under /api, as the console reads it. Times are milliseconds since 1970, durations milliseconds. */

export type * from './api-letters.ts';

export type Scalar = number | bigint | boolean | string;

export interface Rates {
  readonly received: number;
  readonly forwarded: number;
  readonly deadLettered: number;
  readonly filtered: number;
  readonly deduplicated: number;
  readonly readings: number;
  /** Sent out. */
  readonly bytes: number;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface Pair {
  readonly messages: number;
  readonly items: number;
}

export interface SessionView {
  readonly name: string;
  readonly state: string;
  readonly address?: string | null;
  readonly reason?: string | null;
}

export interface ComponentView {
  readonly name: string;
  readonly phase: string;
  readonly reason?: string | null;
}

export interface RouteView {
  readonly route: string;
  readonly kind: 'publish' | 'drop';
  readonly exchange: string | null;
  readonly state: 'idle' | 'sending' | 'waiting' | 'held';
  readonly lanes: number;
  readonly items: number;
  readonly heldMs: number | null;
  readonly code: string | null;
  readonly message: string | null;
  readonly forwarded: number;
  /** Items per second. */
  readonly rate: number;
}

export interface LiveEvent {
  readonly at: number;
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /** Per second, over the last second. */
  readonly rates: Rates;
  readonly latencyMs: { readonly gateway: Quantiles | null; readonly device: Quantiles | null };
  readonly lagMs: number | null;
  readonly inFlight: Pair;
  readonly imbalance: Pair;
  readonly process: { readonly rssBytes: number; readonly cpu: number; readonly loopP99Ms: number };
  readonly flow: {
    readonly sessions: readonly SessionView[];
    readonly components: readonly ComponentView[];
    readonly source: { readonly queue: string; readonly prefetch: number; readonly unsettled: number };
    readonly routes: readonly RouteView[];
    /** `buried` since the start; `waiting` to be buried, in the gateway's hands. How many lie in the queue only a walk through it tells. */
    readonly deadLetters: { readonly exchange: string; readonly queue: string; readonly buried: number; readonly waiting: number | null };
  };
}

export interface HistoryPoint {
  readonly at: number;
  readonly received: number;
  readonly forwarded: number;
  readonly deadLettered: number;
  readonly filtered: number;
  readonly gatewayP50: number | null;
  readonly gatewayP99: number | null;
}

export interface History {
  readonly stepMs: number;
  readonly points: readonly HistoryPoint[];
}

export interface Tally {
  readonly received: number;
  readonly forwarded: number;
  readonly deadLettered: number;
  readonly filtered: number;
  readonly deduplicated: number;
  readonly abandoned: number;
}

/** Of /status, what the console shows. */
export interface Status {
  readonly name: string;
  readonly version: string;
  readonly configVersion: string;
  readonly uptimeSeconds: number;
  readonly ledger: { readonly messages: Tally; readonly items: Tally };
  readonly inFlight: Pair;
  readonly imbalance: Pair;
}

export interface DeviceRow {
  readonly device: string;
  readonly profile: string;
  readonly topic: string;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
  readonly measuredAt: number;
  readonly intervalMs: number | null;
  readonly silentForMs: number;
  readonly silent: boolean;
  readonly readings: number;
  readonly refused: number;
  readonly late: number;
  readonly flags: Readonly<Record<string, number>>;
  readonly lastFlags: readonly string[];
  readonly values: Readonly<Record<string, Scalar>>;
  readonly units: Readonly<Record<string, string>>;
  readonly spark: { readonly name: string; readonly values: readonly (number | null)[] } | null;
}

export interface DevicePage {
  readonly devices: readonly DeviceRow[];
  /** That match. */
  readonly total: number;
  readonly known: number;
  /** Made room for others in the gateway's bounded memory. */
  readonly forgotten: number;
  readonly offset: number;
  readonly limit: number;
}

export interface DeviceDetail extends DeviceRow {
  readonly topics: readonly string[];
  readonly history: { readonly names: readonly string[]; readonly at: readonly number[]; readonly values: readonly (readonly (Scalar | null)[])[] };
  readonly lastReading: unknown;
}

export interface DeviceSummary {
  readonly known: number;
  readonly silent: number;
  readonly late: number;
  readonly byProfile: Readonly<Record<string, number>>;
  readonly byFlag: Readonly<Record<string, number>>;
  readonly top: {
    readonly silent: readonly { readonly device: string; readonly silentForMs: number }[];
    readonly late: readonly { readonly device: string; readonly late: number }[];
    readonly refused: readonly { readonly device?: string; readonly topic?: string; readonly refused: number }[];
  };
}

export interface FaultView {
  readonly code: string;
  readonly message: string;
  readonly stage?: string;
}

export interface TapRoute {
  readonly route: string;
  readonly action: 'publish' | 'drop';
  readonly exchange?: string | null;
  readonly routingKey?: string | null;
  readonly bestEffort?: boolean;
}

export interface TapReading {
  readonly id: string;
  readonly device: string;
  readonly profile: string;
  readonly topic: string;
  readonly measuredAt: number;
  readonly receivedAt: number;
  readonly values: Readonly<Record<string, Scalar>>;
  readonly units?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly routes: readonly TapRoute[];
  readonly fault?: FaultView | null;
  /** Too long to be shown whole. */
  readonly cut?: boolean;
}

export type TapOutcome = 'readings' | 'filtered' | 'dead-lettered';

/** What became of one message: of the tap's, and of one that is only tried. */
export interface Explained {
  readonly outcome: TapOutcome;
  readonly reason?: string | null;
  readonly fault?: FaultView | null;
  /** 50 at most. */
  readonly readings: readonly TapReading[];
  readonly readingCount?: number;
}

export interface TapMessage extends Explained {
  readonly n: number;
  readonly at: number;
  readonly topic: string;
  readonly routingKey: string;
  readonly bytes: number;
  readonly contentType?: string | null;
  readonly contentEncoding?: string | null;
  readonly qos?: number | null;
  readonly redelivered: boolean;
  readonly payload: { readonly text?: string; readonly base64?: string; readonly cut?: boolean };
  readonly profile?: string | null;
}

export interface ExplainAnswer extends Explained {
  readonly text: string;
}

export interface ConfigProblem {
  readonly severity: 'error' | 'warning';
  readonly path: string;
  readonly file: string;
  /** 0 where it is about no place in a file. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
}

/** What other settings would have made of the last messages. */
export interface TrialView {
  readonly messages: number;
  readonly same: number;
  readonly changes: readonly { readonly from: string; readonly to: string; readonly messages: number; readonly topic: string }[];
}

export interface ReloadView {
  readonly ok: boolean;
  readonly outcome: 'applied' | 'unchanged' | 'refused' | 'would-apply';
  readonly at: number;
  /** Of the settings that are in force now. */
  readonly version: string;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
  readonly changes: readonly string[];
  readonly trial?: TrialView;
}

export interface ConfigView {
  readonly version: string;
  readonly loadedAt: number | null;
  readonly file: string | null;
  readonly settings: unknown;
  readonly warnings: readonly ConfigProblem[];
  readonly reload: ReloadView | null;
}
