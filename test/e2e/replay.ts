import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import { connectAsync, type MqttClient } from 'mqtt';
import type { GatewayView } from '../../src/verify/gateway-process.ts';
import { exactJson } from '../support/exact-json.ts';
import { type Letter, listen } from './outlets.ts';
import type { Rig } from './rig.ts';

export interface Sent {
  readonly topic: string;
  readonly body: Buffer;
  /** Only AMQP can say it. */
  readonly contentEncoding?: string | undefined;
}

/** A reading as it arrives; integers beyond 2^53 as bigint. */
export interface WireReading {
  readonly topic: string;
  readonly device: string;
  readonly measuredAt: number;
  readonly receivedAt: number;
  readonly values: Readonly<Record<string, unknown>>;
  readonly flags?: readonly string[];
}

type Count = keyof GatewayView['ledger']['messages'];

/** What came out of a replay, its sentinels left out. */
export interface Ends {
  readonly letters: Letter[];
  readonly readings: WireReading[];
  /** How often the gateway's ledger noted each outcome meanwhile, sentinels included. */
  readonly counted: Readonly<Record<Count, number>>;
}

/** MQTT has no such topic (MQTT-3.3.2-2, MQTT-4.7.3-1, MQTT-1.5.3-2): only an AMQP publisher can send it. */
const NOT_MQTT = /^$|[+#\0]/;
const COUNTS: readonly Count[] = ['received', 'forwarded', 'deadLettered', 'filtered', 'deduplicated', 'abandoned'];

/** Connections to the broker that were opened, and consumers that were lost, as the metrics count them. */
async function connections(rig: Rig): Promise<string[]> {
  return (await rig.gateway.metrics())
    .split('\n')
    .filter((line) => /^sluice_(session_connections_total|session_retries_total|source_detached_total)/.test(line));
}

/** Sends messages as the administrator, who may publish anywhere: these topics are those of other people's devices. */
export class Replay {
  private readonly rig: Rig;
  private readonly device: MqttClient;
  private readonly amqp: ChannelModel;
  private readonly channel: ConfirmChannel;
  private letters: Letter[] = [];
  private readings: WireReading[] = [];
  private unlisten: () => Promise<void> = async () => {};

  private constructor(rig: Rig, device: MqttClient, amqp: ChannelModel, channel: ConfirmChannel) {
    this.rig = rig;
    this.device = device;
    this.amqp = amqp;
    this.channel = channel;
  }

  static async open(rig: Rig): Promise<Replay> {
    const { name: username, password } = rig.users.admin;
    const device = await connectAsync(`mqtt://127.0.0.1:${rig.node.ports.mqtt}`, { username, password, clientId: 'replay', protocolVersion: 4 });
    const amqp = await connect(rig.node.amqpUrl(rig.users.admin), { timeout: 5000 });
    const replay = new Replay(rig, device, amqp, await amqp.createConfirmChannel());
    await replay.listen();
    return replay;
  }

  /**
   * One consumer from beginning to end: with one for each run, closed behind it, dead letters of a run that had been acked were
   * once seen again in the next.
   */
  private async listen(): Promise<void> {
    this.unlisten = await listen(this.rig, {
      batch: (body) => void this.readings.push(...(exactJson(body) as { readings: WireReading[] }).readings),
      letter: (letter) => void this.letters.push(letter),
    });
  }

  /** Waits until the last sentinel has come, nothing is in flight any more, and as many dead letters came as the ledger counts. */
  private async collect(lastSentinel: string, buriedBefore: number): Promise<void> {
    const { rig } = this;
    const end = performance.now() + 60_000;
    for (;;) {
      const { inFlight, ledger } = await rig.gateway.status();
      const seen = this.readings.some((reading) => reading.topic === lastSentinel);
      if (seen && inFlight.messages === 0 && this.letters.length >= ledger.messages.deadLettered - buriedBefore) return;
      if (performance.now() > end) throw new Error(`the last sentinel did not come: ${JSON.stringify(await rig.gateway.status())}`);
      await sleep(100);
    }
  }

  /** Over MQTT where that can carry it, else over AMQP. Resolves when the broker has it. */
  private async publish({ topic, body, contentEncoding }: Sent): Promise<void> {
    if (contentEncoding === undefined && !NOT_MQTT.test(topic)) {
      await this.device.publishAsync(topic, body, { qos: 1 });
      return;
    }
    this.channel.publish('amq.topic', topic.replaceAll('/', '.'), body, { deliveryMode: 2, ...(contentEncoding === undefined ? {} : { contentEncoding }) });
    await this.channel.waitForConfirms();
  }

  /**
   * Sends each message with a good one right behind, and answers what came out. Holds what is true of all messages: each
   * sentinel arrives once, nothing is unaccounted for, and process and connections are those of the beginning.
   * The settings must read `sentinel/+/+` as JSON, all of whose values go to `sluice.out.readings`.
   */
  async run(name: string, messages: readonly Sent[]): Promise<Ends> {
    const { rig } = this;
    const { pid } = rig.gateway;
    const before = await rig.gateway.status();
    const connected = await connections(rig);
    assert.ok(connected.length >= 3, 'the metrics count connections');
    this.letters = [];
    this.readings = [];
    for (const [at, message] of messages.entries()) {
      await this.publish(message);
      await this.device.publishAsync(`sentinel/${name}/${at}`, `{"at":${at}}`, { qos: 1 });
    }
    await this.collect(`sentinel/${name}/${messages.length - 1}`, before.ledger.messages.deadLettered);
    const { letters, readings } = this;

    const isSentinel = (reading: WireReading): boolean => reading.topic.startsWith(`sentinel/${name}/`);
    const sentinels = readings.filter(isSentinel).map((reading) => reading.values['at']);
    assert.deepEqual(
      sentinels.sort((a, b) => Number(a) - Number(b)),
      [...messages.keys()],
    );

    const after = await rig.gateway.status();
    const counted = Object.fromEntries(COUNTS.map((key) => [key, after.ledger.messages[key] - before.ledger.messages[key]])) as Record<Count, number>;
    const { received, deadLettered, abandoned, deduplicated } = counted;
    assert.deepEqual(
      { received, deadLettered, abandoned, deduplicated },
      { received: 2 * messages.length, deadLettered: letters.length, abandoned: 0, deduplicated: 0 },
    );
    assert.deepEqual(after.imbalance, { messages: 0, items: 0 });
    assert.deepEqual(after.inFlight, { messages: 0, items: 0 });
    assert.equal(rig.gateway.pid, pid);
    assert.deepEqual(await connections(rig), connected);
    return { letters, readings: readings.filter((reading) => !isSentinel(reading)), counted };
  }

  async close(): Promise<void> {
    await this.device.endAsync(true);
    await this.unlisten();
    await this.amqp.close();
  }
}
