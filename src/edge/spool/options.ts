import type { Scheduler } from '../../pipeline/ports.ts';
import { type LogFiles, REAL_LOG_FILES } from '../log/files.ts';

export interface SpoolOptions {
  /** Made when it is missing. For one process at a time. */
  readonly folder: string;
  /** Of all segments on the disk; while QoS 0 messages are dropped one more segment may be there for a moment. */
  readonly maxBytes: number;
  /** A segment is followed by another when it has so many bytes; at most a quarter of `maxBytes`. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** The mark is written at most so often, and what was settled since the last is given again after a kill. Default 200. */
  readonly markMs?: number;
  /** After a write that failed the disk is probed so often, until one succeeds. Default 1000. */
  readonly retryMs?: number;
  /** Messages that are older when they are read are dropped. Default: never. */
  readonly maxAgeSeconds?: number;
  readonly scheduler: Scheduler;
  /** What somebody should know, as a sentence that says what to do. */
  readonly warn: (message: string) => void;
  readonly files?: LogFiles;
  /** See AppenderOptions. */
  readonly soon?: (action: () => void) => void;
  readonly newMarker?: () => number;
}

type Optional = 'maxAgeSeconds' | 'soon' | 'newMarker';
export type Defaulted = Required<Omit<SpoolOptions, Optional>> & Pick<SpoolOptions, Optional>;

const SEGMENT_BYTES = 16_777_216;
const MARK_MS = 200;
const RETRY_MS = 1_000;

export function withDefaults(options: SpoolOptions): Defaulted {
  return {
    ...options,
    segmentBytes: Math.max(1, Math.min(options.segmentBytes ?? SEGMENT_BYTES, Math.floor(options.maxBytes / 4))),
    markMs: options.markMs ?? MARK_MS,
    retryMs: options.retryMs ?? RETRY_MS,
    files: options.files ?? REAL_LOG_FILES,
  };
}
