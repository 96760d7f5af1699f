import type { FaultCode } from './fault.ts';
import type { EpochMs } from './message.ts';

/** Life of a component that talks to something outside. */
export type Phase = 'idle' | 'starting' | 'ready' | 'degraded' | 'draining' | 'closed';
/** Life of an AMQP connection. */
export type SessionState = 'idle' | 'connecting' | 'ready' | 'blocked' | 'draining' | 'closed';

/** `would-apply` is the end of a dry run. */
export type ReloadOutcome = 'applied' | 'unchanged' | 'refused' | 'would-apply';

/** `prefetch`: no more could come before some of it was confirmed (`Forwarder`). */
export type SealReason = 'count' | 'bytes' | 'age' | 'prefetch' | 'drain' | 'split';

/**
 * The closed vocabulary of what the gateway tells about itself. One per batch or rarer, never per message
 * (those are plain counters in the ledger). Metrics and log lines are derived from these in src/observe,
 * and METRICS.md is kept equal to it by a test.
 */
export type GatewayEvent =
  | {
      readonly type: 'session-state';
      readonly session: string;
      readonly state: SessionState;
      /** `host:port` of the connection, or of what is being tried. */
      readonly address: string | undefined;
      readonly reason: string | undefined;
    }
  | { readonly type: 'session-failover'; readonly session: string; readonly from: string; readonly to: string; readonly reason: string }
  | {
      readonly type: 'session-retry';
      readonly session: string;
      readonly attempt: number;
      readonly delayMs: number;
      /** What is tried then. */
      readonly address: string;
      readonly reason: string;
    }
  | {
      readonly type: 'certificate-expiry';
      readonly session: string;
      readonly certificate: 'broker' | 'gateway';
      readonly subject: string;
      readonly expiresAt: EpochMs;
      readonly daysLeft: number;
      readonly when: 'soon' | 'later';
    }
  | { readonly type: 'source-attached'; readonly queue: string; readonly epoch: number }
  | { readonly type: 'source-detached'; readonly queue: string; readonly epoch: number; readonly reason: string; readonly unsettled: number }
  | { readonly type: 'poison-suspected'; readonly queue: string; readonly deaths: number; readonly reason: string }
  | { readonly type: 'poison-cleared'; readonly queue: string; readonly how: 'moved' | 'progress' | 'quiet'; readonly suspectedMs: number }
  | { readonly type: 'stale-ack'; readonly epoch: number; readonly count: number }
  | { readonly type: 'batch-sealed'; readonly route: string; readonly by: SealReason; readonly items: number; readonly bytes: number }
  | {
      readonly type: 'batch-forwarded';
      readonly route: string;
      readonly items: number;
      readonly bytes: number;
      readonly attempts: number;
      readonly publishMs: number;
      readonly oldestReceivedAt: EpochMs;
      readonly at: EpochMs;
    }
  | {
      readonly type: 'publish-failed';
      readonly route: string;
      readonly destination: string;
      readonly code: FaultCode;
      readonly message: string;
      readonly attempt: number;
      readonly retryMs: number;
    }
  | { readonly type: 'lane-held'; readonly route: string; readonly destination: string; readonly code: FaultCode; readonly message: string }
  | { readonly type: 'lane-resumed'; readonly route: string; readonly destination: string; readonly heldMs: number; readonly attempts: number }
  | { readonly type: 'batch-split'; readonly route: string; readonly items: number; readonly code: FaultCode }
  | { readonly type: 'dead-lettered'; readonly code: FaultCode; readonly stage: string; readonly topic: string; readonly message: string }
  | { readonly type: 'topology-asserted'; readonly exchanges: number; readonly queues: number; readonly bindings: number; readonly away: string | undefined }
  | { readonly type: 'topology-repaired'; readonly what: string; readonly reason: string }
  | { readonly type: 'binding-missing'; readonly queue: string; readonly missing: string; readonly atMostMs: number; readonly reason: string }
  | { readonly type: 'binding-restored'; readonly queue: string; readonly atMostMs: number }
  | { readonly type: 'bindings-watched'; readonly queue: string; readonly state: 'full' | 'mending' | 'blind'; readonly reason: string | undefined }
  | { readonly type: 'rule-failed'; readonly route: string; readonly message: string }
  | { readonly type: 'ledger-imbalance'; readonly messagesOff: number; readonly itemsOff: number; readonly reason: string }
  | { readonly type: 'ledger-balanced' }
  | { readonly type: 'component-phase'; readonly component: string; readonly phase: Phase; readonly reason: string | undefined }
  | {
      readonly type: 'config-reload';
      readonly trigger: string;
      readonly outcome: ReloadOutcome;
      /** Version of the settings before, and of those in force now. */
      readonly from: string;
      readonly version: string;
      readonly changes: string;
      /** Messages that the new settings were tried on, and how many of them fare differently. */
      readonly tried: number;
      readonly differing: number;
      readonly reason: string | undefined;
    }
  | { readonly type: 'edge-held'; readonly topic: string; readonly attempt: number; readonly code: FaultCode; readonly message: string }
  | { readonly type: 'edge-refused'; readonly reason: string; readonly clientId: string; readonly address: string; readonly detail: string }
  | { readonly type: 'edge-slow-client'; readonly clientId: string; readonly address: string; readonly waitingBytes: number }
  | { readonly type: 'edge-fault'; readonly clientId: string; readonly message: string }
  | { readonly type: 'drain'; readonly step: 'begin' | 'flushed' | 'done' | 'deadline'; readonly itemsLeft: number; readonly messagesLeft: number };

export type GatewayEventType = GatewayEvent['type'];
export type Observer = (event: GatewayEvent) => void;
