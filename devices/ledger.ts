import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { hash32 } from './random.ts';
import type { Message, Qos } from './device.ts';

/** What was attempted, as the ledger has it. */
export interface Attempt {
  readonly topic: string;
  readonly device: string;
  readonly seq: number;
  /** Device time, milliseconds since 1970. */
  readonly time: number;
  readonly qos: Qos;
  /** `hash32` of the payload: of its text, or of its bytes as characters where it is bytes. */
  readonly hash: number;
}

export interface LedgerContent {
  /** By `messageKey`, in the order of the first attempts. */
  readonly attempted: Map<string, Attempt>;
  /** Keys of messages that the broker acknowledged: what is owed downstream. */
  readonly pubacked: Set<string>;
  /** The last line was cut: the simulator itself was killed, and up to one buffer of lines before it is missing too. */
  readonly truncated: boolean;
}

/** Identity of a message within one ledger. `#` is not legal in a topic that is published to [MQTT-3.3.2-2]. */
export function messageKey(topic: string, seq: number): string {
  return `${topic}#${seq}`;
}

const BUFFER_CHARS = 65_536;

/**
 * Writes one line when a message is first handed to the MQTT client (before it is), and one when its PUBACK came.
 * Buffered; complete after `close`. Write errors are kept in `failure` and not thrown, because they would surface
 * inside a socket callback; the owner looks.
 */
export class LedgerWriter {
  failure: Error | undefined;
  private readonly fd: number;
  private lines: string[] = [];
  private chars = 0;
  private closed = false;

  /** Throws when the file exists already: a ledger is evidence. */
  constructor(file: string) {
    this.fd = openSync(file, 'wx');
  }

  attempted(message: Message): void {
    const { topic, device, seq, time, qos, payload } = message;
    this.write(
      `{"a":${JSON.stringify(topic)},"n":${seq},"d":${JSON.stringify(device)},"t":${time},"q":${qos},"h":${hash32(typeof payload === 'string' ? payload : payload.toString('latin1'))}}\n`,
    );
  }

  pubacked(topic: string, seq: number): void {
    this.write(`{"k":${JSON.stringify(topic)},"n":${seq}}\n`);
  }

  flush(): void {
    if (this.closed || this.chars === 0) {
      return;
    }
    const bytes = Buffer.from(this.lines.join(''), 'utf8');
    this.lines = [];
    this.chars = 0;
    try {
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(this.fd, bytes, at);
      }
    } catch (error) {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  close(): void {
    if (!this.closed) {
      this.flush();
      this.closed = true;
      closeSync(this.fd);
    }
  }

  private write(line: string): void {
    if (this.closed) {
      throw new Error('the ledger is closed');
    }
    this.lines.push(line);
    this.chars += line.length;
    if (this.chars >= BUFFER_CHARS) {
      this.flush();
    }
  }
}

interface Line {
  readonly a?: string;
  readonly k?: string;
  readonly n: number;
  readonly d: string;
  readonly t: number;
  readonly q: Qos;
  readonly h: number;
}

/**
 * Reads a whole ledger. A cut last line is reported, anything else that is wrong throws with its line number:
 * a line that does not parse, a message attempted twice, a PUBACK of a message that was never attempted or has QoS 0.
 */
export function readLedger(file: string): LedgerContent {
  const attempted = new Map<string, Attempt>();
  const pubacked = new Set<string>();
  const take = (text: string, lineNumber: number): void => {
    const wrong = (why: string): Error => new Error(`${file}:${lineNumber}: ${why}`);
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      throw wrong('not a ledger line');
    }
    const key = messageKey(line.a ?? line.k ?? '', line.n);
    if (line.a !== undefined) {
      if (attempted.has(key)) {
        throw wrong(`${key} is attempted twice`);
      }
      attempted.set(key, { topic: line.a, device: line.d, seq: line.n, time: line.t, qos: line.q, hash: line.h });
    } else if (line.k === undefined) {
      throw wrong('neither an attempt nor a PUBACK');
    } else if (attempted.get(key)?.qos !== 1) {
      throw wrong(`PUBACK of ${key}, which was not attempted with QoS 1`);
    } else {
      pubacked.add(key);
    }
  };

  const fd = openSync(file, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const chunk = Buffer.alloc(1 << 20);
    let rest = '';
    let lineNumber = 0;
    for (let size = readSync(fd, chunk); size > 0; size = readSync(fd, chunk)) {
      const lines = (rest + decoder.write(chunk.subarray(0, size))).split('\n');
      rest = lines.pop() ?? '';
      for (const text of lines) {
        lineNumber += 1;
        take(text, lineNumber);
      }
    }
    return { attempted, pubacked, truncated: rest !== '' };
  } finally {
    closeSync(fd);
  }
}
