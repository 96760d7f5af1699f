import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { NotHere } from './fault.ts';

const START_MS = 10_000;
const END_MS = 5000;
const CHUNK = 64 * 1024;
const FILLER = 'filler';
const PAGE = 4096;

export interface SmallDiskOptions {
  /** A folder that may be made; absolute. */
  readonly mountPoint: string;
  /** Rounded up to whole pages. */
  readonly bytes: number;
  /** Also `df` and other processes must find it by its name: for a broker that watches its disk. Needs root. */
  readonly everywhere?: boolean;
}

/**
 * A file system of a few megabytes in memory, that can be full. A process of its own holds it and ends when our end of its
 * standard input is closed, so nothing stays mounted, also after a SIGKILL. It is mounted in a mount namespace of that process (as root,
 * or where the kernel lets users make namespaces) and reached through `/proc`; with `everywhere` for all, and taken away by that process.
 */
export class SmallDisk {
  /** Folder of the file system. */
  readonly path: string;
  private readonly holder: ChildProcess;

  private constructor(path: string, holder: ChildProcess) {
    this.path = path;
    this.holder = holder;
  }

  /** Throws `NotHere` where the machine does not allow it. */
  static async open({ mountPoint, bytes, everywhere = false }: SmallDiskOptions): Promise<SmallDisk> {
    if (process.platform !== 'linux') throw new NotHere('a small file system can be made on Linux only');
    mkdirSync(mountPoint, { recursive: true, mode: 0o700 });
    const root = process.getuid?.() === 0;
    if (everywhere && !root) throw new NotHere('a small file system that the broker can watch needs root');
    const wait = everywhere ? 'cat && umount -l "$2"' : 'exec cat';
    // A file system in memory is made of pages.
    const size = Math.ceil(bytes / PAGE) * PAGE;
    const script = ['sh', '-c', `mount -t tmpfs -o "size=$1,mode=0700" sluice "$2" && echo mounted && ${wait}`, 'sh', String(size), mountPoint];
    const [command = '', ...args] = everywhere ? script : ['unshare', ...(root ? [] : ['--user', '--map-root-user']), '--mount', ...script];
    // A session of its own: Ctrl-C in the terminal must not take it away before those who use it.
    const holder = spawn(command, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    // It must not keep us: when we end, it ends.
    holder.unref();
    let said = '';
    const mounted = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), START_MS);
      const end = (ok: boolean): void => {
        clearTimeout(timer);
        resolve(ok);
      };
      holder.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
      holder.stdout.on('data', () => end(true));
      holder.once('error', (error) => {
        said += error.message;
        end(false);
      });
      holder.once('close', () => end(false));
    });
    const path = everywhere ? mountPoint : `/proc/${holder.pid ?? 0}/root${mountPoint}`;
    const disk = new SmallDisk(path, holder);
    if (mounted && existsSync(path) && statfsSync(path).bsize * statfsSync(path).blocks <= size) return disk;
    await disk.close();
    throw new NotHere(`a small file system cannot be mounted here: ${said.trim() || 'no answer'}. It needs root, or a kernel that lets users make namespaces`);
  }

  /** Bytes that are free. */
  get free(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Until no byte is free, or `left` bytes are. */
  fill(left = 0): void {
    const file = openSync(join(this.path, FILLER), 'a', 0o600);
    try {
      for (;;) {
        const room = this.free - left;
        if (room <= 0) return;
        writeSync(file, Buffer.alloc(Math.min(CHUNK, room)));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Takes away what `fill` wrote. */
  empty(): void {
    rmSync(join(this.path, FILLER), { force: true });
  }

  /** It goes when the last who has a file of it open lets go. */
  async close(): Promise<void> {
    const { holder } = this;
    if (holder.pid === undefined || holder.exitCode !== null || holder.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => holder.kill('SIGKILL'), END_MS);
      holder.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      holder.stdin?.end();
    });
  }
}
