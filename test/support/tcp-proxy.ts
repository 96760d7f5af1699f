import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP proxy on 127.0.0.1 that can stall and cut, to make the network failures that AMQP clients meet. */
export class TcpProxy {
  private readonly target: { readonly host: string; readonly port: number };
  private readonly pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
  private readonly listener: Server;
  private stalled = { up: false, down: false };

  private constructor(target: { host: string; port: number }) {
    this.target = target;
    this.listener = createServer({ allowHalfOpen: true }, (client) => this.join(client));
  }

  static async start(host: string, port: number): Promise<TcpProxy> {
    const proxy = new TcpProxy({ host, port });
    await new Promise<void>((resolve, reject) => {
      proxy.listener.once('error', reject);
      proxy.listener.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  /** Connections through it now. */
  get connections(): number {
    return this.pairs.size;
  }

  /** `url` with host and port of the proxy. */
  via(url: string): string {
    const through = new URL(url);
    through.hostname = '127.0.0.1';
    through.port = String(this.port);
    return through.href;
  }

  /** Passes nothing on until `resume`; bytes are kept, as a network does that has stopped. `up` is client to server. */
  pause(direction: 'up' | 'down' | 'both' = 'both'): void {
    if (direction !== 'down') this.stalled.up = true;
    if (direction !== 'up') this.stalled.down = true;
    for (const { client, server } of this.pairs) {
      if (this.stalled.up) client.pause();
      if (this.stalled.down) server.pause();
    }
  }

  resume(): void {
    this.stalled = { up: false, down: false };
    for (const { client, server } of this.pairs) {
      client.resume();
      server.resume();
    }
  }

  /** Resets every connection (RST, not FIN). New ones are let in. */
  cut(): void {
    for (const { client, server } of this.pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    this.pairs.clear();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.listener.close(() => resolve()));
    this.cut();
    await closed;
  }

  private join(client: Socket): void {
    const server = connect({ ...this.target, allowHalfOpen: true });
    const pair = { client, server };
    this.pairs.add(pair);
    const end = (): void => {
      this.pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', end);
    }
    client.on('data', (chunk) => {
      if (!server.write(chunk)) client.pause();
    });
    server.on('data', (chunk) => {
      if (!client.write(chunk)) server.pause();
    });
    server.on('drain', () => {
      if (!this.stalled.up) client.resume();
    });
    client.on('drain', () => {
      if (!this.stalled.down) server.resume();
    });
    client.on('end', () => server.end());
    server.on('end', () => client.end());
    if (this.stalled.up) client.pause();
    if (this.stalled.down) server.pause();
  }
}
