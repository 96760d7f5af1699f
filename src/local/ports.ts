import { connect, createServer } from 'node:net';
import { BrokerNodeError } from './broker-node.ts';
import { portHolder, shortCommand } from './port-holder.ts';

/** TCP ports of one private node, all on 127.0.0.1. */
export interface Ports {
  readonly amqp: number;
  readonly mqtt: number;
  /** MQTT over WebSocket, path `/ws`. */
  readonly webMqtt: number;
  readonly management: number;
  readonly prometheus: number;
  /** Erlang distribution: `rabbitmqctl` comes in here. */
  readonly dist: number;
  /** Erlang port mapper of this node alone. */
  readonly epmd: number;
}

/** RabbitMQ's usual ports, with a distribution and a port mapper apart from those of a system's own node. */
export const USUAL_PORTS: Ports = { amqp: 5672, mqtt: 1883, webMqtt: 15675, management: 15672, prometheus: 15692, dist: 25682, epmd: 4379 };

export const PORT_NAMES: readonly (keyof Ports)[] = ['amqp', 'mqtt', 'webMqtt', 'management', 'prometheus', 'dist', 'epmd'];

export const HOST = '127.0.0.1';

/** Whether something could listen on 127.0.0.1:port now. `inUse` also when another address family has it for all hosts. */
export async function portState(port: number): Promise<'free' | 'inUse' | 'forbidden'> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EACCES' ? 'forbidden' : 'inUse'));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve('free')));
  });
}

/** Throws `BrokerNodeError` PORT_IN_USE with the port, its use and, where it can be seen, who has it. */
export async function assertPortFree(port: number, use: string): Promise<void> {
  const state = await portState(port);
  if (state === 'free') return;
  if (state === 'forbidden') throw new BrokerNodeError('PORT_IN_USE', `this user may not listen on port ${port} (${use})`);
  const holder = portHolder(port);
  const who = holder === undefined ? 'another process' : `pid ${holder.pid} (${shortCommand(holder.command)})`;
  throw new BrokerNodeError('PORT_IN_USE', `port ${port} (${use}) is in use by ${who}`);
}

export async function assertPortsFree(ports: Ports, names: readonly (keyof Ports)[] = PORT_NAMES): Promise<void> {
  for (const name of names) await assertPortFree(ports[name], name);
}

const given = new Set<number>();
/** Then those that were given long ago may come again. */
const MOST_GIVEN = 6000;

/**
 * Seven free ports between 20000 and 32000. Below the usual ephemeral range (32768 and up) on purpose: a client that
 * retries a loopback port of that range while nobody listens can connect to itself (TCP simultaneous open), and any
 * outgoing connection may take the port between kill and restart of a node. None is given twice in a process: the first may not
 * listen there yet.
 */
export async function freePorts(random: () => number = Math.random): Promise<Ports> {
  const found: number[] = [];
  for (let tries = 0; found.length < PORT_NAMES.length; tries += 1) {
    if (tries === 500) throw new Error('no seven free ports between 20000 and 32000 after 500 tries');
    const port = 20000 + Math.floor(random() * 12000);
    if (given.has(port)) continue;
    if (given.size >= MOST_GIVEN) given.clear();
    given.add(port);
    if ((await portState(port)) === 'free') found.push(port);
  }
  const [amqp = 0, mqtt = 0, webMqtt = 0, management = 0, prometheus = 0, dist = 0, epmd = 0] = found;
  return { amqp, mqtt, webMqtt, management, prometheus, dist, epmd };
}

/**
 * One probe of a listener: connects, sends `hello`, and answers the first bytes that come back (empty when `hello` is
 * undefined: the accept is enough). undefined when nothing answered within `timeoutMs`.
 */
export async function probe(port: number, hello: Buffer | undefined, timeoutMs: number): Promise<Buffer | undefined> {
  return await new Promise((resolve) => {
    const socket = connect({ host: HOST, port });
    const end = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), timeoutMs);
    socket.once('error', () => end(undefined));
    socket.once('close', () => end(undefined));
    socket.once('connect', () => {
      if (hello === undefined) end(Buffer.alloc(0));
      else socket.write(hello);
    });
    socket.once('data', (chunk) => end(chunk));
  });
}

// AMQP 0-9-1, 4.2.2: the protocol header; the server answers with connection.start (a method frame, type 1) or its own header.
const AMQP_HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]);

/** Whether an AMQP 0-9-1 server answers on the port. */
export async function amqpAnswers(port: number, timeoutMs: number): Promise<boolean> {
  return (await probe(port, AMQP_HEADER, timeoutMs))?.[0] === 1;
}

/** Whether an HTTP server answers on the port, with whatever status. */
export async function httpAnswers(port: number, path: string, timeoutMs: number): Promise<boolean> {
  const hello = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return (await probe(port, hello, timeoutMs))?.subarray(0, 5).toString('latin1') === 'HTTP/';
}
