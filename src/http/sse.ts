import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequestProblem } from './request.ts';

/** Most streams at once, over all pages. */
export const MOST_STREAMS = 32;
const HEARTBEAT_MS = 15_000;
/** What a browser waits before it asks again. */
const RETRY_MS = 2000;
/** A client that has not taken what it was sent for so long is gone. */
const STUCK_MS = 60_000;
const BUSY_SECONDS = 5;

/** One client's stream of server-sent events. */
export interface EventStream {
  /** Sends one event; answers false, and sends nothing, while the client has not taken what it was sent before. `json` is one line. */
  send(event: string, json: string): boolean;
  /** Events that were not sent because the client was slow. */
  readonly dropped: number;
  close(): void;
}

interface Open extends EventStream {
  beat(now: number): void;
}

/**
 * Server-sent events (HTML, section 9.2). Bounded per client: at most one event waits beyond what Node and the kernel
 * hold. A client that goes away, and the end of the server, close the stream at once.
 */
export class EventStreams {
  private readonly monotonic: () => number;
  private readonly open: Set<Open> = new Set();
  private timer: NodeJS.Timeout | undefined;

  constructor(monotonic: () => number) {
    this.monotonic = monotonic;
  }

  get size(): number {
    return this.open.size;
  }

  /**
   * Begins a stream as the answer of a request; `onClose` is called once when it ends, whoever ends it. Answers undefined
   * for a HEAD request, which has its answer then.
   */
  start(request: FastifyRequest, reply: FastifyReply, onClose: () => void): EventStream | undefined {
    if (this.open.size >= MOST_STREAMS) {
      reply.header('retry-after', BUSY_SECONDS);
      throw new RequestProblem(503, 'Service Unavailable', `There are ${MOST_STREAMS} streams already. Close one, or try again.`);
    }
    reply.header('content-type', 'text/event-stream; charset=utf-8');
    // nginx would hold events back.
    reply.header('x-accel-buffering', 'no');
    if (request.method === 'HEAD') {
      reply.send('');
      return undefined;
    }
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, reply.getHeaders() as Record<string, string>);
    raw.write(`retry: ${RETRY_MS}\n\n`);
    const { open, monotonic } = this;
    let dropped = 0;
    let stuckSince: number | undefined;
    const write = (text: string): boolean => {
      if (raw.destroyed || raw.writableNeedDrain) return false;
      raw.write(text);
      return true;
    };
    const stream: Open = {
      send: (event, json) => {
        if (write(`event: ${event}\ndata: ${json}\n\n`)) return true;
        dropped += 1;
        return false;
      },
      get dropped() {
        return dropped;
      },
      beat: (now) => {
        if (write(': alive\n\n')) stuckSince = undefined;
        else if (stuckSince === undefined) stuckSince = now;
        else if (now - stuckSince >= STUCK_MS) raw.destroy();
      },
      close: () => raw.end(),
    };
    open.add(stream);
    this.timer ??= setInterval(() => {
      for (const each of open) each.beat(monotonic());
    }, HEARTBEAT_MS).unref();
    raw.once('close', () => {
      open.delete(stream);
      if (open.size === 0) this.rest();
      onClose();
    });
    // A reset of the connection: `close` follows.
    raw.on('error', () => {});
    return stream;
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.open) stream.close();
    this.rest();
  }

  private rest(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}
