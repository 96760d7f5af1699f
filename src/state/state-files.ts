import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A state is written at most this often, with what it then is. */
const WRITE_MS = 1000;
/** Larger ones are not what this is for. */
const MOST_BYTES = 16_777_216;

export interface StateFilesOptions {
  /** Made when something is saved for the first time. */
  readonly folder: string;
  /** Calls back once after so many milliseconds; the answer cancels it. */
  readonly after: (ms: number, fn: () => void) => () => void;
  /** The first failure to read or write; later ones are not told. */
  readonly onFailure: (message: string) => void;
}

/**
 * Small states of codecs as JSON files, for the next start. What is in them can be learned anew from the devices, so
 * nothing here is ever fatal: a file that cannot be read is as if it were not there, one that cannot be written is
 * tried again at the next change. A file is replaced as a whole (written beside, then renamed), so a reader never sees
 * half of one; it is not forced to the disk, so a power cut may leave the one before or none.
 */
export class StateFiles {
  private readonly options: StateFilesOptions;
  private readonly pending: Map<string, unknown> = new Map();
  private readonly timers: Map<string, () => void> = new Map();
  private failed = false;
  private closed = false;

  constructor(options: StateFilesOptions) {
    this.options = options;
  }

  /** What was saved under the name, also by an earlier process; undefined for nothing. Never throws. */
  load(name: string): unknown {
    if (this.pending.has(name)) return this.pending.get(name);
    try {
      return JSON.parse(readFileSync(this.file(name), 'utf8')) as unknown;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.failure('read', name, error);
      return undefined;
    }
  }

  /** Plain JSON data; it is written within a second, as it is then. Never throws. */
  save(name: string, state: unknown): void {
    if (this.closed) return;
    this.pending.set(name, state);
    if (!this.timers.has(name))
      this.timers.set(
        name,
        this.options.after(WRITE_MS, () => this.due(name)),
      );
  }

  /** Writes what is not written yet; nothing is saved afterwards. */
  close(): void {
    this.closed = true;
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
    for (const name of this.pending.keys()) this.write(name);
  }

  private due(name: string): void {
    this.timers.delete(name);
    this.write(name);
  }

  /** Synchronous: once a second at most, and small. Writing while the next state is being made would need a copy of it. */
  private write(name: string): void {
    const state = this.pending.get(name);
    this.pending.delete(name);
    try {
      const text = JSON.stringify(state) ?? 'null';
      if (text.length > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES} bytes`);
      mkdirSync(this.options.folder, { recursive: true, mode: 0o700 });
      const file = this.file(name);
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      this.failure('write', name, error);
    }
  }

  /** One file a name; what may not stand in a file name is percent-encoded, so two names are never one file. */
  private file(name: string): string {
    const safe = encodeURIComponent(name).replaceAll(/[.*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
    return path.join(this.options.folder, `${safe}.json`);
  }

  private failure(what: string, name: string, error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    const reason = error instanceof Error ? error.message : String(error);
    this.options.onFailure(`cannot ${what} the state ${JSON.stringify(name)} in ${this.options.folder}: ${reason}; the gateway goes on without it`);
  }
}
