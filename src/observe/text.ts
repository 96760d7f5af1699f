/**
 * Characters that may not reach a terminal or a line-based tool raw, beyond those that JSON itself escapes: C1 controls
 * and DEL (0x9B is a terminal escape introducer), line and paragraph separator, marks that turn the direction of text
 * (a topic could show as another one), zero-width and byte-order marks.
 */
const UNSAFE = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Makes a line of JSON safe to show. In JSON those characters occur only inside strings, where `\uXXXX` means the
 * same: nothing is lost, and a parser gives the original text.
 */
export function safeJsonLine(line: string): string {
  return line.replace(UNSAFE, escaped);
}

/** Makes any text safe to show on one line of a terminal. */
export function safeText(text: string): string {
  return text.replace(CONTROL, escaped);
}

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
