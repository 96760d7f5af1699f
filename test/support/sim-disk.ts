import * as fs from 'node:fs';
import path from 'node:path';
import type { LogFiles } from '../../src/edge/log/files.ts';
import { fsError } from './faulty-files.ts';

/** One file: what a process sees, and what a power cut would leave. */
class Node {
  data: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  /** Not forced to the disk yet, in their order. */
  unforced: Change[] = [];
  readonly ino: number;
  mtimeMs: number;

  constructor(ino: number) {
    this.ino = ino;
    this.mtimeMs = ino;
  }

  change(change: Change): void {
    this.data = applied(this.data, change);
    this.unforced.push(change);
  }

  force(): void {
    for (const change of this.unforced.splice(0)) this.durable = applied(this.durable, change);
  }
}

/** `bytes` at `position`, or, without, cut to `position`. */
interface Change {
  readonly position: number;
  readonly bytes: Buffer | undefined;
}

function applied(data: Buffer, { position, bytes }: Change): Buffer {
  const length = bytes === undefined ? position : Math.max(data.length, position + bytes.length);
  const out = Buffer.alloc(length);
  data.copy(out, 0, 0, length);
  bytes?.copy(out, position);
  return out;
}

type Names = Map<string, Node>;
type Random = () => number;
type Later = (...args: never[]) => void;

interface Waiting {
  readonly name: string;
  readonly act: () => readonly unknown[];
  readonly done: Later;
}

const SECTOR_BYTES = 64;

/**
 * A disk in memory that forgets at a power cut what was not forced to it, wholly, partly or not at all, and the names of files
 * likewise. What is asynchronous waits until `turn`, in no order, as in a pool of threads. After a failed fdatasync what it was
 * to force is never forced, though a process still sees it: so does Linux.
 */
export class SimDisk {
  /** Throws in place of an operation. */
  check: (operation: string, args: readonly unknown[]) => void = () => {};
  /** Bytes that all files together may have. */
  room = Number.POSITIVE_INFINITY;
  readonly counts: Record<string, number> = {};
  readonly folders: Set<string> = new Set();
  names: Names = new Map();
  private durableNames: Names = new Map();
  private unforcedNames: ((names: Names) => void)[] = [];
  private handles: Map<number, { node: Node | undefined; path: string }> = new Map();
  private waiting: Waiting[] = [];
  private inodes = 1;
  private nextHandle = 1_000;
  private readonly random: Random;
  readonly files: LogFiles;

  constructor(random: Random = Math.random) {
    this.random = random;
    this.files = this.build();
  }

  get isBusy(): boolean {
    return this.waiting.length > 0;
  }

  get openHandles(): number {
    return this.handles.size;
  }

  get used(): number {
    return [...this.names.values()].reduce((sum, node) => sum + node.data.length, 0);
  }

  list(): string[] {
    return [...this.names.keys()].sort();
  }

  bytes(file: string): Buffer {
    return this.node(file).data;
  }

  /** Flips, zeroes, cuts: for good. */
  corrupt(file: string, change: (data: Buffer) => Buffer): void {
    const node = this.node(file);
    node.force();
    node.data = change(Buffer.from(node.data));
    node.durable = Buffer.from(node.data);
  }

  /** One waiting operation, and what follows from it at once. */
  async turn(): Promise<void> {
    const [next] = this.waiting.splice(Math.floor(this.random() * this.waiting.length), 1);
    if (next !== undefined) this.finish(next);
    for (let i = 0; i < 8; i += 1) await Promise.resolve();
  }

  /** Until nothing waits. */
  async settle(): Promise<void> {
    for (let i = 0; i < 100_000; i += 1) {
      await this.turn();
      if (!this.isBusy) await new Promise(setImmediate);
      if (!this.isBusy) return;
    }
    throw new Error('operations without end');
  }

  /** The process ends: what it had begun is done, or half done, or not; nobody hears of it. */
  kill(): void {
    for (const { name, act } of this.waiting.splice(0)) {
      if (this.random() < 0.5) continue;
      this.tearing = name === 'write' && this.random() < 0.7;
      try {
        act();
      } catch {
        // Nobody hears of it.
      }
      this.tearing = false;
    }
    this.handles.clear();
    for (const file of this.list()) if (file.endsWith('state.lock')) this.names.delete(file);
  }

  /** The machine ends as well. */
  powerCut(): void {
    this.kill();
    const forced = Math.floor(this.random() * (this.unforcedNames.length + 1));
    for (const change of this.unforcedNames.slice(0, forced)) change(this.durableNames);
    this.unforcedNames = [];
    this.names = new Map(this.durableNames);
    for (const node of new Set(this.names.values())) this.cut(node);
    for (const file of this.list()) if (file.endsWith('state.lock')) this.names.delete(file);
  }

  private tearing = false;

  /** Each sector of what was not forced is on the disk or is not. */
  private cut(node: Node): void {
    const mood = this.random();
    for (const { position, bytes } of node.unforced.splice(0)) {
      if (bytes === undefined) {
        if (mood > 0.5) node.durable = applied(node.durable, { position, bytes });
        continue;
      }
      for (let at = 0; at < bytes.length; at += SECTOR_BYTES) {
        if (this.random() < mood) node.durable = applied(node.durable, { position: position + at, bytes: bytes.subarray(at, at + SECTOR_BYTES) });
      }
    }
    node.data = Buffer.from(node.durable);
  }

  private finish({ act, done }: Waiting): void {
    let result: readonly unknown[];
    try {
      result = [null, ...act()];
    } catch (error) {
      result = [error];
    }
    (done as (...args: unknown[]) => void)(...result);
  }

  private node(file: string): Node {
    const node = this.names.get(file);
    if (node === undefined) throw fsError('ENOENT');
    return node;
  }

  private opened(handle: number): Node {
    const found = this.handles.get(handle);
    if (found?.node === undefined) throw fsError('EBADF');
    return found.node;
  }

  private rename(change: (names: Names) => void): void {
    change(this.names);
    this.unforcedNames.push(change);
  }

  private openFile(file: string, flags: string): number {
    const handle = this.nextHandle;
    this.nextHandle += 1;
    let node = this.names.get(file);
    if (node === undefined && flags.startsWith('r')) {
      if (!this.folders.has(file)) throw fsError('ENOENT');
      this.handles.set(handle, { node: undefined, path: file });
      return handle;
    }
    if (node !== undefined && flags.includes('x')) throw fsError('EEXIST');
    if (node === undefined) {
      const made = new Node(this.inodes);
      this.inodes += 1;
      node = made;
      this.rename((names) => names.set(file, made));
    } else if (flags.startsWith('w')) node.change({ position: 0, bytes: undefined });
    this.handles.set(handle, { node, path: file });
    return handle;
  }

  private write(handle: number, bytes: Buffer, offset: number, length: number, position: number): number {
    const node = this.opened(handle);
    const grows = Math.max(0, position + length - node.data.length);
    const room = this.room - this.used;
    let takes = grows > room ? Math.max(0, length - (grows - room)) : length;
    if (this.tearing) takes = Math.floor(this.random() * takes);
    if (takes === 0 && length > 0) throw fsError('ENOSPC');
    node.change({ position, bytes: Buffer.from(bytes.subarray(offset, offset + takes)) });
    return takes;
  }

  private force(handle: number): void {
    const found = this.handles.get(handle);
    if (found === undefined) throw fsError('EBADF');
    if (found.node !== undefined) return found.node.force();
    for (const change of this.unforcedNames.splice(0)) change(this.durableNames);
  }

  private build(): LogFiles {
    const asSync = {
      openSync: (file: string, flags: string) => this.openFile(file, flags),
      closeSync: (handle: number) => void this.handles.delete(handle),
      readSync: (handle: number, bytes: Buffer, offset: number, length: number, position: number) =>
        this.opened(handle)
          .data.subarray(position, position + length)
          .copy(bytes, offset),
      writeSync: (...args: Parameters<SimDisk['write']>) => this.write(...args),
      fdatasyncSync: (handle: number) => this.force(handle),
      fsyncSync: (handle: number) => this.force(handle),
      ftruncateSync: (handle: number, length: number) => this.opened(handle).change({ position: length, bytes: undefined }),
      fstatSync: (handle: number) => statOf(this.opened(handle)),
      statSync: (file: string) => (file.startsWith('/proc/') ? fs.statSync(file) : statOf(this.node(file))),
      readFileSync: (file: string, encoding: BufferEncoding) =>
        file.startsWith('/proc/') ? fs.readFileSync(file, encoding) : this.node(file).data.toString(encoding),
      mkdirSync: (folder: string) => void this.folders.add(folder),
      readdirSync: (folder: string) =>
        this.list()
          .filter((name) => path.dirname(name) === folder)
          .map((name) => path.basename(name)),
      renameSync: (from: string, to: string) => {
        const node = this.node(from);
        this.rename((names) => {
          names.delete(from);
          names.set(to, node);
        });
      },
      rmSync: (file: string, options?: { force?: boolean }) => {
        if (!this.names.has(file) && options?.force === true) return;
        this.node(file);
        this.rename((names) => names.delete(file));
      },
    };
    const later = {
      open: asSync.openSync,
      close: asSync.closeSync,
      read: asSync.readSync,
      write: asSync.writeSync,
      fdatasync: asSync.fdatasyncSync,
      fsync: asSync.fsyncSync,
      ftruncate: asSync.ftruncateSync,
      rename: asSync.renameSync,
      unlink: asSync.rmSync,
    };
    const files: Record<string, unknown> = {};
    for (const [name, act] of Object.entries(asSync) as [string, (...args: unknown[]) => unknown][]) {
      files[name] = (...args: unknown[]) => this.guarded(name, args, act);
    }
    for (const [name, act] of Object.entries(later) as [string, (...args: unknown[]) => unknown][]) {
      files[name] = (...args: unknown[]) => {
        const done = args.pop() as Later;
        this.waiting.push({ name, done, act: () => [this.guarded(name, args, act)] });
      };
    }
    return files as unknown as LogFiles;
  }

  private guarded(name: string, args: readonly unknown[], act: (...args: unknown[]) => unknown): unknown {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
    try {
      this.check(name, args);
    } catch (error) {
      // The kernel has given these pages up.
      if (name.startsWith('f') && name.includes('sync')) this.handles.get(args[0] as number)?.node?.unforced.splice(0);
      throw error;
    }
    return act(...args);
  }
}

function statOf({ ino, mtimeMs, data }: Node): { ino: number; dev: number; mtimeMs: number; size: number } {
  return { ino, dev: 1, mtimeMs, size: data.length };
}
