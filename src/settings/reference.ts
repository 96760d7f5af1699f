import { LayoutSchema, SettingsSchema } from './schema.ts';
import { CasesSchema } from './schema/cases.ts';
import { DetailedField } from './schema/payloads.ts';
import { isRequired, type Shape, shapeOf, tableOf } from './shape.ts';

export interface ExitCodeLine {
  readonly code: number;
  readonly meaning: string;
}

const INTRODUCTION = `# Configuration

<!-- Generated from src/settings/schema.ts; \`UPDATE_DOCS=1 npx vitest run --project unit test/docs/configuration.test.ts\` rewrites it. -->

Sluice reads one YAML 1.2 file. \`sluice check FILE\` says everything that is wrong with it, with line and column; the gateway
refuses to start with a file that has errors. Every key below may be left out unless it is marked *required*. No default loses
data: what can is asked for by name.

Times and sizes carry their unit in the name of the key: \`...Seconds\`, \`...Ms\`, \`...Bytes\`.

Editors that understand JSON Schema complete and check the file when it begins with

\`\`\`yaml
# yaml-language-server: $schema=../docs/schema/settings.json
\`\`\`

## Values from outside

| written | becomes |
| --- | --- |
| \`\${NAME}\` | The environment variable; an error where it is not set. |
| \`\${NAME:-default}\` | The same, or the default where it is not set or empty. A default holds no \`}\`. |
| \`\${file:PATH}\` | The content of a file (UTF-8), without its last line end. Relative to the file that names it. For certificates and secrets. |
| \`$\${\` | The two characters \`\${\`. |

They may stand anywhere in a value, also within a longer text, but not in keys. What comes of it has the type that the key asks
for: \`port: \${PORT}\` is a number. It is inserted once; what is inserted is not looked at again. Inside \`{ }\` and \`[ ]\` YAML wants
quotes around it: \`{ port: '\${PORT}' }\`, which is a number all the same.

Keys marked *secret* are never shown: messages do not quote them, and \`sluice check --print\` writes \`***\`. Of a URL the password
is hidden.

Unknown keys, keys that stand twice and values of the wrong type are errors. Anchors and aliases (\`&name\`, \`*name\`) work; merge
keys (\`<<\`) are not part of YAML 1.2 and do not.
`;

/** docs/configuration.md: every key, in the order of the schema. */
export function configurationMarkdown(exitCodes: readonly ExitCodeLine[]): string {
  const root = shapeOf(SettingsSchema);
  const out = [INTRODUCTION];
  for (const [name, shape] of Object.entries(root.properties ?? {})) {
    out.push(`## ${name}\n`, `${isRequired(root, name) ? '*Required.* ' : ''}${shape.description ?? ''}\n`);
    const described = entryOf(shape);
    if (described === undefined) {
      out.push(`${kindOf(shape)}${defaultText(shape)}\n`);
      continue;
    }
    if (shape.type === 'array' && described.description !== undefined) out.push(`Each entry: ${described.description}\n`);
    out.push(keyTable(described));
  }
  out.push('## Exit codes of `sluice check`\n', '| code | meaning |\n| --- | --- |');
  for (const { code, meaning } of exitCodes) out.push(`| ${code} | ${meaning} |`);
  return `${out.join('\n')}\n`;
}

/** The keys that a section, or an entry of a list, has. */
function entryOf(shape: Shape): Shape | undefined {
  if (shape.properties !== undefined) return shape;
  const inner = shape.items ?? tableOf(shape);
  return inner?.properties === undefined ? undefined : inner;
}

function keyTable(shape: Shape): string {
  const rows = ['| key | type | default | bounds | description |', '| --- | --- | --- | --- | --- |'];
  const walk = (inner: Shape, prefix: string): void => {
    for (const [name, key] of Object.entries(inner.properties ?? {})) {
      const path = `${prefix}${name}`;
      const nested = entryOf(key);
      const marks = [isRequired(inner, name) ? '*required*' : '', key.secret === true || key.items?.secret === true ? '*secret*' : ''].filter((m) => m !== '');
      const initial = isRequired(inner, name) || key.default === undefined || nested !== undefined ? '' : code(JSON.stringify(key.default));
      rows.push(
        `| ${code(path)} | ${kindOf(key)} | ${[initial, ...marks].filter((m) => m !== '').join(' ')} | ${boundsOf(key)} | ${cell(key.description ?? '')} |`,
      );
      if (nested !== undefined) walk(nested, `${path}${key.type === 'array' ? '[]' : tableOf(key) === undefined ? '' : '.*'}.`);
    }
  };
  walk(shape, '');
  return `${rows.join('\n')}\n`;
}

function kindOf(shape: Shape): string {
  if (shape.anyOf !== undefined) return [...new Set(shape.anyOf.map(kindOf))].join(' or ');
  if (shape.enum !== undefined) return shape.enum.map(code).join(', ');
  const values = tableOf(shape);
  if (values !== undefined) return `table of ${values.properties === undefined ? kindOf(values) : 'entries'}`;
  if (shape.free === true) return 'any keys';
  if (shape.type === 'array') return `list of ${shape.items?.properties === undefined ? kindOf(shape.items ?? {}) : 'entries'}`;
  return KINDS[shape.type ?? 'number'] ?? 'number';
}

const KINDS: Readonly<Record<string, string>> = { integer: 'whole number', boolean: 'true or false', string: 'text', object: 'keys' };

function boundsOf(shape: Shape): string {
  const bounds: string[] = [];
  if (shape.minimum !== undefined && shape.maximum !== undefined) bounds.push(`${shape.minimum} to ${shape.maximum}`);
  if (shape.unit !== undefined) bounds.push(shape.unit);
  if (shape.maxBytes !== undefined) bounds.push(`at most ${shape.maxBytes} bytes`);
  if (shape.maxLength !== undefined) bounds.push(`at most ${shape.maxLength} characters`);
  if (shape.minLength === 1 || shape.minItems === 1) bounds.push('not empty');
  if (shape.pattern !== undefined) bounds.push(code(shape.pattern));
  return cell(bounds.join(', '));
}

function defaultText(shape: Shape): string {
  return shape.default === undefined ? '.' : `, default ${code(JSON.stringify(shape.default))}.`;
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

/** A bar ends a cell of a Markdown table, also inside of code. */
function cell(text: string): string {
  return text.replaceAll(/(?<!\\)\|/g, '\\|');
}

/** The keys of a layout and of its fields, for docs/payloads.md. */
export function layoutMarkdown(): string {
  return `${keyTable(shapeOf(LayoutSchema))}\nA field:\n\n${keyTable(shapeOf(DetailedField))}`.trim();
}

/** The keys of a file of tests, for docs/testing.md. */
export function casesMarkdown(): string {
  return keyTable(shapeOf(CasesSchema)).trim();
}

/** docs/schema/settings.json: JSON Schema draft 2020-12, for editors. */
export function settingsJsonSchema(): string {
  return jsonSchema('Sluice settings', shapeOf(SettingsSchema));
}

/** docs/schema/tests.json, the same for files of tests. */
export function casesJsonSchema(): string {
  return jsonSchema('Sluice tests', shapeOf(CasesSchema));
}

function jsonSchema(title: string, shape: Shape): string {
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...editorShape(shape) }, undefined, 2)}\n`;
}

/** What an editor may show before interpolation: any value that is not a text may also be written as one with `${...}` in it. */
const INTERPOLATED = { type: 'string', pattern: '\\$\\{' };

function editorShape(shape: Shape): Record<string, unknown> {
  const about = {
    ...(shape.description === undefined ? {} : { description: shape.description }),
    ...(shape.default === undefined ? {} : { default: shape.default }),
  };
  if (shape.anyOf !== undefined) return { ...about, anyOf: shape.anyOf.map(editorShape) };
  if (shape.properties !== undefined) {
    const required = Object.keys(shape.properties).filter((key) => isRequired(shape, key));
    // An empty section (`dedupe:` alone) means its defaults.
    return {
      ...about,
      type: shape.default === undefined ? 'object' : ['object', 'null'],
      properties: Object.fromEntries(Object.entries(shape.properties).map(([name, key]) => [name, editorShape(key)])),
      ...(required.length === 0 ? {} : { required }),
      additionalProperties: false,
    };
  }
  if (shape.free === true) return { ...about, type: 'object' };
  const values = tableOf(shape);
  if (values !== undefined) return { ...about, type: 'object', additionalProperties: editorShape(values) };
  if (shape.items !== undefined) return { ...about, type: 'array', items: editorShape(shape.items), ...pick(shape, ['minItems']) };
  const own = { type: shape.type, ...pick(shape, ['enum', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern']) };
  const free = shape.type === 'string' && shape.enum === undefined && shape.pattern === undefined && shape.maxLength === undefined;
  return free ? { ...about, ...own } : { ...about, anyOf: [own, INTERPOLATED] };
}

function pick(shape: Shape, keys: readonly (keyof Shape)[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => shape[key] !== undefined).map((key) => [key, shape[key]]));
}
