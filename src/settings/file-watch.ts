import { stat } from 'node:fs/promises';
import path from 'node:path';

export interface FileWatchOptions {
  /** The files as they are now; asked before each look. */
  readonly files: () => readonly string[];
  /** Something has changed, and then nothing more between two looks. Not called again before it has resolved. */
  readonly onChange: () => Promise<void>;
  /** Between two looks, in milliseconds. */
  readonly everyMs: number;
}

/**
 * Looks at files, and at the folders that they are in, every so often. Looking beats being told: it also sees what an editor
 * renames into place, a mounted ConfigMap whose links change, and network file systems. Never throws.
 */
export class FileWatch {
  private readonly options: FileWatchOptions;
  private timer: NodeJS.Timeout | undefined;
  private seen: string | undefined;
  /** Different from `seen`; somebody may still be writing. */
  private changing: string | undefined;
  private closed = false;

  constructor(options: FileWatchOptions) {
    this.options = options;
  }

  start(): void {
    if (this.closed) return;
    void this.look().finally(() => {
      if (this.closed) return;
      this.timer = setTimeout(() => this.start(), this.options.everyMs);
      this.timer.unref();
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** One look. */
  async look(): Promise<void> {
    const now = await signature(this.options.files());
    this.seen ??= now;
    if (now === this.seen) this.changing = undefined;
    else if (now === this.changing) {
      this.seen = now;
      this.changing = undefined;
      await this.options.onChange();
    } else this.changing = now;
  }
}

async function signature(files: readonly string[]): Promise<string> {
  // A new file that a pattern matches shows in its folder.
  const places = new Set(files.flatMap((file) => [file, path.dirname(file)]));
  const parts = await Promise.all(
    [...places].sort().map(async (place) => {
      try {
        const { mtimeMs, size, ino } = await stat(place);
        return `${place} ${mtimeMs} ${size} ${ino}`;
      } catch {
        return `${place} away`;
      }
    }),
  );
  return parts.join('\n');
}
