import { type CST, type Document, isScalar, LineCounter, Parser, parseDocument, visit, type YAMLError } from 'yaml';
import { fileReferences, type Sources } from './interpolate.ts';
import type { Place, Problems } from './problem.ts';

/** A YAML file that could be read, with what is needed to say where things stand in it. */
export interface YamlFile {
  readonly file: string;
  readonly source: string;
  readonly document: Document.Parsed;
  place(offset: number): Place;
}

/** A file and what it may take from outside. */
export interface Opened {
  readonly yaml: YamlFile;
  readonly sources: Sources;
}

/** Our own words: those of the parser quote the text, and the text may hold a password. */
const SENTENCES: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias cannot carry an anchor or a tag',
  BAD_ALIAS: 'this alias is not legal YAML; a text that begins with * must stand in quotes',
  BAD_COLLECTION_TYPE: 'this tag does not fit what it stands at',
  BAD_DIRECTIVE: 'this directive is not known in YAML 1.2',
  BAD_DQ_ESCAPE: 'this escape is not known in double quotes; single quotes take a backslash as it is',
  BAD_INDENT: 'the indentation does not fit what is around it, or a bracket is not closed',
  BAD_PROP_ORDER: 'anchor and tag must stand before the value',
  BAD_SCALAR_START: 'a text that begins with this character must stand in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a nested mapping cannot stand on this line; is a colon too many, or are quotes missing?',
  BLOCK_IN_FLOW: 'an indented block cannot stand inside brackets',
  IMPOSSIBLE: 'this cannot be read as YAML',
  KEY_OVER_1024_CHARS: 'a key is longer than 1024 characters',
  MISSING_CHAR: 'a character is missing here: a quote, bracket, comma, colon or space',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is its colon missing?',
  MULTIPLE_ANCHORS: 'one value cannot carry two anchors',
  MULTIPLE_DOCS: 'the file holds more than one YAML document (a line "---")',
  MULTIPLE_TAGS: 'one value cannot carry two tags',
  NON_STRING_KEY: 'a key must be a text',
  RESOURCE_EXHAUSTION: 'this is nested too deeply',
  TAB_AS_INDENT: 'YAML does not indent with tabs; use spaces',
  TAG_RESOLVE_FAILED: 'this tag is not known, or does not fit its value',
  UNEXPECTED_TOKEN: 'this does not belong here',
};

/** Settings need about ten. */
const MAX_DEPTH = 64;

export function parseYaml(file: string, source: string, problems: Problems): YamlFile | undefined {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.max(0, Math.min(offset, source.length)));
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const deep = tooDeep(new Parser(lines.addNewLine).parse(source));
  if (deep !== undefined) {
    problems.add('error', place(deep), [], `this is nested more than ${MAX_DEPTH} levels deep`);
    return undefined;
  }
  // Keys are checked for being unique where their path is known (check-value.ts).
  const document = parseDocument(source, { version: '1.2', prettyErrors: false, uniqueKeys: false, strict: true });
  // What the parser only warns of (a tag that it does not know) would be read as something else than was meant.
  const found = [...document.errors, ...document.warnings];
  report(found, source, place, problems);
  return found.length > 0 ? undefined : { file, source, document, place };
}

/**
 * Where the nesting goes beyond the bound. Looked for in the tokens, which are made without recursion: composing them
 * recurses, and near the end of the stack V8 was seen to end the process (compiling a regular expression there).
 */
function tooDeep(tokens: Iterable<CST.Token>): number | undefined {
  let level: CST.Token[] = [...tokens];
  for (let depth = 0; level.length > 0; depth += 1) {
    const [first] = level;
    if (depth > MAX_DEPTH && first !== undefined) return first.offset;
    level = level.flatMap(below);
  }
  return undefined;
}

function below(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!('items' in token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value].filter((inner) => inner !== undefined && inner !== null));
}

/** One a line, and not the tokens that are out of place only because of what went wrong before them. */
function report(found: readonly YAMLError[], source: string, place: (offset: number) => Place, problems: Problems): void {
  const lines = new Set<number>();
  for (const { code, pos } of found) {
    const at = place(pos[0]);
    if (lines.has(at.line) || (lines.size > 0 && code === 'UNEXPECTED_TOKEN')) continue;
    lines.add(at.line);
    const before = source.slice(Math.max(source.lastIndexOf('\n', pos[0] - 1) + 1, pos[0] - 200), pos[0] + 1);
    const braces = /[{[,:]\s*[^'",]*\$\{/.test(before) ? 'inside { } and [ ] a value with ${...} must stand in quotes' : undefined;
    problems.add('error', at, [], SENTENCES[code] ?? 'this is not YAML 1.2', braces);
  }
}

/** Paths of all `${file:PATH}` in the values of a document. */
export function filesNamedIn(yaml: YamlFile): string[] {
  const paths = new Set<string>();
  visit(yaml.document, {
    Scalar(_, node) {
      if (isScalar(node) && typeof node.value === 'string') for (const path of fileReferences(node.value)) paths.add(path);
    },
  });
  return [...paths];
}
