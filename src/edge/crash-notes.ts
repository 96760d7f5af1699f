import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import path from 'node:path';
import type { InboundMessage } from '../domain/message.ts';
import { isAbsent } from '../state/files.ts';

/** Messages that are noted at most; the oldest give way. */
const MOST = 100;
const FILE = 'crashes.json';
const VERSION = 1;

type Noted = Pick<InboundMessage, 'topic' | 'body'>;

export interface CrashNotesOptions {
  /** Of the edge. It is there when something is noted: the spool has made it. */
  readonly folder: string;
  readonly warn: (message: string) => void;
  /** For tests. */
  readonly files?: Pick<typeof fs, 'readFileSync' | 'writeFileSync' | 'renameSync'> | undefined;
}

/**
 * Messages on which this process has ended before. In a queue of RabbitMQ `x-delivery-count` says how often a message came back; one that
 * comes again from the spool or from its device says nothing. Kept in one small file, by a hash of topic and body, written when it
 * happens and read at the start. What cannot be read or written is told, and then nothing is known.
 */
export class CrashNotes {
  private readonly options: CrashNotesOptions;
  private readonly file: string;
  private readonly counts: Map<string, number>;

  private constructor(options: CrashNotesOptions) {
    this.options = options;
    this.file = path.join(options.folder, FILE);
    this.counts = this.read();
  }

  static open(options: CrashNotesOptions): CrashNotes {
    return new CrashNotes(options);
  }

  /** How often the process has ended on this message. Nothing is computed while nothing is noted. */
  countOf(message: Noted): number {
    return this.counts.size === 0 ? 0 : (this.counts.get(keyOf(message)) ?? 0);
  }

  /** The process is about to end on this message. */
  note(message: Noted): void {
    const key = keyOf(message);
    const before = this.counts.get(key) ?? 0;
    this.counts.delete(key);
    this.counts.set(key, before + 1);
    if (this.counts.size > MOST) this.counts.delete(this.counts.keys().next().value as string);
    this.write();
  }

  /** The message has settled after all. */
  forget(message: Noted): void {
    if (this.counts.size > 0 && this.counts.delete(keyOf(message))) this.write();
  }

  private read(): Map<string, number> {
    const { files = fs, warn } = this.options;
    try {
      const { version, messages } = JSON.parse(files.readFileSync(this.file, 'utf8')) as { version?: unknown; messages?: unknown };
      if (version !== VERSION || typeof messages !== 'object' || messages === null) throw new Error('it is not one of this version');
      const counts = Object.entries(messages as Readonly<Record<string, unknown>>).filter((entry): entry is [string, number] => Number.isInteger(entry[1]));
      return new Map(counts.slice(-MOST));
    } catch (error) {
      if (!isAbsent(error)) warn(`${this.file} is left out (${textOf(error)}): whether a message has ended the gateway before is not known`);
      return new Map();
    }
  }

  private write(): void {
    const { files = fs, warn } = this.options;
    const draft = `${this.file}.new`;
    try {
      files.writeFileSync(draft, JSON.stringify({ version: VERSION, messages: Object.fromEntries(this.counts) }), { mode: 0o600, flush: true });
      files.renameSync(draft, this.file);
    } catch (error) {
      warn(`${this.file} cannot be written (${textOf(error)}): a message that ends the gateway may do so more often`);
    }
  }
}

function keyOf({ topic, body }: Noted): string {
  return createHash('sha256').update(topic).update('\0').update(body).digest('base64url').slice(0, 22);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
