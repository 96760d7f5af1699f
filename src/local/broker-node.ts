import type { Ports } from './ports.ts';

export interface Account {
  readonly name: string;
  readonly password: string;
}

/** A broker that we started ourselves and end ourselves: a process of this machine or a container. */
export interface BrokerNode {
  readonly ports: Ports;
  /** Folder with everything of the node: configuration, data, log. */
  readonly dir: string;
  /** Process id of the Erlang VM; undefined while it does not run, and for a container. */
  readonly pid: number | undefined;
  readonly running: boolean;
  /** Settles when the node has ended, wanted or not; answers how. A new promise after each restart. */
  readonly ended: Promise<string>;
  amqpUrl(account: Account): string;
  /** Orderly shutdown; after `deadlineMs` (default 20 s) it is killed. Does nothing when it does not run. */
  stop(deadlineMs?: number): Promise<void>;
  /** SIGKILL: what a crash of the broker looks like. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Ends it as fast as possible and removes its folder and data: for tests. */
  remove(): Promise<void>;
  /** Same folder, data and ports; stops a running node first. Resolves when it is ready. */
  restart(deadlineMs?: number): Promise<void>;
  /** Resolves when every listener answers; throws `BrokerNodeError` as soon as the node ends, or after `deadlineMs` (default 60 s). */
  waitReady(deadlineMs?: number, stop?: AbortSignal): Promise<void>;
  /** Runs `rabbitmqctl` against the node; answers its standard output, throws with its standard error. */
  ctl(args: readonly string[], deadlineMs?: number): Promise<string>;
}

export type BrokerNodeFault =
  /** No RabbitMQ server on this machine. */
  | 'NOT_INSTALLED'
  /** Another process listens on a port that the node needs. */
  | 'PORT_IN_USE'
  /** Another live process runs a node in the same folder. */
  | 'DIR_IN_USE'
  /** The node ended before it was ready. */
  | 'ENDED'
  /** It still runs and does not answer. */
  | 'NOT_READY'
  | 'CTL_FAILED'
  /** The caller gave the start up. */
  | 'ABORTED';

/** An expected failure of a broker of ours; the message says what to do. */
export class BrokerNodeError extends Error {
  readonly code: BrokerNodeFault;

  constructor(code: BrokerNodeFault, message: string) {
    super(message);
    this.name = 'BrokerNodeError';
    this.code = code;
  }
}

/** `amqp://name:password@127.0.0.1:port`; no path means the virtual host `/`. */
export function amqpUrlOf(port: number, account: Account): string {
  return `amqp://${encodeURIComponent(account.name)}:${encodeURIComponent(account.password)}@127.0.0.1:${port}`;
}
