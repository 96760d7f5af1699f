import path from 'node:path';
import type { EpochMs } from '../domain/message.ts';
import { isoInstant } from '../domain/instant.ts';
import { Checker } from '../settings/check-value.ts';
import { openYaml } from '../settings/open.ts';
import { type Path, type Place, Places, type Problem, Problems } from '../settings/problem.ts';
import { CasesSchema, type Expectation, type RawCase, type RawCases, type RawMessage } from '../settings/schema/cases.ts';
import { shapeOf } from '../settings/shape.ts';
import { readPayload, uncoded } from './decode-input.ts';

export interface CaseMessage {
  readonly topic: string | undefined;
  readonly profile: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly body: Buffer;
  /** Undefined: now. */
  readonly received: EpochMs | undefined;
}

/** One test of a file. */
export interface Case {
  readonly name: string;
  readonly given: readonly CaseMessage[];
  readonly message: CaseMessage;
  readonly expect: Expectation;
  /** Where a part of it stands: `['expect', 'readings', 0, 'values', 'a']`. */
  readonly place: (at: Path) => Place;
}

export type LoadedCases =
  | { readonly ok: true; readonly settings: string | undefined; readonly cases: readonly Case[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What a test may name of the settings. */
export interface KnownNames {
  readonly profiles: readonly string[];
  readonly routes: readonly string[];
}

/** Reads and checks a file of tests. All problems at once, with line and column; never rejects for what a file holds. */
export async function loadCases(file: string): Promise<LoadedCases> {
  const problems = new Problems();
  const top: Place = { file, line: 1, column: 1 };
  const places = new Places(top);
  const opened = await openYaml(file, file, {}, problems, { at: [], place: top });
  const raw =
    opened === undefined
      ? undefined
      : (new Checker(opened.yaml, opened.sources, places, problems).check(shapeOf(CasesSchema), opened.yaml.document.contents, []) as RawCases | undefined);
  const folder = path.dirname(file);
  const cases: Case[] = [];
  for (const [i, one] of (problems.failed ? [] : (raw?.tests ?? [])).entries()) cases.push(await caseOf(one, ['tests', i], { folder, places, problems }));
  if (raw === undefined || problems.failed) return { ok: false, problems: problems.list([file]) };
  return { ok: true, settings: raw.settings === undefined ? undefined : path.join(folder, raw.settings), cases };
}

/** What the tests name and the settings do not have. */
export function unknownNames(cases: readonly Case[], known: KnownNames): Problem[] {
  const problems = new Problems();
  for (const { name, given, message, expect, place } of cases) {
    const look = (what: 'profile' | 'route', at: Path, named: string | undefined): void => {
      const names = what === 'profile' ? known.profiles : known.routes;
      if (named === undefined || names.includes(named)) return;
      problems.add(
        'error',
        place(at),
        at,
        `test "${name}": the settings have no ${what} "${named}"`,
        names.length > 20 ? undefined : `they have ${names.join(', ')}`,
      );
    };
    given.forEach(({ profile }, i) => look('profile', ['given', i, 'profile'], profile));
    look('profile', ['profile'], message.profile);
    look('profile', ['expect', 'profile'], expect.profile);
    for (const [i, { profile, routes = [] }] of (expect.readings ?? []).entries()) {
      look('profile', ['expect', 'readings', i, 'profile'], profile);
      routes.forEach((route, j) => look('route', ['expect', 'readings', i, 'routes', j], route));
    }
  }
  return problems.list([]);
}

interface Around {
  readonly folder: string;
  readonly places: Places;
  readonly problems: Problems;
}

async function caseOf(raw: RawCase, at: Path, around: Around): Promise<Case> {
  const given: CaseMessage[] = [];
  for (const [i, message] of (raw.given ?? []).entries()) given.push(await messageOf(message, [...at, 'given', i], around));
  const message = await messageOf(raw, at, around);
  checkExpectation(raw.expect, [...at, 'expect'], around);
  return { name: raw.name, given, message, expect: raw.expect, place: (inner) => around.places.of([...at, ...inner]) };
}

async function messageOf(raw: RawMessage, at: Path, { folder, places, problems }: Around): Promise<CaseMessage> {
  const wrong = (key: readonly string[], message: string, hint?: string): void =>
    problems.add('error', places.of([...at, ...key]), [...at, ...key], message, hint);
  if (raw.topic === undefined && raw.profile === undefined) wrong([], 'a `topic` is needed, or a `profile` to make one up for');
  const given = (['payload', 'payloadHex', 'payloadBase64', 'payloadFile'] as const).filter((key) => raw[key] !== undefined);
  const [key] = given;
  let body: Buffer = Buffer.alloc(0);
  if (key === undefined || given.length > 1) {
    wrong([], `one of \`payload\`, \`payloadHex\`, \`payloadBase64\` and \`payloadFile\` is needed, not ${given.length}`, 'an empty payload is `payload: ""`');
  } else {
    const text = raw[key] ?? '';
    const found = key === 'payloadFile' ? await readPayload(path.resolve(folder, text)) : uncoded(Buffer.from(text), CODINGS[key]);
    if (found === undefined) wrong([key], `this is not ${CODINGS[key as keyof typeof CODINGS]}`);
    else if (typeof found === 'string') wrong([key], `cannot read it: ${found}`);
    else body = found;
  }
  const { topic, profile, contentEncoding } = raw;
  return { topic, profile, contentEncoding, body, received: instant(raw.received, () => wrong(['received'], NO_INSTANT)) };
}

const CODINGS = { payload: 'raw', payloadHex: 'hex', payloadBase64: 'base64' } as const;
const NO_INSTANT = 'must be a time in ISO 8601 with its zone, such as 2026-03-01T12:00:00Z';

function instant(text: string | undefined, wrong: () => void): EpochMs | undefined {
  if (text === undefined) return undefined;
  const at = isoInstant(text);
  if (at === undefined) wrong();
  return at;
}

/** A test that cannot fail, or cannot pass, is a mistake of whoever wrote it. */
function checkExpectation(expect: Expectation, at: Path, { places, problems }: Around): void {
  const wrong = (inner: Path, message: string): void => problems.add('error', places.of([...at, ...inner]), [...at, ...inner], message);
  const { outcome, code, message, readings } = expect;
  if (Object.keys(expect).length === 0) wrong([], 'nothing is expected');
  if (readings !== undefined && outcome !== undefined && outcome !== 'readings') wrong(['readings'], `a message that is ${outcome} has no readings`);
  if (readings?.length === 0) wrong(['readings'], 'a message without readings is filtered or dead-lettered: say so with `outcome` or `code`');
  if ((code !== undefined || message !== undefined) && (readings !== undefined || outcome === 'readings'))
    wrong(['code'], 'only what is filtered or dead-lettered has a code or a message');
  for (const [i, reading] of (readings ?? []).entries()) {
    if (reading.measuredAt !== undefined && isoInstant(reading.measuredAt) === undefined) wrong(['readings', i, 'measuredAt'], NO_INSTANT);
  }
}
