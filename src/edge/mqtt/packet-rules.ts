import { isFilter } from './text-rules.ts';

/** What the parser makes of a packet; the fields that are looked at here. */
export interface ParsedPacket {
  readonly cmd: string;
  readonly topic?: string;
  readonly messageId?: number | null;
  /** Of a PUBLISH. */
  payload?: Buffer;
  readonly subscriptions?: readonly { readonly topic: string }[];
  readonly unsubscriptions?: readonly string[];
  /** Remaining length. */
  readonly length: number;
  readonly qos: 0 | 1 | 2;
}

/** Faults in well-framed packets that neither the parser nor aedes refuses; undefined where there is none. */
export function packetFault(packet: ParsedPacket): string | undefined {
  switch (packet.cmd) {
    case 'publish':
      return packet.qos > 0 && packet.messageId === 0 ? 'packet identifier 0 (MQTT-2.3.1-1)' : undefined;
    case 'subscribe':
      return noId(packet) ?? filtersFault(packet.subscriptions?.map(({ topic }) => topic));
    case 'unsubscribe':
      return noId(packet) ?? filtersFault(packet.unsubscriptions);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return noId(packet);
    default:
      return undefined;
  }
}

function noId(packet: ParsedPacket): string | undefined {
  // The parser writes -1 where there are not enough bytes.
  return packet.messageId === undefined || packet.messageId === null || packet.messageId < 1 ? 'no packet identifier (MQTT-2.3.1-1)' : undefined;
}

function filtersFault(filters: readonly string[] | undefined): string | undefined {
  if (filters === undefined || filters.length === 0) return 'no topic filter (MQTT-3.8.3-3)';
  return filters.every(isFilter) ? undefined : 'a topic filter that is not well-formed (MQTT-4.7.1)';
}

interface ParsedConnect {
  readonly protocolVersion?: number;
  readonly clean?: boolean;
  readonly clientId: string;
  readonly username?: string | undefined;
  readonly password?: Buffer | string | undefined;
  readonly will?: { readonly topic: string; readonly payload: Buffer | string; readonly qos?: number };
  readonly length?: number;
}

/** Bytes of a CONNECT that its fields do not account for. The parser reads past the end of none, but stops before it too. */
export function connectFault(packet: ParsedConnect): string | undefined {
  if (packet.username === undefined && packet.password !== undefined) return 'a password without a user name (MQTT-3.1.2-22)';
  if ((packet.will?.qos ?? 0) > 2) return 'a will of quality of service 3 (MQTT-3.1.2-14)';
  const head = packet.protocolVersion === 3 ? 12 : 10;
  const texts = [packet.clientId, packet.will?.topic, packet.will?.payload, packet.username, packet.password];
  const used = texts.reduce((sum, text) => sum + (text === undefined ? 0 : 2 + Buffer.byteLength(text)), head);
  // Texts with bytes that are no UTF-8 grow when they are read, and are refused as such.
  return packet.length !== undefined && used < packet.length ? `${packet.length - used} bytes after its end` : undefined;
}
