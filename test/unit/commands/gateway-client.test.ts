import { afterEach, describe, expect, it, vi } from 'vitest';
import { GatewayClient } from '../../../src/commands/gateway-client.ts';

describe('a stream of events', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('ends when its reader asks for it, also where the abort does not get through to the answer', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('event: live\ndata: 1\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    vi.stubGlobal('fetch', async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    const stop = new AbortController();
    const got: string[] = [];
    for await (const { data } of new GatewayClient('tap', 'http://127.0.0.1:1', undefined).events('/api/tap', stop.signal)) {
      got.push(data);
      setTimeout(() => stop.abort());
    }
    expect([got, cancelled]).toEqual([['1'], true]);
  });
});
