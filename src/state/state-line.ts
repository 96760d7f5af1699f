import { crc32 } from 'node:zlib';

/**
 * One line of the log, which is JSON:
 *
 *     {"live":1,"sum":"89abcdef","name":"sparkplug/plant/G/N","state":{...}}
 *
 * Everything before the name has its fixed place, so that one byte, written in place, makes a line `"live":0`: the name has
 * no state (any more), whatever earlier lines say. `sum` is the CRC-32 of all that follows it, because a state with a wrong
 * byte in a name of a metric would still be JSON.
 */
const LIVE = '{"live":';
const SUM = ',"sum":"';
const BODY = '",';
const NAME = '"name":';

export const FLAG_AT = LIVE.length;
const SUM_AT = FLAG_AT + 1 + SUM.length;
const SUM_LENGTH = 8;
const BODY_AT = SUM_AT + SUM_LENGTH + BODY.length;
export const WITHDRAWN: Buffer = Buffer.from('0');

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ONE = 0x31;
const ZERO = 0x30;

/** With its line end. `state`: as JSON; undefined: the name has none. */
export function encodeLine(name: string, state: string | undefined): Buffer {
  const body = `${NAME}${JSON.stringify(name)}${state === undefined ? '' : `,"state":${state}`}}`;
  // The sum is written over the eight zeros: the text becomes bytes once only.
  const line = Buffer.from(`${LIVE}${state === undefined ? 0 : 1}${SUM}00000000${BODY}${body}\n`);
  line.write(sumOf(line.subarray(0, -1)), SUM_AT, 'latin1');
  return line;
}

/** What stands in a line (without its end); undefined for one that nobody wrote like this. */
export function readHead(line: Buffer): { readonly name: string; readonly live: boolean } | undefined {
  const flag = line[FLAG_AT];
  const framed =
    line.length > BODY_AT &&
    line.toString('latin1', 0, FLAG_AT) === LIVE &&
    (flag === ONE || flag === ZERO) &&
    line.toString('latin1', FLAG_AT + 1, SUM_AT) === SUM &&
    line.toString('latin1', SUM_AT, BODY_AT) === `${sumOf(line)}${BODY}`;
  if (!framed) return undefined;
  const from = BODY_AT + NAME.length;
  let to = from + 1;
  while (to < line.length && line[to] !== QUOTE) to += line[to] === BACKSLASH ? 2 : 1;
  try {
    return { name: JSON.parse(line.toString('utf8', from, to + 1)) as string, live: flag === ONE };
  } catch {
    return undefined;
  }
}

/** The state in a line that is live and holds this name. Throws for any other. */
export function readState(line: Buffer, name: string): unknown {
  const head = readHead(line);
  if (head?.name !== name || !head.live) throw new Error(`the state ${JSON.stringify(name)} is damaged`);
  return (JSON.parse(line.toString('utf8')) as { readonly state: unknown }).state;
}

function sumOf(line: Buffer): string {
  return crc32(line.subarray(BODY_AT)).toString(16).padStart(SUM_LENGTH, '0');
}

/** A line of a file; `bytes` is undefined for one longer than allowed, `length` includes its end. */
export interface Line {
  readonly offset: number;
  readonly length: number;
  readonly bytes: Buffer | undefined;
}

const CHUNK = 1_048_576;

/** The whole lines of a file; what follows the last line end is left out. `read` answers what is there, empty at the end. */
export function* linesOf(read: (position: number, length: number) => Buffer, longest: number): Generator<Line> {
  let offset = 0;
  /** Pieces of the line that began at `offset`. */
  let pieces: Buffer[] = [];
  let length = 0;
  for (let chunk = read(0, CHUNK); chunk.length > 0; chunk = read(offset + length, CHUNK)) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      length += to + 1 - from;
      const fits = length <= longest;
      const end = chunk.subarray(from, to);
      yield { offset, length, bytes: fits ? (pieces.length === 0 ? end : Buffer.concat([...pieces, end])) : undefined };
      offset += length;
      pieces = [];
      length = 0;
      from = to + 1;
    }
    const rest = chunk.subarray(from);
    length += rest.length;
    if (length <= longest) pieces.push(rest);
    else pieces = [];
  }
}
