const WARN: ReadonlySet<unknown> = new Set(['warn', 'error', 'fatal']);
const ERROR: ReadonlySet<unknown> = new Set(['error', 'fatal']);
/** Fields that every line has, or that say it again for machines. */
const PLAIN: ReadonlySet<string> = new Set(['level', 'time', 'msg', 'name', 'pid', 'hostname', 'event', 'v']);

/** What a person should see of a line of the gateway's log, from `least` upwards: its text and its fields. undefined for the rest. */
export function worryOf(line: string, least: 'warn' | 'error'): string | undefined {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    // Not from the logger: a crash of the runtime speaks like this.
    return line.trim() === '' ? undefined : line;
  }
  if (!(least === 'warn' ? WARN : ERROR).has(entry['level'])) return undefined;
  const fields = Object.entries(entry)
    .filter(([key]) => !PLAIN.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [entry['msg'], ...fields].join(' ');
}
