import { safeText } from '../domain/safe-text.ts';

const LEVEL_WIDTH = 5;
/** Members of a line that the text form shows in places of their own, or not at all. */
const OWN_PLACE = new Set(['level', 'time', 'name', 'msg', 'event']);

function value(field: unknown): string {
  if (typeof field === 'string') return /^[^\s"=]+$/.test(field) ? safeText(field) : safeText(JSON.stringify(field));
  return safeText(JSON.stringify(field) ?? 'undefined');
}

/** One line of JSON as one short line for a person: time of day (UTC), level, message, fields. A line that is not JSON is shown as it is, made safe. */
export function textLine(json: string): string {
  let parsed: Record<string, unknown>;
  try {
    parsed = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return `${safeText(json.trimEnd())}\n`;
  }
  const { level, time, msg, err } = parsed;
  const clock = typeof time === 'string' ? time.slice(11, 23) : '';
  const fields = Object.entries(parsed).filter(([key]) => !OWN_PLACE.has(key) && key !== 'err');
  const tail = fields.map(([key, field]) => ` ${safeText(key)}=${value(field)}`).join('');
  return `${clock} ${String(level).toUpperCase().padEnd(LEVEL_WIDTH)} ${safeText(typeof msg === 'string' ? msg : '')}${tail}\n${stack(err)}`;
}

/** The stack of an error, indented, one safe line per frame. */
function stack(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { stack, message } = err as { stack?: unknown; message?: unknown };
  const text = typeof stack === 'string' ? stack : String(message);
  return text
    .split('\n')
    .map((line) => `    ${safeText(line)}\n`)
    .join('');
}
