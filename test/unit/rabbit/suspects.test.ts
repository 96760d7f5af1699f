import { describe, expect, it } from 'vitest';
import { type Fault, fault } from '../../../src/domain/fault.ts';
import type { BridgeLine, Sending } from '../../../src/rabbit/bridge-line.ts';
import { Suspects } from '../../../src/rabbit/suspects.ts';

/** A line that notes what it is given, and answers when it is told to. */
class FakeLine {
  readonly given: Sending[] = [];
  closed = 0;

  publish(sending: Sending): void {
    this.given.push(sending);
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}

function rig() {
  const lines: FakeLine[] = [];
  const state: { connected: boolean; opening: Promise<void> } = { connected: true, opening: Promise.resolve() };
  const suspects = new Suspects({
    open: async () => {
      await state.opening;
      if (!state.connected) return undefined;
      lines.push(new FakeLine());
      return lines.at(-1) as unknown as BridgeLine;
    },
  });
  const answers: string[] = [];
  const sending = (topic: string, id: string): Sending => ({
    id,
    message: { topic, payload: Buffer.from(id), qos: 1, retain: false, dup: false, clientId: 'c', receivedAt: 0 },
    routingKey: topic,
    late: false,
    done: (why) => answers.push(`${id} ${why?.code ?? 'taken'}`),
  });
  const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));
  const answer = async (why?: Fault): Promise<void> => {
    lines.at(-1)?.given.at(-1)?.done(why);
    await turn();
  };
  return { suspects, lines, state, answers, sending, turn, answer };
}

describe('suspected topics', () => {
  it('go one by one, and are cleared when all that waits of them is taken', async () => {
    const { suspects, lines, answers, sending, turn, answer } = rig();
    suspects.add([sending('a', 'a0'), sending('b', 'b0')]);
    for (const [topic, id] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
    ] as const)
      suspects.send(sending(topic, id));
    await turn();
    expect(lines[0]?.given.map(({ id }) => id)).toEqual(['a1']);
    await answer();
    // a2 waits: what comes of the topic now must not overtake it on the other line.
    expect(suspects.has('a')).toBe(true);
    await answer();
    expect(suspects.has('b')).toBe(false);
    await answer();
    expect(suspects.has('a')).toBe(false);
    expect(answers).toEqual(['a1 taken', 'b1 taken', 'a2 taken']);
  });

  it('stay suspected when they are refused, which costs their line and no more', async () => {
    const { suspects, lines, answers, sending, turn } = rig();
    suspects.add([sending('bad', 'x')]);
    suspects.send(sending('bad', 'x1'));
    suspects.send(sending('bad', 'x2'));
    await turn();
    const [line] = lines;
    suspects.ended(line as unknown as BridgeLine, fault('ACCESS_REFUSED', 'no'), line?.given ?? []);
    await turn();
    expect(answers).toEqual(['x1 ACCESS_REFUSED']);
    expect(suspects.has('bad')).toBe(true);
    expect(lines).toHaveLength(2);
    expect(lines[1]?.given.map(({ id }) => id)).toEqual(['x2']);
  });

  it('are given back while there is no connection, and at the end, also where a line was just opening', async () => {
    const { suspects, lines, state, answers, sending, turn } = rig();
    suspects.add([sending('a', 'a0')]);
    state.connected = false;
    suspects.send(sending('a', 'a1'));
    await turn();
    expect(answers).toEqual(['a1 NOT_CONNECTED']);
    state.connected = true;
    let opened: () => void = () => {};
    state.opening = new Promise((resolve) => {
      opened = resolve;
    });
    suspects.send(sending('a', 'a2'));
    await suspects.close(fault('NOT_CONNECTED', 'closing'), 10);
    expect(answers).toEqual(['a1 NOT_CONNECTED', 'a2 NOT_CONNECTED']);
    opened();
    await turn();
    expect(lines.map(({ given, closed }) => [given.length, closed])).toEqual([[0, 1]]);
  });

  it('are bounded', () => {
    const { suspects, sending } = rig();
    suspects.add(Array.from({ length: 10_001 }, (_, i) => sending(`t${i}`, 'x')));
    expect([suspects.has('t0'), suspects.has('t1'), suspects.has('t10000')]).toEqual([false, true, true]);
  });
});
