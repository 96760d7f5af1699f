/** What aedes hands to its persistence and takes from it; of its objects no more than is used here. */
export type Qos = 0 | 1 | 2;

export interface ClientRef {
  readonly id: string;
  /** The session ends with the connection. */
  readonly clean?: boolean;
  /** Its connection has ended. */
  readonly closed?: boolean;
}

export interface SubscriptionRef {
  readonly topic: string;
  readonly qos: Qos;
  readonly rh?: number | undefined;
  readonly rap?: boolean | undefined;
  readonly nl?: boolean | undefined;
}

/** A PUBLISH or PUBREL on its way to a client. aedes writes what stands in it after `outgoingUpdate` has answered. */
export interface OutgoingPacket {
  readonly cmd?: string;
  readonly brokerId?: string;
  readonly brokerCounter?: number;
  readonly topic?: string;
  readonly payload?: Buffer | string;
  qos?: Qos;
  readonly retain?: boolean;
  readonly dup?: boolean;
  messageId?: number | undefined;
}

export interface PublishedPacket {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos?: Qos;
  readonly retain?: boolean;
  readonly brokerId?: string;
  readonly brokerCounter?: number;
}

/** A will, with which broker and client it came. */
export interface WillPacket extends PublishedPacket {
  brokerId?: string;
  clientId?: string;
}

export function bytesOf(payload: Buffer | string): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : payload;
}
