import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Requests and answers of Erlang's port mapper (Erlang/OTP, "Distribution Protocol", chapter EPMD Protocol). */
const ALIVE2_REQ = 120;
const ALIVE2_X_RESP = 118;
const PORT_PLEASE2_REQ = 122;
const PORT2_RESP = 119;
const NAMES_REQ = 110;
/** Longer requests are none: a name has at most 255 bytes. */
const MOST_BYTES = 2048;

/**
 * Stands in for `epmd` of one Erlang node: what the node asks for a peer, it is told the port of a proxy of ours. So the
 * network between the nodes of a cluster on one machine can be broken for each pair, without any right on the system.
 */
export class PortMapper {
  private readonly peers: ReadonlyMap<string, number>;
  private readonly registered: Map<string, number>;
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  private creation = 1;

  private constructor(peers: ReadonlyMap<string, number>, registered: Map<string, number>) {
    this.peers = peers;
    this.registered = registered;
    this.server = createServer((socket) => this.serve(socket));
  }

  /**
   * `peers`: names before the `@`, and where they are to be found. `registered`: names that have registered with this mapper or
   * one that shares the table, for as long as their connections live: `rabbitmqctl` is answered by every node.
   */
  static async start(port: number, peers: ReadonlyMap<string, number>, registered = new Map<string, number>()): Promise<PortMapper> {
    const mapper = new PortMapper(peers, registered);
    await new Promise<void>((resolve, reject) => {
      mapper.server.once('error', reject);
      mapper.server.listen(port, '127.0.0.1', resolve);
    });
    return mapper;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.sockets.delete(socket));
    let seen = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      seen = Buffer.concat([seen, chunk]);
      const length = seen.length < 2 ? undefined : seen.readUInt16BE(0);
      if (seen.length > MOST_BYTES) socket.destroy();
      if (length === undefined || seen.length < 2 + length) return;
      const request = seen.subarray(2, 2 + length);
      seen = seen.subarray(2 + length);
      this.answer(socket, request);
    });
  }

  private answer(socket: Socket, request: Buffer): void {
    const type = request[0];
    if (type === ALIVE2_REQ && request.length >= 11) this.register(socket, request);
    else if (type === PORT_PLEASE2_REQ) socket.end(this.portOf(request.toString('latin1', 1)));
    else if (type === NAMES_REQ) {
      const head = Buffer.alloc(4);
      head.writeUInt32BE(this.port);
      const lines = [...this.registered].map(([name, port]) => `name ${name} at port ${port}\n`);
      socket.end(Buffer.concat([head, Buffer.from(lines.join(''), 'latin1')]));
    } else socket.destroy();
  }

  /** The connection is the registration. */
  private register(socket: Socket, request: Buffer): void {
    const port = request.readUInt16BE(1);
    const name = request.toString('latin1', 11, 11 + request.readUInt16BE(9));
    this.registered.set(name, port);
    socket.once('close', () => {
      if (this.registered.get(name) === port) this.registered.delete(name);
    });
    this.creation += 1;
    const reply = Buffer.alloc(6);
    reply[0] = ALIVE2_X_RESP;
    reply.writeUInt32BE(this.creation, 2);
    socket.write(reply);
  }

  private portOf(name: string): Buffer {
    // A peer goes before all: a tool that runs beside the node registers too, but never under a node's name.
    const port = this.peers.get(name) ?? this.registered.get(name);
    if (port === undefined) return Buffer.from([PORT2_RESP, 1]);
    const reply = Buffer.alloc(14 + Buffer.byteLength(name, 'latin1'));
    reply[0] = PORT2_RESP;
    reply.writeUInt16BE(port, 2);
    // A normal Erlang node over TCP/IPv4, distribution versions 5 to 6.
    reply[4] = 77;
    reply.writeUInt16BE(6, 6);
    reply.writeUInt16BE(5, 8);
    reply.writeUInt16BE(name.length, 10);
    reply.write(name, 12, 'latin1');
    return reply;
  }
}
