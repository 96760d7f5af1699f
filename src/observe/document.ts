import { METRICS } from './definitions.ts';
import { type LabelValues, type MetricDefinition, ROUTES_AT_ZERO, ROUTES_BY_NAME } from './labels.ts';
import { EVENTS, type LogEntry } from './log-table.ts';
import { FIELDS } from './log-fields.ts';

const LABEL_SOURCES: Readonly<Record<Exclude<LabelValues, readonly string[]>, string>> = {
  routes: `names of the first ${ROUTES_BY_NAME} routes of the settings, \`(none)\`, \`(dead letters)\`, \`(other)\``,
  sessions: 'names of the connections',
  addresses: '`host:port` of each URL in the settings',
  components: 'names of the components',
  queues: 'names of the queues in the settings',
  build: 'one value',
};

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

function labels(definition: MetricDefinition): string {
  const all = Object.entries(definition.labels).map(([label, values]) => {
    if (typeof values === 'string') return `\`${label}\`: ${LABEL_SOURCES[values]}`;
    return label === 'code' ? '`code`: fault codes' : `\`${label}\`: ${values.join(', ')}`;
  });
  return all.length === 0 ? '-' : all.join('; ');
}

function metricRow([name, definition]: readonly [string, MetricDefinition]): string {
  const { type, unit, help, worry, buckets } = definition;
  const meaning = buckets === undefined ? help : `${help} Buckets: ${buckets.join(', ')}.`;
  return row([`\`${name}\``, type, unit, labels(definition), meaning, worry]);
}

function level(entry: LogEntry<never>): string {
  if (entry.levelBy === undefined) return entry.level;
  const { field, levels } = entry.levelBy;
  const moved = Object.entries(levels).map(([value, to]) => `${to} when \`${String(field)}\` is ${value}`);
  return `${entry.level}; ${moved.join('; ')}`;
}

function limited(entry: LogEntry<never>): string {
  if (entry.limitBy === undefined) return 'no';
  const keys = (entry.limitBy as readonly string[]).map((key) => `\`${key}\``);
  return keys.length === 0 ? 'yes' : `per ${keys.join(', ')}`;
}

function eventRow([type, entry]: readonly [string, LogEntry<never>]): string {
  const fields = (entry.fields as readonly string[]).map((field) => `\`${field}\``).join(', ');
  return row([`\`${type}\``, level(entry), entry.message, fields, limited(entry), entry.doc]);
}

const HEAD = `# Metrics and log lines

This file is written from the tables in \`src/observe\` (\`UPDATE_DOCS=1 npx vitest run --project unit test/docs/metrics.test.ts\`); a test keeps it equal to them.`;

const METRICS_INTRO = `## Metrics

\`GET /metrics\` answers in the Prometheus text format. Every label has a bounded set of values: no device, topic or routing key ever becomes a label. The numbers of one scrape are from one moment, so that

    sluice_messages_received_total = sum(sluice_messages_settled_total) + sluice_messages_in_flight

holds exactly, and \`sluice_ledger_imbalance\` says by how much it does not. The same holds for items (one reading on one route).

The series of a route are there from the start, at 0, where there are at most ${ROUTES_AT_ZERO} routes. In longer tables they come with the first event of the route.

The \`process_\` and \`nodejs_\` metrics are the few that somebody looks at; garbage collection and active handles are left out, because they cost at every scrape.`;

const EVENTS_INTRO = `## Events

What the gateway tells in its log. A line of JSON has \`level\`, \`time\` (ISO 8601, UTC), \`name\` (of the gateway), \`event\`, \`msg\` (the constant text below) and the fields. Nothing is logged per message.

Events that can repeat quickly are limited to 5 lines in 10 s for each combination of the fields under "limited"; the next line of the kind carries \`suppressed\`, the number of lines that were left out. Lines at \`debug\` are not limited.`;

const FIELDS_INTRO = '## Fields of log lines';

/** The text of METRICS.md. Pure: equal tables give equal text. */
export function metricsDocument(): string {
  const metrics = Object.entries(METRICS as Readonly<Record<string, MetricDefinition>>).map(metricRow);
  const events = Object.entries(EVENTS as Readonly<Record<string, LogEntry<never>>>).map(eventRow);
  const fields = Object.entries(FIELDS).map(([name, meaning]) => row([`\`${name}\``, meaning]));
  return [
    HEAD,
    METRICS_INTRO,
    [row(['name', 'type', 'unit', 'labels', 'meaning', 'when to worry']), row(['---', '---', '---', '---', '---', '---']), ...metrics].join('\n'),
    EVENTS_INTRO,
    [row(['event', 'level', 'message', 'fields', 'limited', 'meaning']), row(['---', '---', '---', '---', '---', '---']), ...events].join('\n'),
    FIELDS_INTRO,
    `${[row(['field', 'meaning']), row(['---', '---']), ...fields].join('\n')}\n`,
  ].join('\n\n');
}
