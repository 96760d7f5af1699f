import { describe, expect, it } from 'vitest';
import { bytesOf, casesMissing, idIn, type PacketCase, packetCases } from './mosquitto-cases.ts';
import { connect, packet, parse, PINGREQ, type Received, text } from './packets.ts';
import { Raw, type Started, startListener, until } from './support.ts';

if (casesMissing !== undefined) console.warn(casesMissing);

/** Where this listener answers otherwise than mosquitto, and why. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'v3.1 CONNECT: 10 ok ': 'the reserved flag of CONNECT is set, which MQTT 3.1 lets pass and 3.1.1 does not (MQTT-3.1.2-3)',
  'v3.1 CONNECT: 10 proto ver 2': 'refused with return code 1 (MQTT-3.1.2-2); mosquitto answers with a reason code of MQTT 5',
  'v3.1 CONNECT: 10 proto ver 6': 'as above',
  'v3.1.1 CONNECT: 10 proto ver 6 [MQTT-3.1.2-2]': 'as above',
  'v3.1.1 FLOW: QoS 1 PUBLISH-PUBREC': 'PUBREC for a message of QoS 1 is answered as any other, and the connection stays',
  'v3.1.1 FLOW: QoS 2 PUBLISH-PUBCOMP': 'PUBCOMP before PUBREC: the message counts as taken',
  'v3.1.1 PUBLISH: 34 QoS 2 Dup flow*3': 'a packet id that is used again before PUBREL is answered each time (MQTT-4.3.3-2); mosquitto closes at the third',
};

const cases = packetCases();
const spoken = cases.filter(({ level }) => level < 5);

describe.skipIf(casesMissing !== undefined)('packet tests of mosquitto', () => {
  it('are all there: those of MQTT 5 are left out, which is not spoken here', () => {
    expect(spoken.length).toBeGreaterThan(150);
    expect(cases.length - spoken.length).toBeGreaterThan(700);
    const names = new Set(spoken.map(({ name }) => name));
    expect(Object.keys(OTHERWISE).filter((name) => !names.has(name))).toEqual([]);
  });

  it('are answered as mosquitto does, save for the listed ones', { timeout: 240_000 }, async () => {
    const started = await startListener();
    const wrong: string[] = [];
    for (const [at, one] of spoken.entries()) {
      const fault = await run(started, one, at);
      if ((fault === undefined) === (OTHERWISE[one.name] !== undefined)) wrong.push(`${one.name}: ${fault ?? 'passes, and is listed'}`);
    }
    expect(wrong).toEqual([]);
    expect(started.counters.heldMessagesNow).toBe(0);
  });
});

/** What goes wrong; undefined where nothing does. */
async function run({ port, listener }: Started, one: PacketCase, at: number): Promise<string | undefined> {
  const raw = await Raw.open(port);
  try {
    if (one.connect) {
      const head = one.level === 3 ? [text('MQIsdp'), Buffer.from([3, 2])] : [text('MQTT'), Buffer.from([4, 2])];
      raw.send(one.level === 3 ? packet(0x10, ...head, Buffer.from([0, 60]), text(`case${at}`)) : connect({ id: `case${at}` }));
      await until('CONNACK', () => raw.packets.length > 0 || raw.closed);
    }
    const unseen = (): Received[] => raw.packets.slice(one.connect ? 1 : 0);
    const taken = new Set<Received>();
    const ids = new Map<number, number>();
    for (const step of one.steps) {
      if (step.type === 'send') raw.send(bytesOf(step.payload, (id) => ids.get(id) ?? id));
      else if (step.type === 'external_publish')
        await listener.publish({ topic: step.topic, payload: Buffer.from(step.payload), qos: step.qos, retain: false });
      else {
        const find = (): Received | undefined => unseen().find((got) => !taken.has(got) && matches(got, step.payload, ids));
        await until('an answer', () => find() !== undefined || raw.closed, 10_000).catch(() => undefined);
        const found = find();
        if (found === undefined) return `no ${step.payload}; got ${unseen().map(show).join(' | ')}${raw.closed ? ', closed' : ''}`;
        taken.add(found);
        noteId(found, step.payload, ids);
      }
    }
    if (!one.closes) raw.send(PINGREQ);
    const alive = (): boolean => raw.packets.some(({ first }) => first === 0xd0);
    await until('the end', () => raw.closed || (!one.closes && alive()), one.closes ? 3_000 : 10_000).catch(() => undefined);
    if (one.closes !== raw.closed) return one.closes ? `stays open; got ${unseen().map(show).join(' | ')}` : 'was closed';
    return undefined;
  } finally {
    raw.socket.destroy();
  }
}

const show = ({ first, body }: Received): string => `${first.toString(16)} ${body.toString('hex')}`;

/** Ids of messages that the server sends are its own choice. */
function matches(got: Received, line: string, ids: ReadonlyMap<number, number>): boolean {
  const [want] = parse(bytesOf(line, (id) => ids.get(id) ?? id)).packets;
  if (want === undefined || want.first !== got.first) return false;
  const at = idAt(got);
  if (at === undefined) return want.body.equals(got.body);
  const without = (body: Buffer): Buffer => Buffer.concat([body.subarray(0, at), body.subarray(at + 2)]);
  return without(want.body).equals(without(got.body));
}

function noteId(got: Received, line: string, ids: Map<number, number>): void {
  const at = idAt(got);
  const id = idIn(line);
  if (at !== undefined && id !== undefined) ids.set(id, got.body.readUInt16BE(at));
}

function idAt({ first, body }: Received): number | undefined {
  return first >> 4 === 3 && (first & 6) > 0 ? 2 + body.readUInt16BE(0) : undefined;
}
