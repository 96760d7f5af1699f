import { connect, type Socket } from 'node:net';
import type { Histogram } from '../../../devices/histogram.ts';
import { type Credentials, CONNACK, connectPacket, PINGREQ, PINGRESP, PUBACK, publishPacket } from './packets.ts';
import { patchStamp } from './stamp.ts';

export interface ClientOptions {
  readonly host: string;
  readonly port: number;
  /** Loopback address that it connects from: one has about 28,000 ports. */
  readonly from?: string | undefined;
  readonly credentials: Credentials | undefined;
  readonly clientId: string;
  readonly keepAliveSeconds: number;
  /** Its number among all clients of a run. */
  readonly index: number;
  readonly topics: readonly string[];
  /** Most messages without an acknowledgement. */
  readonly window: number;
  readonly payloadBytes: number;
  /** Called for whatever must not happen; the connection is of no use then. */
  readonly onTrouble: (what: string) => void;
  /** Acknowledgements have come in. */
  readonly onAcked: (client: LoadClient) => void;
}

/** What one read of any client goes into: it is looked at before the next read. */
const READ = Buffer.alloc(65_536);
const now = (): number => performance.timeOrigin + performance.now();

/**
 * One publisher. Each place of its window has a packet of its own, encoded once, with the packet id of the place; a message costs a new
 * number and time in it, and its share of one write for all that go at once. A place is free again with its PUBACK, so what a socket
 * has not taken yet is never written over.
 */
export class LoadClient {
  published = 0;
  acked = 0;
  /** Where latencies go now. */
  histogram: Histogram | undefined = undefined;
  private readonly options: ClientOptions;
  private readonly packets: Buffer;
  private readonly packetBytes: number;
  private readonly stampAt: number;
  /** When the message in this place was due; 0: the place is free. */
  private readonly dueAt: Float64Array;
  /** Free places, oldest first: as many as `free` from `head` on. */
  private readonly places: Uint16Array;
  private head = 0;
  private free: number;
  private socket: Socket | undefined;
  private connacked: (() => void) | undefined;
  private readonly left: number[] = [];
  private ended = false;

  constructor(options: ClientOptions) {
    this.options = options;
    const { window, topics, index, payloadBytes } = options;
    const packets = Array.from({ length: window }, (_, i) => publishPacket(topics[i % topics.length] as string, i + 1, index, payloadBytes));
    this.packetBytes = packets[0]?.bytes.length ?? 0;
    this.stampAt = packets[0]?.stampAt ?? 0;
    if (packets.some(({ bytes }) => bytes.length !== this.packetBytes)) throw new Error('topics of different lengths');
    this.packets = Buffer.concat(packets.map(({ bytes }) => bytes));
    this.dueAt = new Float64Array(window);
    this.places = Uint16Array.from({ length: window }, (_, i) => i);
    this.free = window;
  }

  get room(): number {
    return this.free;
  }

  /** Resolves with its CONNACK. */
  async connect(deadlineMs: number): Promise<void> {
    const { host, port, from, clientId, keepAliveSeconds, credentials, onTrouble } = this.options;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${clientId}: no CONNACK within ${deadlineMs} ms`)), deadlineMs);
      this.connacked = () => {
        clearTimeout(timer);
        resolve();
      };
      const failed = (what: string): void => {
        clearTimeout(timer);
        reject(new Error(`${clientId}: ${what}`));
        if (!this.ended) onTrouble(`${clientId}: ${what}`);
      };
      const socket = connect({
        host,
        port,
        noDelay: true,
        onread: { buffer: READ, callback: (bytes) => this.read(READ, bytes) },
        ...(from === undefined ? {} : { localAddress: from }),
      });
      this.socket = socket;
      socket.on('error', (error) => failed(error.message));
      socket.on('close', () => failed('the connection was closed'));
      socket.write(connectPacket(clientId, keepAliveSeconds, credentials));
    });
  }

  /** So many messages at most, as the window allows; answers how many. `due(i)`: when the i-th was due, in milliseconds since 1970. */
  publish(most: number, due: (i: number) => number): number {
    const { places, dueAt, packets, packetBytes, stampAt, socket } = this;
    const window = places.length;
    const count = Math.min(most, this.free);
    if (count === 0 || socket === undefined) return 0;
    let first = places[this.head] as number;
    let last = first - 1;
    if (count > 1) socket.cork();
    for (let i = 0; i < count; i += 1) {
      const place = places[this.head] as number;
      this.head = this.head + 1 === window ? 0 : this.head + 1;
      const at = due(i);
      dueAt[place] = at;
      patchStamp(packets, place * packetBytes + stampAt, this.published, at);
      this.published += 1;
      if (place !== last + 1) {
        socket.write(packets.subarray(first * packetBytes, (last + 1) * packetBytes));
        first = place;
      }
      last = place;
    }
    this.free -= count;
    socket.write(packets.subarray(first * packetBytes, (last + 1) * packetBytes));
    if (count > 1) socket.uncork();
    return count;
  }

  ping(): void {
    this.socket?.write(PINGREQ);
  }

  close(): void {
    this.ended = true;
    this.socket?.destroy();
  }

  private read(bytes: Buffer, length: number): boolean {
    const { left } = this;
    const at = now();
    let i = 0;
    let acks = 0;
    // The rest of a packet that the last read had the beginning of. All that comes has at most four bytes.
    while (left.length > 0 && i < length) {
      left.push(bytes[i] as number);
      i += 1;
      if (left.length < 2 || left.length < 2 + (left[1] as number)) continue;
      acks += this.packet(left[0] as number, ((left[2] ?? 0) << 8) | (left[3] ?? 0), at);
      left.length = 0;
    }
    while (i < length) {
      const size = i + 1 < length ? 2 + (bytes[i + 1] as number) : 3;
      if (i + size > length) {
        for (; i < length; i += 1) left.push(bytes[i] as number);
        break;
      }
      acks += this.packet(bytes[i] as number, size === 4 ? ((bytes[i + 2] as number) << 8) | (bytes[i + 3] as number) : 0, at);
      i += size;
    }
    if (acks > 0) this.options.onAcked(this);
    return true;
  }

  /** Answers whether it was the acknowledgement of a message. */
  private packet(type: number, value: number, at: number): 0 | 1 {
    if (type === PUBACK) {
      const place = value - 1;
      const due = this.dueAt[place];
      if (due === undefined || due === 0) {
        this.options.onTrouble(`${this.options.clientId}: a PUBACK for ${value}, which waits for none`);
        return 0;
      }
      this.dueAt[place] = 0;
      const window = this.places.length;
      const tail = this.head + this.free;
      this.places[tail < window ? tail : tail - window] = place;
      this.free += 1;
      this.acked += 1;
      this.histogram?.record(at - due);
      return 1;
    }
    if (type === CONNACK && (value & 255) === 0) this.connacked?.();
    else if (type !== PINGRESP)
      this.options.onTrouble(`${this.options.clientId}: packet ${type.toString(16)} ${value} (CONNACK other than 0, or nothing that a publisher gets)`);
    return 0;
  }
}
