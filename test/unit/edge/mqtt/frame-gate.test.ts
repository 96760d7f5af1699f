import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameGate, type FrameOwner } from '../../../../src/edge/mqtt/frame-gate.ts';
import { connect, DISCONNECT, packet, PINGREQ, puback, publish, pubrel, subscribe } from './packets.ts';

const MAX = 1000;
const CONNECT = connect({ id: 'd' });
const everybody: FrameOwner = { admit: () => true };

const anyPacket = fc.oneof(
  fc
    .record({ topic: fc.constantFrom('a', 'a/b'), size: fc.integer({ min: 0, max: 400 }), qos: fc.constantFrom(0, 1, 2) })
    .map(({ topic, size, qos }) => publish(topic, Buffer.alloc(size, 7), { qos })),
  fc.constantFrom(PINGREQ, DISCONNECT, puback(1), pubrel(2), subscribe(3, 'a/#')),
);

/** Hands the bytes over in pieces; what does not pass is given again with the next piece. */
function feed(gate: FrameGate, bytes: Buffer, cuts: readonly number[], owner: FrameOwner, maxFrames: number): { passed: Buffer; calls: number } {
  const passed: Buffer[] = [];
  let rest = Buffer.alloc(0);
  let calls = 0;
  const pieces = [0, ...cuts, bytes.length];
  for (const [at, from] of pieces.entries()) {
    rest = Buffer.concat([rest, bytes.subarray(from, pieces[at + 1] ?? bytes.length)]);
    for (let refusedInARow = 0; rest.length > 0 && refusedInARow < 3 && gate.fault === undefined; calls++) {
      const count = gate.pass(rest, owner, maxFrames, MAX);
      passed.push(rest.subarray(0, count));
      rest = rest.subarray(count);
      refusedInARow = count === 0 ? refusedInARow + 1 : 0;
    }
  }
  return { passed: Buffer.concat(passed), calls };
}

describe('the framing gate', () => {
  it('lets every packet pass, whole and once, wherever the stream is cut and whoever has to wait', () => {
    const inputs = fc.record({
      packets: fc.array(anyPacket, { maxLength: 12 }),
      cuts: fc.array(fc.nat(6000), { maxLength: 20 }),
      answers: fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      maxFrames: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(inputs, ({ packets, cuts, answers, maxFrames }) => {
        const bytes = Buffer.concat([CONNECT, ...packets]);
        let asked = 0;
        const admitted: number[] = [];
        const owner: FrameOwner = {
          admit(length) {
            // Every third question is answered with yes, so that nobody waits for ever.
            const yes = asked % 3 === 2 || answers[asked % answers.length] === true;
            asked++;
            if (yes) admitted.push(length);
            return yes;
          },
        };
        const gate = new FrameGate();
        const sorted = cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b);
        const { passed } = feed(gate, bytes, sorted, owner, maxFrames);
        expect(gate.fault).toBeUndefined();
        expect(passed.equals(bytes)).toBe(true);
        expect(gate.inside).toBe(false);
        expect(gate.frames).toBe(packets.length + 1);
        const bodies = packets.filter((one) => (one[0] as number) >> 4 === 3).map((one) => one.length - (one.length > 129 ? 3 : 2));
        expect(admitted).toEqual(bodies);
      }),
    );
  });

  it('passes nothing of a PUBLISH that has to wait but its first bytes', () => {
    const gate = new FrameGate();
    const bytes = Buffer.concat([CONNECT, PINGREQ, publish('a', 'x'.repeat(200))]);
    expect(gate.pass(bytes, { admit: () => false }, 100, MAX)).toBe(CONNECT.length + PINGREQ.length + 2);
    const rest = bytes.subarray(CONNECT.length + PINGREQ.length + 2);
    expect(gate.pass(rest, { admit: () => false }, 100, MAX)).toBe(0);
    expect(gate.pass(rest, everybody, 100, MAX)).toBe(rest.length);
  });

  it.each([
    ['a packet that is too long, before its body', Buffer.concat([CONNECT, Buffer.from([0x30, 0xe9, 0x07])]), 'packet-too-large'],
    ['a length of five bytes', Buffer.concat([CONNECT, Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01])]), 'malformed'],
    ['the longest length there is', Buffer.concat([CONNECT, Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f])]), 'packet-too-large'],
    ['another packet than CONNECT first', publish('a', 'b'), 'malformed'],
    ['a second CONNECT', Buffer.concat([CONNECT, CONNECT]), 'malformed'],
    ['a packet of servers', Buffer.concat([CONNECT, packet(0x20, Buffer.from([0, 0]))]), 'malformed'],
    ['reserved flags', Buffer.concat([CONNECT, Buffer.from([0xc1, 0])]), 'malformed'],
    ['SUBSCRIBE without its flag', Buffer.concat([CONNECT, Buffer.from([0x80, 6])]), 'malformed'],
    ['quality of service 3', Buffer.concat([CONNECT, Buffer.from([0x36, 6])]), 'malformed'],
    ['DUP without an acknowledgement', Buffer.concat([CONNECT, Buffer.from([0x38, 6])]), 'malformed'],
    ['PINGREQ with a body', Buffer.concat([CONNECT, Buffer.from([0xc0, 1, 0])]), 'malformed'],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'malformed'],
    ['a CONNECT of megabytes', Buffer.from([0x10, 0xff, 0xff, 0x7f]), 'packet-too-large'],
  ] as const)('stops at %s', (_name, bytes, fault) => {
    for (const cut of bytes.keys()) {
      const gate = new FrameGate();
      feed(gate, bytes, [cut], everybody, 100);
      expect(gate.fault).toBe(fault);
    }
  });
});
