import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { PortMapper } from '../../../src/verify/port-mapper.ts';
import { until } from '../devices/support.ts';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function mapper(peers: Record<string, number> = {}, registered?: Map<string, number>): Promise<PortMapper> {
  const made = await PortMapper.start(0, new Map(Object.entries(peers)), registered);
  closers.push(() => made.close());
  return made;
}

/** As Erlang's erl_epmd asks: two bytes of length, then the request. */
function request(...parts: readonly (number | string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : Buffer.from(part))));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([length, body]);
}

async function ask(port: number, bytes: Buffer): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // In pieces: TCP keeps no borders.
  socket.write(bytes.subarray(0, 1));
  socket.write(bytes.subarray(1));
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

/** ALIVE2_REQ: the connection stays. */
async function register(port: number, name: string, nodePort: number): Promise<{ socket: Socket; reply: Buffer }> {
  const socket = connect(port, '127.0.0.1');
  const head = Buffer.from([120, nodePort >> 8, nodePort & 255, 77, 0, 0, 6, 0, 5, 0, name.length]);
  socket.write(request(head, name, Buffer.from([0, 0])));
  const [reply] = (await once(socket, 'data')) as [Buffer];
  closers.push(async () => void socket.destroy());
  return { socket, reply };
}

const portIn = (answer: Buffer): number | undefined => (answer[0] === 119 && answer[1] === 0 ? answer.readUInt16BE(2) : undefined);

describe('a port mapper', () => {
  it('sends a node that asks for a peer to where it was told', async () => {
    const { port } = await mapper({ two: 4711 });
    const answer = await ask(port, request(122, 'two'));
    expect(portIn(answer)).toBe(4711);
    // node type, protocol, versions 6 to 5, the name with its length, no extra.
    expect(answer.subarray(4)).toEqual(Buffer.from([77, 0, 0, 6, 0, 5, 0, 3, ...Buffer.from('two'), 0, 0]));
    expect(await ask(port, request(122, 'three'))).toEqual(Buffer.from([119, 1]));
  });

  it('knows who has registered for as long as the connection lives, and never instead of a peer', async () => {
    const registered = new Map<string, number>();
    const { port } = await mapper({ two: 4711 }, registered);
    const beside = await mapper({}, registered);
    const { socket, reply } = await register(port, 'one', 5000);
    expect([...reply.subarray(0, 2)]).toEqual([118, 0]);
    expect(reply.readUInt32BE(2)).toBeGreaterThan(0);
    const again = await register(port, 'two', 5001);
    expect(again.reply.readUInt32BE(2)).not.toBe(reply.readUInt32BE(2));
    expect(portIn(await ask(port, request(122, 'one')))).toBe(5000);
    expect(portIn(await ask(port, request(122, 'two')))).toBe(4711);
    expect(portIn(await ask(beside.port, request(122, 'one')))).toBe(5000);
    expect((await ask(port, request(110))).subarray(4).toString()).toBe('name one at port 5000\nname two at port 5001\n');
    socket.destroy();
    await until('it is forgotten', () => !registered.has('one'));
    expect(await ask(port, request(122, 'one'))).toEqual(Buffer.from([119, 1]));
  });

  it('closes on what it does not know', async () => {
    const { port } = await mapper();
    expect(await ask(port, request(200, 'x'))).toEqual(Buffer.alloc(0));
    expect(await ask(port, request(120, 'short'))).toEqual(Buffer.alloc(0));
    expect(await ask(port, Buffer.alloc(4000, 255))).toEqual(Buffer.alloc(0));
  });
});
