import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CORPUS } from '../../../support/corpus.ts';
import * as packets from './packets.ts';

/** Packet tests of Eclipse Mosquitto; they stay out of this repository. */
const FOLDER = join(CORPUS, 'mqtt_packets');

export const casesMissing: string | undefined = existsSync(FOLDER) ? undefined : `skipped: no MQTT packet tests at ${FOLDER}`;

export type Step =
  | { readonly type: 'send' | 'recv'; readonly payload: string }
  | { readonly type: 'external_publish'; readonly topic: string; readonly qos: 0 | 1 | 2; readonly payload: string };

export interface PacketCase {
  readonly name: string;
  /** MQTT protocol level. */
  readonly level: number;
  /** Whether a CONNECT goes before. */
  readonly connect: boolean;
  /** Whether the server is to close the connection at the end. */
  readonly closes: boolean;
  readonly steps: readonly Step[];
}

interface Test {
  readonly name: string;
  readonly ver?: number;
  readonly connect?: boolean;
  readonly expect_disconnect?: boolean;
  readonly msgs: readonly Step[];
}

interface Group extends Omit<Test, 'msgs' | 'name'> {
  readonly group: string;
  readonly tests: readonly Test[];
}

export function packetCases(): PacketCase[] {
  if (casesMissing !== undefined) return [];
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));
  return files.flatMap((file) => {
    const groups = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Group[];
    return groups.flatMap((group) =>
      group.tests.map((test) => ({
        name: `${group.group.replaceAll(/\s+/g, ' ')}: ${test.name}`,
        level: test.ver ?? group.ver ?? 4,
        connect: test.connect ?? group.connect ?? true,
        closes: test.expect_disconnect ?? true,
        steps: test.msgs,
      })),
    );
  });
}

/** `30 r14 s5 'topic' m1 'payload'`: bytes in hexadecimal, remaining length, length of a text, text, packet id and keep-alive. */
export function bytesOf(line: string, idOf: (id: number) => number = (id) => id): Buffer {
  const words = line.match(/'[^']*'|\S+/g) ?? [];
  return Buffer.concat(
    words.map((word) => {
      const value = Number(word.slice(1));
      if (word.startsWith("'")) return Buffer.from(word.slice(1, -1));
      if (word.startsWith('r')) return packets.remainingLength(value);
      if (word.startsWith('m')) return packets.number(idOf(value));
      if (word.startsWith('s') || word.startsWith('k')) return packets.number(value);
      return Buffer.from(word, 'hex');
    }),
  );
}

/** The packet id in the words of a line. */
export function idIn(line: string): number | undefined {
  const word = /\bm(\d+)\b/.exec(line)?.[1];
  return word === undefined ? undefined : Number(word);
}
