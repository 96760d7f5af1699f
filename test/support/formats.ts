import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultCodecs, detachedEnvironment } from '../../src/codec/registry.ts';
import type { Decoder, DecodeOutcome } from '../../src/pipeline/trial-decoder.ts';
import type { Document } from '../../src/domain/payload-path.ts';
import { DEFAULT_LIMITS } from '../../src/domain/profile.ts';
import type { Reading } from '../../src/domain/reading.ts';
import { CORPUS } from './corpus.ts';

type Numeric = number | bigint;

/** One message of the corpus with what its source says it means. */
export interface Case {
  readonly name: string;
  readonly topic: string | undefined;
  readonly profile: string | undefined;
  readonly body: Buffer;
  /** Numbers that the source's own decoder finds. */
  readonly expected: readonly Numeric[] | undefined;
  /** The source says that the payload is ill-formed. */
  readonly illFormed: boolean;
  /** The source says that it is well-formed and holds nothing. */
  readonly empty?: boolean;
  /** How the bytes of the device inside it are laid out. */
  readonly layout?: string | undefined;
}

export interface Format {
  readonly name: string;
  /** Folders of the corpus. */
  readonly folders: readonly string[];
  readonly profile: string;
  /** Topics and payloads that are no telemetry: presence, commands, configuration, discovery. */
  readonly aside?: (one: Case) => boolean;
  /** The measured numbers of a payload; all that it holds where this is absent. */
  readonly numbers?: (document: Document) => Numeric[];
  /** Cases that are not counted, with the reason. */
  readonly exceptions?: Readonly<Record<string, string>>;
  /** Cases of which some expected numbers are not to be found, with the reason. */
  readonly unfound?: Readonly<Record<string, string>>;
}

export interface Tally {
  readonly messages: number;
  readonly readings: number;
  readonly filtered: number;
  readonly deadLettered: number;
  readonly telemetry: number;
  /** Telemetry messages that became readings with every number of the payload. */
  readonly whole: number;
  readonly numbers: number;
  readonly numbersFound: number;
  readonly expected: number;
  readonly expectedFound: number;
  /** Numbers that are not to be found, by reason. */
  readonly unfound: ReadonlyMap<string, number>;
  /** `NAME: what is wrong`, of messages that no exception names. */
  readonly failures: readonly string[];
}

interface Line {
  readonly topic?: string;
  readonly payload?: string;
  readonly payload_b64?: string;
  readonly payload_file?: string;
  readonly expect?: unknown;
  readonly expect_file?: string;
}

const json = defaultCodecs().get('json')?.create({}, detachedEnvironment('test'));

/** The payload as JSON with exact integers; undefined where it is none. */
export function documentOf(body: Buffer): Document | undefined {
  const read = json?.decode(body, { ...DEFAULT_LIMITS, messageBytes: 1e9, fields: 1e6 }, { topic: '', receivedAt: 0 });
  return read?.ok === true ? read.value.document : undefined;
}

export function numbersIn(node: unknown): Numeric[] {
  if (typeof node === 'number' || typeof node === 'bigint') return [node];
  if (typeof node !== 'object' || node === null) return [];
  return Object.values(node).flatMap(numbersIn);
}

function listCases(folder: string): Case[] {
  const base = join(CORPUS, folder);
  const lines = readFileSync(join(base, 'messages.jsonl'), 'utf8').trim().split('\n');
  return lines.map((text, i): Case => {
    const line = JSON.parse(text) as Line;
    let body: Buffer;
    if (line.payload !== undefined) body = Buffer.from(line.payload);
    else if (line.payload_b64 !== undefined) body = Buffer.from(line.payload_b64, 'base64');
    else body = readFileSync(join(base, line.payload_file ?? ''));
    const expected = line.expect_file === undefined ? line.expect : documentOf(readFileSync(join(base, line.expect_file)));
    const layout = line.payload_file === undefined ? undefined : layoutOf(dirname(line.payload_file));
    return { name: `${folder}:${i + 1}`, topic: line.topic, profile: undefined, body, expected: telemetryNumbers(expected), illFormed: false, layout };
  });
}

/** A converter's result has attributes beside the telemetry; the numbers that were measured are under `values`. */
function telemetryNumbers(expected: unknown): Numeric[] | undefined {
  if (expected === undefined) return undefined;
  const results = Array.isArray(expected) ? (expected as unknown[]) : [expected];
  const values = results.flatMap((result) => {
    const { telemetry } = (result ?? {}) as { telemetry?: unknown };
    return telemetry === undefined ? [] : (Array.isArray(telemetry) ? telemetry : [telemetry]).map((each) => (each as { values?: unknown }).values ?? each);
  });
  return numbersIn(values.length === 0 ? expected : values);
}

/** Folder of a device in the corpus -> layout. */
const LAYOUTS: Readonly<Record<string, string>> = {
  Bosch_Parking_Lot_Sensor: 'bosch-parking-lot',
  Elsys_ERS2: 'elsys',
  Elsys_ERS2_CO2_Lite: 'elsys',
  Elsys_ERS2_Sound: 'elsys',
  Milesight_AM102: 'milesight-am102',
  Milesight_AM103: 'milesight-am103',
  Milesight_AM104: 'milesight',
  Milesight_AM307: 'milesight-am307',
  Netvox_R311A: 'netvox',
  Netvox_R718A: 'netvox',
  Netvox_R718DA: 'netvox',
  Netvox_R718H: 'netvox',
  Nwave_G4_NCC_FM: 'nwave-counter',
  Nwave_G4_NPS_FM: 'nwave-parking',
  SensiEDGE_SensiLora2_0: 'sensiedge-sensilora2',
  Tektelic_Aura: 'tektelic-aura',
  Tektelic_Comfort: 'tektelic-comfort',
  Tektelic_Kiwi: 'tektelic-agriculture',
  Yobiiq_EM2101: 'yobiiq-em2101',
  Yobiiq_RM200: 'yobiiq-rm200',
};

function layoutOf(device: string): string | undefined {
  return device.startsWith('Decentlab_') ? device.slice('Decentlab_'.length).replace(/^DL-/, 'decentlab-dl-').toLowerCase() : LAYOUTS[device];
}

export function layoutsOf(formats: readonly Format[]): Set<string> {
  return new Set(formats.flatMap(casesOf).flatMap(({ layout }) => (layout === undefined ? [] : [layout])));
}

/** Folders of payload*.json and result*.json, one a device. */
function pairCases(folder: string, profile: string): Case[] {
  const base = join(CORPUS, folder);
  return readdirSync(base).flatMap((device) =>
    readdirSync(join(base, device))
      .filter((file) => /^payload.*\.json$/.test(file))
      .sort()
      .map((file): Case => {
        const result = join(base, device, file.replace('payload', 'result'));
        const expected = existsSync(result) ? telemetryNumbers(documentOf(readFileSync(result))) : undefined;
        const body = readFileSync(join(base, device, file));
        return { name: `${folder}/${device}/${file}`, topic: undefined, profile, body, expected, illFormed: false, layout: layoutOf(device) };
      }),
  );
}

function milesightCases(): Case[] {
  const lines = readFileSync(join(CORPUS, 'milesight/examples.jsonl'), 'utf8').trim().split('\n');
  return lines.map((text, i): Case => {
    const line = JSON.parse(text) as { device: string; f_port: number; payload_hex: string; expect: unknown };
    // As the vendor's gateway hands it on when no payload codec is set up for the device.
    const uplink = { devEUI: '24E124136B502217', deviceName: line.device, fPort: line.f_port, data: Buffer.from(line.payload_hex, 'hex').toString('base64') };
    return {
      name: `milesight:${i + 1}`,
      topic: undefined,
      profile: 'milesight',
      body: Buffer.from(JSON.stringify(uplink)),
      expected: numbersIn(line.expect),
      illFormed: false,
    };
  });
}

function fileCases(folder: string, profile: string, wanted: RegExp, expectation: (file: string) => string | undefined): Case[] {
  const base = join(CORPUS, folder);
  return readdirSync(base)
    .filter((file) => wanted.test(file))
    .sort()
    .map((file): Case => {
      const text = readFileSync(join(base, file));
      const body = file.endsWith('.hex') ? Buffer.from(text.toString('latin1').trim(), 'hex') : text;
      const other = expectation(file);
      const expected = other !== undefined && existsSync(join(base, other)) ? numbersIn(documentOf(readFileSync(join(base, other)))) : undefined;
      return { name: `${folder}/${file}`, topic: undefined, profile, body, expected, illFormed: false };
    });
}

/** The resolved records of a SenML example, which are what it means. Of the LwM2M files there are none. */
function resolvedFile(file: string): string | undefined {
  const [, example] = /^(ex\d+)\./.exec(file) ?? [];
  return example === undefined ? undefined : `${example}.gen.resolved.json`;
}

function lineCases(): Case[] {
  const lines = readFileSync(join(CORPUS, 'line_protocol/decode.jsonl'), 'utf8').trim().split('\n');
  return lines.map((text, i): Case => {
    const { input, output } = documentOf(Buffer.from(text)) as {
      input: { text: string | { readonly binary: string } };
      output: { error?: string; result?: readonly { fields: unknown }[] };
    };
    const expected = output.result === undefined ? undefined : numbersIn(output.result.map((point) => point.fields));
    return {
      name: `line_protocol:${i + 1}`,
      topic: undefined,
      profile: 'line-protocol',
      body: typeof input.text === 'string' ? Buffer.from(input.text) : Buffer.from(input.text.binary, 'base64'),
      expected,
      illFormed: output.error !== undefined,
      empty: output.result?.length === 0,
    };
  });
}

export function casesOf(format: Format): Case[] {
  return format.folders.flatMap((folder) => {
    if (folder === 'loriot' || folder === 'actility_thingpark') return pairCases(folder, format.profile);
    if (folder === 'milesight') return milesightCases();
    if (folder === 'opcua_pubsub') return fileCases(folder, format.profile, /\.json$/, () => undefined);
    if (folder === 'senml') return fileCases(folder, format.profile, /^(?!absmach|.*(?:resolved|wrap)\.).*\.(?:json|cbor)$/, resolvedFile);
    if (folder === 'line_protocol') return lineCases();
    return listCases(folder);
  });
}

/** Everything numeric that the readings say, times included. */
function saidBy(readings: readonly Reading[]): Set<Numeric | string> {
  const said = new Set<Numeric | string>();
  for (const { values, tags, measuredAt, device } of readings) {
    for (const value of Object.values(values)) said.add(typeof value === 'number' ? Number(value.toPrecision(15)) : (value as Numeric | string));
    for (const text of Object.values(tags ?? {})) said.add(text);
    said.add(device);
    said.add(measuredAt);
    said.add(measuredAt / 1000);
    said.add(Math.floor(measuredAt / 1000));
  }
  return said;
}

function isSaid(number: Numeric, said: ReadonlySet<Numeric | string>): boolean {
  const exact = typeof number === 'number' ? Number(number.toPrecision(15)) : number;
  if (said.has(exact) || said.has(String(number)) || (typeof number === 'bigint' && said.has(Number(number)))) return true;
  // A time in finer units than milliseconds.
  return typeof number === 'number' && [...said].some((each) => typeof each === 'number' && Math.abs(each - number) <= Math.abs(number) * 1e-12);
}

export function tally(format: Format, decoderFor: (layout: string | undefined) => Decoder, receivedAt: number): Tally {
  const counts = { messages: 0, readings: 0, filtered: 0, deadLettered: 0, telemetry: 0, whole: 0, numbers: 0, numbersFound: 0, expected: 0, expectedFound: 0 };
  const failures: string[] = [];
  const unfound = new Map<string, number>();
  for (const one of casesOf(format)) {
    const excused = format.exceptions?.[one.name] !== undefined;
    const input = { topic: one.topic, profile: one.profile, contentEncoding: undefined, body: one.body, receivedAt };
    const outcome: DecodeOutcome = decoderFor(one.layout).decode(input);
    counts.messages += 1;
    counts.readings += outcome.readings.length;
    if (outcome.outcome === 'filtered') counts.filtered += 1;
    if (outcome.outcome === 'dead-lettered') counts.deadLettered += 1;
    const fail = (what: string): void => {
      if (!excused) failures.push(`${one.name}: ${what} (${outcome.outcome} ${outcome.code ?? ''} ${outcome.message ?? ''})`);
    };
    const aside = one.empty === true || (format.aside?.(one) ?? false);
    if (one.illFormed) {
      if (outcome.outcome === 'readings') fail('is ill-formed and was read');
      continue;
    }
    if (aside) {
      if (outcome.outcome !== 'filtered') fail('is no telemetry and was not filtered');
      continue;
    }
    if (outcome.outcome === 'filtered') fail('is telemetry and was filtered');
    const said = saidBy(outcome.readings);
    const document = documentOf(one.body);
    const text = one.body.toString('utf8').trim();
    const malformed = document === undefined && /^[[{]/.test(text);
    if (!malformed) {
      const numbers = document === undefined ? [] : (format.numbers ?? numbersIn)(document);
      const found = numbers.filter((number) => isSaid(number, said));
      if (!excused) counts.telemetry += 1;
      counts.numbers += numbers.length;
      counts.numbersFound += found.length;
      if (outcome.outcome === 'readings' && found.length === numbers.length) counts.whole += excused ? 0 : 1;
      else
        fail(
          `lacks ${numbers
            .filter((number) => !isSaid(number, said))
            .slice(0, 5)
            .join(', ')}`,
        );
    }
    if (one.expected !== undefined) {
      const missing = one.expected.filter((number) => !isSaid(number, said));
      if (excused) continue;
      counts.expected += one.expected.length;
      counts.expectedFound += one.expected.length - missing.length;
      const reason = format.unfound?.[one.name];
      if (missing.length > 0 && reason === undefined) fail(`expected ${missing.slice(0, 5).join(', ')}`);
      if (missing.length === 0 && reason !== undefined) fail('has all that is expected: it is listed for nothing');
      if (reason !== undefined) unfound.set(reason, (unfound.get(reason) ?? 0) + missing.length);
    }
  }
  return { ...counts, failures, unfound };
}
