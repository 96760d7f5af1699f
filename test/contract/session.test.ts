import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { type Session, SessionError, type SessionOptions } from '../../src/rabbit/session.ts';
import { EventLog, Management, newSession, soon, unique, until } from '../support/rabbit.ts';
import { TcpProxy } from '../../src/verify/proxy.ts';

const broker = inject('broker');

function altered(change: (url: URL) => void): string {
  const url = new URL(broker.amqpUrl);
  change(url);
  return url.href;
}
const SECRET = 's3cret/pass:word';

describe('Session', () => {
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  function session(url: string | readonly string[], options: Partial<SessionOptions> = {}): { session: Session; log: EventLog } {
    const log = new EventLog();
    const urls = typeof url === 'string' ? [url] : url;
    const made = newSession(broker.amqpUrl, { urls, observer: log.observer, ...options });
    closers.push(() => made.close(1000));
    return { session: made, log };
  }
  async function proxyTo(): Promise<TcpProxy> {
    const address = new URL(broker.amqpUrl);
    const proxy = await TcpProxy.start(address.hostname, Number(address.port || 5672));
    closers.push(() => proxy.close());
    return proxy;
  }
  /** A server that takes connections and says nothing. */
  async function silent(): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    });
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }
  async function reasonOf(url: string): Promise<{ permanent: boolean; message: string }> {
    const { session: s, log } = session(url, { failFast: true, connectTimeoutMs: 400 });
    const error = await soon('start rejects', s.start(AbortSignal.timeout(1000))).catch((e: unknown) => e);
    if (!(error instanceof SessionError)) throw new Error(`not a SessionError: ${String(error)}`);
    // Never in what leaves the process, in whatever form.
    const everything = JSON.stringify([log.events, error.message, s.reason]);
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain(encodeURIComponent(SECRET));
    expect(s.state).toBe('closed');
    return { permanent: error.permanent, message: error.message };
  }

  it('gives up at once on a wrong password and on a virtual host that is not there, and says what to do', async () => {
    const wrong = await reasonOf(altered((url) => (url.password = encodeURIComponent(SECRET))));
    expect(wrong).toMatchObject({
      permanent: true,
      message: expect.stringMatching(/refuses user '.+' \(403 ACCESS_REFUSED\)\. Correct user and password/) as string,
    });
    const vhost = await reasonOf(altered((url) => (url.pathname = '/no%2Fsuch')));
    expect(vhost).toMatchObject({ permanent: true, message: expect.stringMatching(/virtual host 'no\/such'.*530/) as string });
  });

  it('keeps trying what may mend itself until the signal aborts, and says why it could not', async () => {
    const port = await silent();
    const secret = (url: URL): void => void (url.password = encodeURIComponent(SECRET));
    const cases: [string, RegExp][] = [
      [altered((url) => (secret(url), (url.port = '1'))), /connection refused.*ECONNREFUSED/],
      [altered((url) => (secret(url), (url.hostname = 'no-such-host.invalid'))), /does not resolve|name server does not answer/],
      [altered((url) => (secret(url), (url.port = String(port)))), /no answer/],
      [altered((url) => secret(url)).replace('amqp://', 'amqps://'), /TLS/],
      [altered((url) => (secret(url), (url.port = new URL(broker.managementUrl).port))), /no answer|AMQP port/],
    ];
    for (const [url, reason] of cases) {
      const failure = await reasonOf(url);
      expect(failure.message).toMatch(reason);
      expect(failure.permanent).toBe(false);
    }
  });

  it('keeps trying with a wrong password too where it should not fail fast', async () => {
    const { session: s, log } = session(altered((url) => (url.password = 'wrong')));
    const started = s.start(AbortSignal.timeout(3000)).catch((e: unknown) => e);
    await until('a second attempt', () => log.of('session-retry').length >= 2, 3000);
    await s.close(100);
    expect(await soon('start ends', started)).toBeInstanceOf(SessionError);
  });

  it('does not start with a signal that has aborted', async () => {
    const { session: s } = session(broker.amqpUrl);
    await expect(s.start(AbortSignal.abort())).rejects.toThrow(SessionError);
    expect(s.current).toBe(undefined);
  });

  it('takes the next URL when one does not answer', async () => {
    const { session: s, log } = session([altered((url) => (url.port = '1')), broker.amqpUrl]);
    await soon('connecting', s.start(AbortSignal.timeout(5000)));
    expect(s.state).toBe('ready');
    expect(log.of('session-retry')).toEqual([]);
  });

  it('leaves a node that is lost for the next one at once, and says where it is', async () => {
    const [one, two] = [await proxyTo(), await proxyTo()];
    const { session: s, log } = session([one.via(broker.amqpUrl), two.via(broker.amqpUrl)]);
    await soon('connecting', s.start(AbortSignal.timeout(20_000)));
    expect(s.address).toBe(`127.0.0.1:${one.port}`);
    await one.down();
    await until('it is at the second node', () => s.state === 'ready' && s.address === `127.0.0.1:${two.port}`, 20_000);
    expect(two.connections).toBe(1);
    expect(log.of('session-failover')).toMatchObject([{ from: `127.0.0.1:${one.port}`, to: `127.0.0.1:${two.port}` }]);
    expect(log.of('session-retry')).toEqual([]);
    // The first one is not missed: no way back without need.
    await one.up();
    await two.down();
    await until('it is back at the first node', () => s.state === 'ready' && s.address === `127.0.0.1:${one.port}`, 20_000);
    // Nobody answers: a round each time, and pauses between them.
    await one.down();
    await until('it has paused twice', () => log.of('session-retry').length >= 2, 20_000);
    const failovers = log.of('session-failover').length;
    expect(failovers).toBeLessThanOrEqual(2 + log.of('session-retry').length + 1);
    await two.up();
    await until('it is at the second node again', () => s.state === 'ready' && s.address === `127.0.0.1:${two.port}`, 20_000);
  });

  it.each([
    ['refuses the virtual host', (url: URL): void => void (url.pathname = '/no-quorum-here')],
    ['has a name that does not resolve', (url: URL): void => void (url.hostname = 'no-such-host.invalid')],
  ] as const)('goes on where the first node %s', async (_, change) => {
    const { session: s, log } = session([altered(change), broker.amqpUrl], { failFast: true });
    await soon('connecting', s.start(AbortSignal.timeout(30_000)), 30_000);
    expect(log.of('session-failover')).toHaveLength(1);
  });

  it('goes on from a black hole when the time for one attempt is over', async () => {
    const port = await silent();
    const { session: s, log } = session([altered((url) => (url.port = String(port))), broker.amqpUrl], { connectTimeoutMs: 1500 });
    await soon('connecting', s.start(AbortSignal.timeout(30_000)), 30_000);
    expect(log.of('session-failover')).toMatchObject([
      { from: `${new URL(broker.amqpUrl).hostname}:${port}`, reason: expect.stringMatching(/no answer/) as string },
    ]);
  });

  it('comes back with a new epoch after a cut, and tells its users', async () => {
    const proxy = await proxyTo();
    const { session: s, log } = session(proxy.via(broker.amqpUrl));
    const epochs: number[] = [];
    s.onReady((connection) => epochs.push(connection.epoch));
    await soon('connecting', s.start(AbortSignal.timeout(5000)));
    const first = s.current;
    proxy.cut();
    await until('the next epoch', () => epochs.length === 2);
    expect(epochs).toEqual([1, 2]);
    expect(first?.lost).toBe(true);
    expect(s.current).not.toBe(first);
    expect(log.of('session-state').map((e) => e.state)).toEqual(['connecting', 'ready', 'connecting', 'ready']);
    // Who comes later is told of the connection that is there.
    let late = 0;
    s.onReady((connection) => (late = connection.epoch));
    expect(late).toBe(2);
  });

  it('notices a connection that went silent by its heartbeat', async () => {
    const proxy = await proxyTo();
    const { session: s, log } = session(proxy.via(broker.amqpUrl), { heartbeatSeconds: 1 });
    await soon('connecting', s.start(AbortSignal.timeout(5000)));
    // One way only: the broker goes on hearing us, so it does not close first.
    proxy.pause('down');
    await until('the loss is noticed', () => s.state !== 'ready', 5000);
    expect(log.of('session-state').at(-1)?.reason).toMatch(/Heartbeat timeout/);
    proxy.resume();
    await until('it is back', () => s.state === 'ready');
  });

  it('backs off when an operator closes it, and comes back', async () => {
    const name = `test-${unique()}`;
    const { session: s, log } = session(broker.amqpUrl, { connectionName: name });
    await soon('connecting', s.start(AbortSignal.timeout(5000)));
    await new Management(broker).closeConnection(name);
    await until('the next connection', () => s.current?.epoch === 2);
    expect(log.of('session-retry')).toMatchObject([{ attempt: 1, reason: expect.stringMatching(/CONNECTION.FORCED/) as string }]);
  });

  it('closes within the deadline when the broker does not answer any more', async () => {
    const proxy = await proxyTo();
    const { session: s } = session(proxy.via(broker.amqpUrl));
    await soon('connecting', s.start(AbortSignal.timeout(5000)));
    const connection = s.current;
    proxy.pause();
    await soon('closing', s.close(300), 5000);
    expect(connection?.lost).toBe(true);
    expect(s.state).toBe('closed');
    proxy.resume();
    // The socket is gone, not only forgotten.
    await until('the proxy has no connection', () => proxy.connections === 0);
  });

  it('closes while it connects, and does not connect afterwards', async () => {
    const port = await silent();
    const { session: s } = session(
      altered((url) => (url.port = String(port))),
      { connectTimeoutMs: 60_000 },
    );
    const started = s.start(new AbortController().signal).catch((e: unknown) => e);
    await until('it connects', () => s.state === 'connecting');
    await soon('closing', s.close(100), 1000);
    expect(s.state).toBe('closed');
    expect(await soon('start ends', started, 1000)).toBeInstanceOf(SessionError);
  });

  it('does not let the opening of a channel hang', async () => {
    const proxy = await proxyTo();
    const { session: s } = session(proxy.via(broker.amqpUrl));
    await soon('connecting', s.start(AbortSignal.timeout(5000)));
    proxy.pause();
    const { current } = s;
    if (current === undefined) throw new Error('no connection');
    await expect(soon('an answer', current.openChannel(200), 1000)).rejects.toThrow(/opening a channel: no answer within 200 ms/);
    await expect(soon('an answer', current.openConfirmChannel(200), 1000)).rejects.toThrow(/no answer/);
    proxy.resume();
    const channel = await soon('a channel', current.openChannel(2000));
    await channel.close();
    // And on a connection that is lost meanwhile.
    proxy.pause();
    const opening = current.openChannel(60_000).catch((e: unknown) => e);
    proxy.cut();
    expect(await soon('an answer', opening, 2000)).toBeInstanceOf(Error);
  });
});
