import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../rabbit/reasons.ts';
import { CommandError, EXIT } from './command.ts';

/** Most bytes of one payload, one line of a list, or one file that a list names. RabbitMQ's own bound on a message is 128 MiB. */
export const MOST_BYTES = 134_217_728;

export type Coding = 'raw' | 'hex' | 'base64';

/** One message of a list: what its line says. */
export interface ListedMessage {
  readonly topic: string | undefined;
  readonly profile: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly body: Buffer;
}

export type Listed = { readonly ok: true; readonly value: ListedMessage } | { readonly ok: false; readonly problem: string };

/** Everything that a stream holds. Rejects with a CommandError above `MOST_BYTES`, so that an endless input cannot fill the memory. */
export async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const piece = Buffer.from(chunk as Uint8Array);
    bytes += piece.length;
    if (bytes > MOST_BYTES) throw new CommandError(EXIT.failed, `decode: standard input is longer than ${MOST_BYTES} bytes`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks);
}

/** The payload that a text stands for; undefined where it is not in that coding. White space is allowed anywhere. */
export function uncoded(text: Buffer, coding: Coding): Buffer | undefined {
  if (coding === 'raw') return text;
  const digits = text.toString('latin1').replaceAll(/\s+/g, '');
  if (coding === 'hex') return digits.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(digits) ? Buffer.from(digits, 'hex') : undefined;
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(digits) && digits.replace(/=+$/, '').length % 4 !== 1 ? Buffer.from(digits, 'base64') : undefined;
}

/** The lines of a file or of standard input (`-`) with their numbers; empty lines are passed over. A line that is too long is undefined. */
export async function* linesOf(file: string, stdin: AsyncIterable<unknown>): AsyncGenerator<{ readonly line: number; readonly text: string | undefined }> {
  const source = file === '-' ? stdin : createReadStream(file);
  let parts: Buffer[] = [];
  let held = 0;
  let line = 1;
  const finish = (): { line: number; text: string | undefined } => ({ line, text: held > MOST_BYTES ? undefined : Buffer.concat(parts).toString('utf8') });
  try {
    for await (const chunk of source) {
      let rest = Buffer.from(chunk as Uint8Array);
      for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
        held += end;
        if (held <= MOST_BYTES) parts.push(rest.subarray(0, end));
        const whole = finish();
        if (whole.text === undefined || whole.text.trim() !== '') yield whole;
        parts = [];
        held = 0;
        line += 1;
        rest = rest.subarray(end + 1);
      }
      held += rest.length;
      if (held <= MOST_BYTES) parts.push(rest);
      else parts = [];
    }
  } catch (error) {
    throw new CommandError(EXIT.failed, `decode: cannot read ${file}: ${messageOf(error)}`);
  }
  const last = finish();
  if (last.text === undefined || last.text.trim() !== '') yield last;
}

/** A line of a list as a message. `folder` is where the files that it names are looked for. */
export async function listed(text: string, folder: string): Promise<Listed> {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (error) {
    return problem(`not JSON: ${messageOf(error)}`);
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return problem('not a JSON object');
  const fields = line as Readonly<Record<string, unknown>>;
  const texts: Record<string, string | undefined> = {};
  for (const name of ['topic', 'profile', 'content_encoding', 'payload', 'payload_b64', 'payload_file']) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field !== undefined && typeof field !== 'string') return problem(`"${name}" is not a text`);
    texts[name] = field;
  }
  const { topic, profile, content_encoding: contentEncoding, payload, payload_b64: coded, payload_file: file } = texts;
  if ([payload, coded, file].filter((each) => each !== undefined).length !== 1) return problem('one of "payload", "payload_b64" and "payload_file" is needed');
  let body: Buffer | undefined;
  if (payload !== undefined) body = Buffer.from(payload);
  else if (coded !== undefined) body = uncoded(Buffer.from(coded), 'base64');
  else {
    const read = await readPayload(path.resolve(folder, file ?? ''));
    if (typeof read === 'string') return problem(`"payload_file": ${read}`);
    body = read;
  }
  return body === undefined ? problem('"payload_b64" is not base64') : { ok: true, value: { topic, profile, contentEncoding, body } };
}

export async function readPayload(file: string): Promise<Buffer | string> {
  try {
    const found = await stat(file);
    if (!found.isFile()) return `${file} is not a regular file`;
    return found.size > MOST_BYTES ? `${file} is longer than ${MOST_BYTES} bytes` : await readFile(file);
  } catch (error) {
    return messageOf(error);
  }
}

function problem(text: string): Listed {
  return { ok: false, problem: text };
}
