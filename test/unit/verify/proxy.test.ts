import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { seeded } from '../../../devices/random.ts';
import { TcpProxy } from '../../../src/verify/proxy.ts';

const DEADLINE_MS = 15_000;
const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** One end of a connection, and what came in over it. */
class End {
  readonly socket: Socket;
  readonly chunks: Buffer[] = [];
  ended = false;
  failure: string | undefined;
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    socket.on('end', () => (this.ended = true));
    socket.on('error', (error: NodeJS.ErrnoException) => (this.failure = error.code));
    socket.on('close', () => (this.closed = true));
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

interface Bench {
  readonly proxy: TcpProxy;
  /** A connection through the proxy, both of its ends. */
  readonly join: () => Promise<{ client: End; server: End }>;
}

async function bench(): Promise<Bench> {
  const accepted: End[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => accepted.push(new End(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await TcpProxy.start('127.0.0.1', (server.address() as AddressInfo).port, { random: seeded(7) });
  closers.push(async () => {
    for (const { socket } of accepted) socket.destroy();
    await proxy.close();
    server.close();
  });
  return {
    proxy,
    join: async () => {
      const before = accepted.length;
      const socket = connect({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true, noDelay: true });
      closers.push(() => void socket.destroy());
      const client = new End(socket);
      await until('the server has the connection', () => accepted.length > before);
      return { client, server: accepted[before] as End };
    },
  };
}

describe('the proxy without toxics', () => {
  it('passes everything on both ways, and the end of each stream', async () => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    const big = Buffer.alloc(3_000_000, 'abcdefghij').toString('latin1');
    client.socket.write(big);
    server.socket.write('down');
    await until('all is there', () => server.text.length === big.length && client.text === 'down');
    expect(server.text).toBe(big);
    client.socket.end();
    await until('the end came', () => server.ended);
    // Half open: the other way still goes.
    server.socket.end(' more');
    await until('the other end came', () => client.ended);
    expect(client.text).toBe('down more');
    await until('nothing is left', () => proxy.connections === 0);
  });

  it('stops reading from a sender whose receiver does not read', async () => {
    const { join } = await bench();
    const { client, server } = await join();
    server.socket.pause();
    const piece = Buffer.alloc(1 << 20);
    let taken = 0;
    // The kernel's buffers take some megabytes; without back-pressure the proxy would take all 200.
    while (taken < 200 && client.socket.write(piece)) taken += 1;
    for (let i = 0; i < 40 && taken < 200; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      if (client.socket.writableLength === 0 && client.socket.write(piece)) taken += 1;
    }
    expect(taken).toBeLessThan(60);
    server.socket.resume();
    await until('it flows again', () => client.socket.writableLength === 0);
  });
});

describe('a toxic', () => {
  it('latency: delays, keeps the order in spite of jitter, and delays the end too', async () => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    proxy.add({ type: 'latency', latencyMs: 150, jitterMs: 100 }, 'up');
    const since = performance.now();
    const words = Array.from({ length: 50 }, (_, i) => `${i};`);
    for (const word of words) {
      client.socket.write(word);
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.socket.end();
    server.socket.write('quick');
    await until('the answer', () => client.text === 'quick');
    await until('the end', () => server.ended);
    expect(server.text).toBe(words.join(''));
    // At least the least latency; no upper bound, the machine may be busy.
    expect(performance.now() - since).toBeGreaterThanOrEqual(49);
  });

  it('bandwidth: no faster than that', async () => {
    const { proxy, join } = await bench();
    proxy.add({ type: 'bandwidth', bytesPerSecond: 20_000 }, 'up');
    const { client, server } = await join();
    const since = performance.now();
    client.socket.write(Buffer.alloc(8000, 'x'));
    await until('all is there', () => server.text.length === 8000);
    expect(performance.now() - since).toBeGreaterThanOrEqual(300);
  });

  it('slicer: pieces of the size that was asked for, nothing lost', async () => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    proxy.add({ type: 'slicer', least: 1, most: 7, delayMs: 1 }, 'up');
    const text = 'the quick brown fox jumps over the lazy dog '.repeat(5);
    client.socket.write(text);
    await until('all is there', () => server.text.length === text.length);
    expect(server.text).toBe(text);
    expect(server.chunks.length).toBeGreaterThan(10);
  });

  it('slowClose: the end comes later than the last byte', async () => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    proxy.add({ type: 'slowClose', delayMs: 200 }, 'up');
    client.socket.end('bye');
    await until('the bytes', () => server.text === 'bye');
    const since = performance.now();
    await until('the end', () => server.ended);
    expect(performance.now() - since).toBeGreaterThanOrEqual(100);
  });

  it('timeout 0: drops everything one way, the other way goes on, and resets when it is taken away', async () => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    const heal = proxy.add({ type: 'timeout', afterMs: 0 }, 'up');
    client.socket.write('into the hole');
    server.socket.write('still here');
    await until('the other way', () => client.text === 'still here');
    expect(server.text).toBe('');
    expect(proxy.connections).toBe(1);
    heal();
    await until('the reset', () => client.failure === 'ECONNRESET' && server.closed);
    expect(server.text).toBe('');
  });

  it('timeout: closes after its time', async () => {
    const { proxy, join } = await bench();
    const { client } = await join();
    proxy.add({ type: 'timeout', afterMs: 50 });
    await until('the end', () => client.ended || client.closed);
    expect(client.failure).toBe(undefined);
  });

  it('stall: keeps the bytes and gives them out when it is taken away', async () => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    proxy.pause('up');
    client.socket.write('one ');
    server.socket.write('down');
    await until('the other way', () => client.text === 'down');
    client.socket.write('two');
    // A connection that comes meanwhile stalls as well.
    const later = await join();
    later.client.socket.write('three');
    expect(server.text + later.server.text).toBe('');
    proxy.resume();
    await until('all is there', () => server.text === 'one two' && later.server.text === 'three');
  });

  it('resetPeer: RST for old and new connections', async () => {
    const { proxy, join } = await bench();
    const old = await join();
    const heal = proxy.add({ type: 'resetPeer', afterMs: 10 });
    await until('the old one', () => old.client.failure === 'ECONNRESET');
    const fresh = connect({ host: '127.0.0.1', port: proxy.port });
    const failure = new End(fresh);
    await until('the new one', () => failure.failure === 'ECONNRESET');
    heal();
    const { client, server } = await join();
    client.socket.write('well');
    await until('it works again', () => server.text === 'well');
    expect(proxy.connections).toBe(1);
  });

  it.each([
    ['closes', false],
    ['resets', true],
  ])('limitData: passes that many bytes and then %s', async (_name, reset) => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    client.socket.write('before;');
    await until('the bytes before', () => server.text === 'before;');
    proxy.add({ type: 'limitData', bytes: 10, reset }, 'up');
    client.socket.write('0123456789abcdef');
    await until('both have seen the end', () => (server.closed || server.ended) && (client.closed || client.ended));
    expect(client.failure).toBe(reset ? 'ECONNRESET' : undefined);
    // A reset may take the last bytes with it.
    expect('before;0123456789'.startsWith(server.text)).toBe(true);
    expect(server.text.length).toBeGreaterThanOrEqual(reset ? 7 : 17);
  });

  it('clear: takes all of them away', async () => {
    const { proxy, join } = await bench();
    proxy.add({ type: 'stall' });
    proxy.add({ type: 'latency', latencyMs: 60_000 });
    const { client, server } = await join();
    proxy.clear();
    client.socket.write('free');
    await until('it flows', () => server.text === 'free');
    expect(client.failure).toBe(undefined);
  });
});

describe('the proxy', () => {
  it('cut: resets both ends and lets new ones in', async () => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    proxy.cut();
    await until('both are gone', () => client.failure === 'ECONNRESET' && server.closed);
    await join();
    expect(proxy.connections).toBe(1);
  });

  it('halfClose: ends one direction and lets the other go on', async () => {
    const { proxy, join } = await bench();
    const { client, server } = await join();
    proxy.halfClose('up');
    await until('the end', () => server.ended);
    server.socket.write('still');
    client.socket.write('nobody reads this');
    await until('the other way', () => client.text === 'still');
    expect(server.text).toBe('');
  });

  it('down and up: refuses, then listens on the same port', async () => {
    const { proxy, join } = await bench();
    const { client } = await join();
    const { port } = proxy;
    await proxy.down();
    await until('the old one is gone', () => client.closed);
    const refused = new End(connect({ host: '127.0.0.1', port }));
    await until('the refusal', () => refused.failure === 'ECONNREFUSED');
    await proxy.up();
    expect(proxy.port).toBe(port);
    await join();
  });
});
