import { excerpt } from '../domain/excerpt.ts';
import type { Letter, LetterChanges, LetterWalk } from '../domain/letter.ts';
import { letterJson } from '../domain/letter-json.ts';
import type { LetterPlan, PlanSummary } from '../pipeline/letter-plan.ts';

/** Most of a payload that `show` prints unless told. */
const SHOWN_BYTES = 4096;
const HEX_COLUMNS = 16;
/** What text may hold and still be shown as text. */
// oxlint-disable-next-line no-control-regex
const NOT_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

export type Row = readonly string[];
export const HEAD: Row = ['time', 'code', 'topic', 'size', 'message', 'id'];
export const PLAN_HEAD: Row = ['time', 'code', 'topic', 'size', 'would be', 'id'];

/** Control characters escaped and cut: nothing that a device sent may move a cursor. */
export function row(letter: Letter, plan: LetterPlan | undefined): Row {
  const time = letter.buriedAt === undefined ? '-' : new Date(letter.buriedAt).toISOString().replace(/\.\d+Z$/, 'Z');
  const code = letter.replays === 0 ? letter.code : `${letter.code} (replayed ${letter.replays}x)`;
  const what = plan === undefined ? letter.message : planText(plan);
  return [time, excerpt(code, 40), excerpt(letter.topic, 48), String(letter.size), excerpt(what, 60), excerpt(letter.id, 255)];
}

function planText({ outcome, code, message, routes }: LetterPlan): string {
  const to = Object.entries(routes).map(([route, n]) => (n === 1 ? route : `${route} x${n}`));
  return [outcome, code, to.length === 0 ? undefined : `to ${to.join(', ')}`, message].filter((part) => part !== undefined).join(' ');
}

/** Columns as wide as what is in them; the size to the right. */
export function table(rows: readonly Row[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const line = (cells: Row): string => cells.map((cell, i) => (i === 3 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ');
  return rows.map((cells) => `${line(cells).trimEnd()}\n`).join('');
}

/** One letter, for a person. */
export function letterText(letter: Letter, body: Buffer, full: boolean): string {
  const fields = Object.entries(letterJson(letter)).filter(([, value]) => value !== undefined);
  const width = Math.max(...fields.map(([name]) => name.length));
  const lines = fields.map(([name, value]) => `${name.padEnd(width)}  ${excerpt(String(value), 1024)}`);
  return `${lines.join('\n')}\n\n${dump(full ? body : body.subarray(0, SHOWN_BYTES))}${more(body, full)}`;
}

function more(body: Buffer, full: boolean): string {
  return full || body.length <= SHOWN_BYTES ? '' : `(${body.length - SHOWN_BYTES} more bytes; --full shows them)\n`;
}

/** As text where it is text, else in hexadecimal. */
export function dump(body: Buffer): string {
  if (body.length === 0) return '(no bytes)\n';
  const text = asText(body);
  return text === undefined
    ? hexDump(body)
    : `${text
        .split('\n')
        .map((line) => excerpt(line.replace(/\r$/, ''), Number.POSITIVE_INFINITY))
        .join('\n')}\n`;
}

function asText(body: Buffer): string | undefined {
  try {
    // A character may have been cut off at the end: `stream` leaves that out.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body, { stream: true });
    return text === '' || NOT_TEXT.test(text) ? undefined : text.replaceAll('\t', '    ');
  } catch {
    return undefined;
  }
}

function hexDump(body: Buffer): string {
  let out = '';
  for (let at = 0; at < body.length; at += HEX_COLUMNS) {
    const bytes = body.subarray(at, at + HEX_COLUMNS);
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = [...bytes].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    out += `${at.toString(16).padStart(8, '0')}  ${hex.padEnd(HEX_COLUMNS * 3 - 1)}  |${ascii}|\n`;
  }
  return out;
}

/** A line of an export: what `sluice decode --messages` reads, and what is known of the letter. */
export function exportLine(letter: Letter, body: Buffer): string {
  const { topic, contentEncoding: content_encoding } = letter;
  return `${JSON.stringify({ topic, content_encoding, payload_b64: body.toString('base64'), dead_letter: letterJson(letter) })}\n`;
}

/** What a person must know of a walk that did not see everything; undefined where it did. */
export function shortfall(walk: LetterWalk): string | undefined {
  const { ended, present, seen, otherReaders, reason } = walk;
  if (ended === 'lost') return `the connection ended after ${seen} of ${present} letters: ${reason ?? ''}`;
  if (ended === 'short') return `only ${seen} of ${present} letters came: another reader has taken or holds the rest`;
  if (otherReaders === 0) return undefined;
  const who = otherReaders === 1 ? 'another reader is' : `${otherReaders} other readers are`;
  return `${who} at the queue: letters that are held there are not seen here`;
}

export function changesText(verb: string, { done, matched, skipped, uncertain, stopped }: LetterChanges): string {
  const lines = [`${verb} ${done} of ${matched} that matched`];
  for (const [why, n] of Object.entries(skipped)) lines.push(`left alone: ${n} (${SKIPPED[why] ?? why})`);
  if (uncertain > 0) lines.push(`up to ${uncertain} of them may still be in the queue too: the connection ended before the broker confirmed their removal`);
  if (stopped !== undefined) lines.push(`stopped: ${stopped}`);
  return lines.map((line) => `${excerpt(line, 1024)}\n`).join('');
}

const SKIPPED: Readonly<Record<string, string>> = {
  'max-replays': 'replayed as often as --max-replays allows; --force replays them all the same',
  refused: 'the broker or the client refuses them for good',
  stranger: 'not put there by the gateway or the broker, so that nobody knows their topic',
};

export function summaryText({ letters, readings, outcomes, routes }: PlanSummary): string {
  const counts = (table_: Readonly<Record<string, number>>): string[] => Object.entries(table_).map(([name, n]) => `  ${excerpt(name)}: ${n}\n`);
  const to = counts(routes);
  return `${letters} letters would be\n${counts(outcomes).join('')}${readings} readings${to.length === 0 ? '\n' : `, by route\n${to.join('')}`}`;
}
