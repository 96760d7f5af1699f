// The floor: what a loop on amqplib costs that does nothing but pass messages on in batches. No features, no checks.
import { connect } from 'amqplib';
import { parserOf } from '../load/payloads.ts';
import type { FloorOrder } from './floor.ts';

const { url, ingest, exchange, payload, prefetch, size } = JSON.parse(process.env['BENCH_FLOOR'] ?? '{}') as FloorOrder;
const parse = parserOf(payload);
// Without it a publish waits until the broker has acknowledged the one before on TCP: 0.7 ms of the median at 2,000 a second.
const open = async () => await connect(url, { noDelay: true });
const [consuming, publishing] = [await open(), await open()];
const source = await consuming.createChannel();
const sink = await publishing.createConfirmChannel();

interface Sent {
  /** Of the last message in it. */
  readonly tag: number;
  confirmed: boolean;
}

let batch: unknown[] = [];
/** Batches on their way, oldest first: acks go up to where all before are confirmed. */
const sent: Sent[] = [];

function settle(): void {
  let tag = 0;
  for (let first = sent[0]; first?.confirmed === true; first = sent[0]) {
    tag = first.tag;
    sent.shift();
  }
  if (tag > 0) source.ack({ fields: { deliveryTag: tag } } as Parameters<typeof source.ack>[0], true);
}

await source.prefetch(prefetch);
await source.consume(ingest, (message) => {
  if (message === null) return;
  batch.push(parse(message.content));
  if (batch.length < size) return;
  const one: Sent = { tag: message.fields.deliveryTag, confirmed: false };
  sent.push(one);
  sink.publish(exchange, 'floor', Buffer.from(JSON.stringify(batch)), { persistent: true }, (error: unknown) => {
    if (error instanceof Error) throw error;
    one.confirmed = true;
    settle();
  });
  batch = [];
});
console.log('ready');

process.once('SIGTERM', () => {
  void (async () => {
    await sink.waitForConfirms();
    await source.close();
    await Promise.all([consuming.close(), publishing.close()]);
    process.exit(0);
  })();
});
