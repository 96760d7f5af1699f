import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Unavailable } from '../../domain/unavailable.ts';
import type { Address } from './options.ts';

/** The address cannot be listened on; the message says which and what to do. */
export class ListenError extends Unavailable {
  override readonly name = 'ListenError';
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there (RabbitMQ with its MQTT plugin takes 1883, 8883 and 15675); stop it or set another port',
  EACCES: 'this user may not listen there; ports below 1024 often need a right',
  EADDRNOTAVAIL: 'this machine has no such address; check the host',
  ENOTFOUND: 'the name of the host is not known; check it',
};

/** One port. Sockets are handed on as they come in, before anything is read of them. */
export class Door {
  private readonly server: Server;
  private readonly what: string;
  private readonly sockets = new Set<Socket>();

  constructor(what: string, arrive: (socket: Socket) => void) {
    this.what = what;
    this.server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      arrive(socket);
    });
  }

  /** Answers the port that was bound. */
  async open({ host, port }: Address): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error: NodeJS.ErrnoException) => {
        const code = error.code ?? 'UNKNOWN';
        reject(new ListenError(code, `cannot listen for ${this.what} on ${host}:${port}: ${LISTEN_ERRORS[code] ?? error.message}`, error));
      });
      // A fleet that comes back at once: the kernel's default of 511 drops the rest, who try again after a second.
      this.server.listen({ host, port, backlog: 4096 }, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  /** Takes no new connections; answers when the last has gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
    });
  }

  /** Ends those that are left. */
  destroy(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
