import { fileURLToPath } from 'node:url';
import type { EdgeState } from '../../src/domain/edge-state.ts';
import { consolePages } from '../../src/http/console.ts';
import { edge } from '../../src/http/edge.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { fakeProvider, METRICS } from '../unit/http/fake-provider.ts';
import { WELL_EDGE } from '../unit/observe/samples.ts';

/** The console as `npm run build` leaves it. */
const BUILT = fileURLToPath(new URL('../../dist/src/console/', import.meta.url));

/** An edge that only answers, for the console's tests. */
export class FakeEdge {
  state: EdgeState = WELL_EDGE;
  private port = 0;
  private server: HttpServer | undefined;

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Listens where it listened before, if it did. */
  async start(): Promise<void> {
    const plugins = [edge(() => this.state), consolePages('edge', BUILT)];
    this.server = createHttpServer({ port: this.port, status: { ...fakeProvider(), name: 'gate-7' }, metrics: METRICS, plugins });
    ({ port: this.port } = await this.server.start());
  }

  async stop(): Promise<void> {
    await this.server?.close();
  }

  /** So many messages more, passed on at once. */
  published(n: number): void {
    const { ledger, publishes } = this.state;
    const [qos0, qos1, qos2] = publishes;
    this.state = {
      ...this.state,
      publishes: [qos0, qos1 + n, qos2],
      ledger: { ...ledger, received: ledger.received + n, forwarded: ledger.forwarded + n },
    };
  }
}
