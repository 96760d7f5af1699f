import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Larger ones are not what this is for. */
const MOST_BYTES = 16_777_216;

export interface StateFilesOptions {
  /** Made when something is saved for the first time. */
  readonly folder: string;
  /** The first failure to read or write since the last success. */
  readonly onFailure: (message: string) => void;
}

/**
 * Small states of codecs as JSON files, for the next start. `flush` before what led to a state is acked makes them as safe
 * as the messages: a file is written beside, forced to the disk, then renamed, so neither a kill nor a power cut leaves
 * half of one or an older one.
 *
 * Nothing here is ever fatal, because devices can tell again what is lost: a file that cannot be read is as if it were not
 * there, and where a state cannot be written its file is removed, because an outdated one would give wrong names to values.
 */
export class StateFiles {
  private readonly options: StateFilesOptions;
  private readonly pending: Map<string, () => unknown> = new Map();
  private failed = false;
  private closed = false;

  constructor(options: StateFilesOptions) {
    this.options = options;
  }

  /** What was saved under the name, also by an earlier process; undefined for nothing. Never throws. */
  load(name: string): unknown {
    try {
      const pending = this.pending.get(name);
      return pending === undefined ? (JSON.parse(readFileSync(this.file(name), 'utf8')) as unknown) : pending();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.failure('read', name, error);
      return undefined;
    }
  }

  /** `state` makes plain JSON data; it is called by the next `flush` or `load`, once for all saves before. Never throws. */
  save(name: string, state: () => unknown): void {
    if (!this.closed) this.pending.set(name, state);
  }

  /** Everything saved so far is on the disk, or its file is gone and the failure told. Costs nothing where nothing was saved. Never throws. */
  flush(): void {
    if (this.pending.size === 0) return;
    let written = false;
    for (const [name, state] of this.pending) written = this.write(name, state) || written;
    this.pending.clear();
    if (written) this.forceFolder();
  }

  /** Flushes; nothing is saved afterwards. */
  close(): void {
    this.closed = true;
    this.flush();
  }

  /** New names of files are safe with their folder. */
  private forceFolder(): void {
    const { folder } = this.options;
    try {
      const handle = openSync(folder, 'r');
      try {
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      this.failed = false;
    } catch (error) {
      this.failure('write', folder, error);
    }
  }

  private write(name: string, state: () => unknown): boolean {
    const file = this.file(name);
    try {
      const text = JSON.stringify(state()) ?? 'null';
      if (text.length > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES} bytes`);
      mkdirSync(this.options.folder, { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
      return true;
    } catch (error) {
      this.failure('write', name, error);
      for (const each of [`${file}.new`, file]) {
        try {
          rmSync(each, { force: true });
        } catch {
          // Told already; a folder that nothing can be removed from is one that nothing was written to.
        }
      }
      return false;
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
    this.options.onFailure(
      `cannot ${what} the state ${JSON.stringify(name)} in ${this.options.folder}: ${reason}; the gateway goes on, and asks devices for their births again after its next start`,
    );
  }
}
