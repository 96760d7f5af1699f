import type { KeptMessage } from '../domain/kept-message.ts';
import { RECEIVED_AT_HEADER } from '../domain/message.ts';
import { writeUint32, writeUint64 } from './wire/frames.ts';

/** What the MQTT plugin of this broker version writes into the headers of what devices publish. */
export interface PluginHeaders {
  readonly qos: boolean;
  readonly dup: boolean;
}

/** Up to 3.11 both; 3.12 the quality of service alone; from 3.13 neither (read in RabbitMQ's sources, v3.10.25, v3.13.7). An unknown version writes neither. */
export function pluginHeadersOf(version: string): PluginHeaders {
  const [major, minor] = version.split('.').map(Number);
  if (major === undefined || minor === undefined || Number.isNaN(major) || Number.isNaN(minor)) return { qos: false, dup: false };
  const older = (m: number): boolean => major < 3 || (major === 3 && minor < m);
  return { qos: older(13), dup: older(12) };
}

/** The delivery mode that the plugin gives: what is QoS 0 need not outlive the broker. */
export function pluginDeliveryMode({ qos }: Pick<KeptMessage, 'qos'>): 1 | 2 {
  return qos === 0 ? 1 : 2;
}

/**
 * The header tables that the broker's own MQTT plugin would give messages, encoded (AMQP 0-9-1, 4.2.5.5), so that who consumes cannot
 * tell the two ways apart. QoS 2 is the plugin's QoS 1. A late message says in addition when it was received.
 */
export class PluginTables {
  private readonly tables: readonly Buffer[];
  /** Each ends with the time, which is written anew for each message. */
  private readonly lateTables: readonly Buffer[];

  constructor(writes: PluginHeaders) {
    const kinds = [0, 1, 2, 3].map((kind) => [
      ...(writes.qos ? [int8('x-mqtt-publish-qos', kind & 1)] : []),
      ...(writes.dup ? [boolean('x-mqtt-dup', kind > 1)] : []),
    ]);
    this.tables = kinds.map(table);
    this.lateTables = kinds.map((fields) => table([...fields, int64(RECEIVED_AT_HEADER)]));
  }

  /** Valid until it is called again. */
  of({ qos, dup, receivedAt }: Pick<KeptMessage, 'qos' | 'dup' | 'receivedAt'>, late: boolean): Uint8Array {
    const kind = Math.min(qos, 1) + (dup ? 2 : 0);
    const found = (late ? this.lateTables : this.tables)[kind] as Buffer;
    if (late) writeUint64(found, receivedAt, found.length - 8);
    return found;
  }
}

function table(fields: readonly Buffer[]): Buffer {
  const all = Buffer.concat([Buffer.alloc(4), ...fields]);
  writeUint32(all, all.length - 4, 0);
  return all;
}

function int8(name: string, value: number): Buffer {
  return field(name, 'b', Buffer.from([value]));
}

function boolean(name: string, value: boolean): Buffer {
  return field(name, 't', Buffer.from([value ? 1 : 0]));
}

function int64(name: string): Buffer {
  return field(name, 'l', Buffer.alloc(8));
}

function field(name: string, type: string, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name + type, 'latin1'), value]);
}
