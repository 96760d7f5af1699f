import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsumeMessage } from 'amqplib';
import { gatewayWatch } from '../../src/app/watch.ts';
import { encodeBatch } from '../../src/codec/batch.ts';
import { encodeReading } from '../../src/codec/reading.ts';
import { defaultCodecs } from '../../src/codec/registry.ts';
import { Ledger } from '../../src/domain/ledger.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import type { Reading } from '../../src/domain/reading.ts';
import { Dedupe } from '../../src/pipeline/dedupe.ts';
import { Forwarder } from '../../src/pipeline/forwarder.ts';
import { Graveyard } from '../../src/pipeline/graveyard.ts';
import { compileNormaliser, type Normaliser } from '../../src/pipeline/normaliser.ts';
import { Permits } from '../../src/pipeline/permits.ts';
import type { Batch, DeadLetterSink, Sink } from '../../src/pipeline/ports.ts';
import { RecentMessages } from '../../src/pipeline/recent-messages.ts';
import { Router } from '../../src/pipeline/router.ts';
import { systemScheduler } from '../../src/pipeline/scheduler.ts';
import { DeliveryWindow } from '../../src/rabbit/delivery-window.ts';
import { inboundMessage } from '../../src/rabbit/intake.ts';
import { loadSettings, type Settings } from '../../src/settings/load.ts';
import { settingsOf } from './contenders/sluice-settings.ts';
import { messagesOf, parserOf } from './load/payloads.ts';
import { type Scenario, total } from './scenario.ts';

// What a gateway does with a message between two sockets, without them: from what amqplib hands over to the body of a batch.

/** Messages that come with one read of the socket. */
const READ = 200;

/** Settings of the gateway of the other benches. */
async function settings(scenario: Scenario): Promise<Settings> {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  try {
    const file = join(dir, 'sluice.yaml');
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(settingsOf(scenario, 'amqp://127.0.0.1:1', dir, 0)));
    const loaded = await loadSettings(file, {}, { codecs: defaultCodecs() });
    if (!loaded.ok) throw new Error(`settings of the bench: ${loaded.problems[0]?.message ?? ''}`);
    return loaded.settings;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Messages as amqplib hands them over, all of them different. */
function deliveries(scenario: Scenario, count: number): ConsumeMessage[] {
  const { message } = messagesOf(scenario, Date.now());
  return Array.from({ length: count }, (_, n) => {
    const { key, body } = message(n);
    const fields = { consumerTag: 'bench', deliveryTag: n + 1, redelivered: false, exchange: 'amq.topic', routingKey: key };
    return { fields, properties: { headers: { 'x-mqtt-publish-qos': 1, 'x-mqtt-dup': false }, deliveryMode: 2 }, content: body } as unknown as ConsumeMessage;
  });
}

/** A whole gateway but for its sockets. */
class Gateway {
  readonly ledger = new Ledger();
  private readonly forwarder: Forwarder;
  private readonly window: DeliveryWindow;

  constructor(used: Settings) {
    const { ledger } = this;
    const { dedupe, profiles, limits, routes, source, rabbitmq, retry } = used;
    const scheduler = systemScheduler;
    const observer = (): void => {};
    const { signal } = new AbortController();
    let ids = 0;
    const nextId = (): string => `bench-${(ids += 1)}`;
    const { onlooker } = gatewayWatch(used, scheduler, TROUBLE);
    const shared = { ledger, retry, scheduler, observer, onlooker, signal, nextId };
    const graveyard = new Graveyard({ ...shared, sink: NO_LETTERS, concurrency: 1, config: () => 'bench', onIdle: () => {} });
    const rules = { config: 'bench', normaliser: compileNormaliser(profiles, defaultCodecs(), limits, 'bench'), router: new Router(routes, NO_FAILURE) };
    this.forwarder = new Forwarder({
      ...shared,
      rules,
      recent: new RecentMessages(1000, 4_194_304),
      sink: LOCAL,
      graveyard,
      dedupe: new Dedupe({ entries: dedupe.entries, windowMs: dedupe.windowSeconds * 1000 }),
      permits: new Permits(rabbitmq.maxInFlightBatches, rabbitmq.maxInFlightBytes),
      maxDeliveries: source.maxDeliveries,
      prefetch: source.prefetch,
      takeBack: async () => {},
    });
    this.window = new DeliveryWindow({
      epoch: 1,
      ack: () => {},
      ledger,
      observer,
      flushAt: source.prefetch / 10,
      holdAt: source.prefetch / 2,
      holdMs: 25,
      defer: setImmediate,
      after: (ms, fn) => scheduler.after(ms, fn),
    });
  }

  /** Resolves when all of them have settled. */
  async take(messages: readonly ConsumeMessage[]): Promise<void> {
    for (let from = 0; from < messages.length; from += READ) {
      for (const message of messages.slice(from, from + READ))
        this.forwarder.accept(this.window.receive(message.fields.deliveryTag, inboundMessage(message, Date.now())));
      await turn();
    }
    if (!(await this.forwarder.drain(AbortSignal.timeout(60_000)))) throw new Error('what was taken does not settle');
    this.window.flush();
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Confirms in the next turn, as a broker does at the soonest. */
const LOCAL: Sink = {
  unavailable: undefined,
  onAvailable: () => () => {},
  offer: () => true,
  publish: async (batch) => {
    bodyOf(batch);
    await turn();
    return { ok: true, value: undefined };
  },
};

const NO_LETTERS: DeadLetterSink = {
  unavailable: undefined,
  onAvailable: () => () => {},
  bury: async ({ fault }) => {
    throw new Error(`a message of the bench was buried: ${fault.message}`);
  },
};

const TROUBLE = {
  error: (fields: object, message: string): void => {
    throw new Error(`${message}: ${JSON.stringify(fields)}`);
  },
};

const NO_FAILURE = (route: string, message: string): void => {
  throw new Error(`${route}: ${message}`);
};

function bodyOf({ id, sealedAt, content, encoding, destination }: Batch): Buffer {
  return encodeBatch({ id, gateway: 'bench', sealedAt, content, encoding, gzip: destination.action.gzip }).body;
}

/** A part of the work, with CPU of the process for one message in nanoseconds, one for each round. */
export interface Part {
  readonly name: string;
  readonly ns: readonly number[];
}

/**
 * The least that anybody would do (parse, and stringify as many as go into a batch), the whole of what a gateway does, and parts of
 * that; in turn, `rounds` times, the first ones to warm up uncounted. Throws where a message does not come out.
 */
export async function pipelineParts(scenario: Scenario, rounds: number, warmUp = 2): Promise<Part[]> {
  const used = await settings(scenario);
  const count = total(scenario);
  const messages = deliveries(scenario, count);
  const inbound = messages.map((message) => inboundMessage(message, Date.now()));
  const parse = parserOf(scenario.payload);
  const router = new Router(used.routes, NO_FAILURE);
  const normaliser = (): Normaliser => compileNormaliser(used.profiles, defaultCodecs(), used.limits, 'bench');
  const first = normaliser();
  const readings = inbound.flatMap((message) => readingsOf(first, message));
  const parts: Record<string, () => void | Promise<void>> = {
    'parse and stringify': () => {
      for (let from = 0; from < count; from += scenario.batch)
        Buffer.from(JSON.stringify(messages.slice(from, from + scenario.batch).map(({ content }) => parse(content))));
    },
    'the whole pipeline': async () => {
      const gateway = new Gateway(used);
      await gateway.take(messages);
      const { received, forwarded } = gateway.ledger.messages;
      if (forwarded !== count) throw new Error(`${forwarded} of ${received} messages were forwarded`);
    },
    'of it: properties and a copy of the body': () => {
      for (const message of messages) inboundMessage(message, Date.now());
    },
    'of it: to readings': () => {
      const one = normaliser();
      for (const message of inbound) readingsOf(one, message);
    },
    'of it: routing': () => {
      for (const reading of readings) router.route(reading);
    },
    'of it: text': () => {
      for (const reading of readings) encodeReading(reading);
    },
    'of it: deduplication': () => {
      const dedupe = new Dedupe({ entries: used.dedupe.entries, windowMs: used.dedupe.windowSeconds * 1000 });
      for (const { id, device } of readings) {
        const key = dedupe.key(id);
        if (key === undefined || dedupe.has(device, key)) throw new Error(`${id} twice`);
        dedupe.commit(device, key, Date.now());
      }
    },
  };
  const found = Object.keys(parts).map((name) => ({ name, ns: [] as number[] }));
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const { name, ns } of found) {
      const before = process.cpuUsage();
      await parts[name]?.();
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) ns.push(((user + system) * 1000) / count);
    }
  }
  return found;
}

function readingsOf(normaliser: Normaliser, message: InboundMessage): readonly Reading[] {
  const result = normaliser.normalise(message);
  if (result.kind !== 'readings') throw new Error(`no reading: ${JSON.stringify(result)}`);
  return result.readings;
}
