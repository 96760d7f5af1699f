import { describe, expect, it } from 'vitest';
import { EVENTS } from '../../../src/observe/log-table.ts';
import { fanOut } from '../../../src/observe/fan-out.ts';
import { Logging, type LoggingOptions } from '../../../src/observe/logging.ts';
import { EVERY_EVENT, SAMPLES } from './samples.ts';

type Line = Record<string, unknown>;

function setUp(changes: Partial<LoggingOptions> = {}): { logging: Logging; raw: string[]; lines: () => Line[]; clock: { ms: number } } {
  const raw: string[] = [];
  const clock = { ms: 0 };
  const logging = new Logging({ name: 'gate', level: 'debug', destination: { write: (line) => raw.push(line) }, monotonic: () => clock.ms, ...changes });
  return { logging, raw, lines: () => raw.map((line) => JSON.parse(line) as Line), clock };
}

const BAD_TOPIC = 'a/\u001b[2J\nlevel=fatal\r\u009b31m\u202eevil\u2028x\u007f';

describe('log lines', () => {
  it.each(EVERY_EVENT)('$type has its level, message and fields', (event) => {
    const { logging, lines } = setUp();
    logging.observer(event);
    const [line] = lines();
    const entry = EVENTS[event.type];
    expect(line).toMatchObject({ level: entry.level, name: 'gate', event: event.type, msg: entry.message });
    expect(line?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const { type: _, ...given } = event;
    expect(line).toMatchObject(JSON.parse(JSON.stringify(given)) as Line);
    // Every field of the event is in the table, so none is kept from the log by an oversight.
    expect([...entry.fields].map(String).sort()).toEqual(
      Object.keys(event)
        .filter((key) => key !== 'type')
        .sort(),
    );
  });

  it('raise the level for what needs eyes', () => {
    const { logging, lines } = setUp();
    logging.observer({ type: 'session-state', session: 'publish', state: 'blocked', address: 'rabbit-1:5672', reason: 'memory alarm' });
    logging.observer({ type: 'component-phase', component: 'source', phase: 'degraded', reason: 'x' });
    logging.observer({ type: 'drain', step: 'deadline', itemsLeft: 1, messagesLeft: 1 });
    expect(lines().map(({ level }) => level)).toEqual(['warn', 'warn', 'warn']);
  });

  it('stay away below the level', () => {
    const { logging, raw } = setUp({ level: 'info' });
    logging.observer(SAMPLES['batch-sealed']);
    logging.observer(SAMPLES['batch-forwarded']);
    expect(raw).toEqual([]);
    logging.observer(SAMPLES['source-attached']);
    expect(raw).toHaveLength(1);
  });

  it('hold no raw control or direction character, in JSON without loss', () => {
    const { logging, raw, lines } = setUp();
    logging.observer({ ...SAMPLES['dead-lettered'], topic: BAD_TOPIC });
    expect(raw).toHaveLength(1);
    // oxlint-disable-next-line no-control-regex -- that is the point
    expect(raw[0]).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e]+\n$/);
    expect(lines()[0]?.topic).toBe(BAD_TOPIC);
  });

  it('cut long fields', () => {
    const { logging, lines } = setUp();
    logging.observer({ ...SAMPLES['dead-lettered'], message: 'x'.repeat(100_000) });
    expect(String(lines()[0]?.message).length).toBeLessThan(1100);
    expect(lines()[0]?.message).toContain('(100000 characters)');
  });

  it('hold no secret: not in URLs, not in named fields, not in stacks', () => {
    const { logging, raw } = setUp();
    logging.observer({ ...SAMPLES['session-retry'], reason: 'amqp://sluice:hunter2@broker:5672 refused' });
    logging.logger.info({ rabbitmq: { url: 'amqps://u:hunter2@h', password: 'hunter2' }, token: 'hunter2' }, 'connect to amqp://u:hun@hunter2@h/v');
    logging.logger.error({ err: new Error('amqp://u:hunter2@h is down') }, 'failed');
    expect(raw).toHaveLength(3);
    expect(raw.join('')).not.toContain('hunter2');
    expect(raw[0]).toContain('amqp://sluice:***@broker:5672');
  });
});

describe('text form', () => {
  it('is one short line per event, with unsafe characters escaped', () => {
    const { logging, raw } = setUp({ format: 'text' });
    logging.observer(SAMPLES['lane-held']);
    logging.observer({ ...SAMPLES['dead-lettered'], topic: BAD_TOPIC });
    expect(raw[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} WARN  lane held route=readings destination="sluice.readings a.b" code=UNROUTABLE message="no queue is bound"\n$/,
    );
    // oxlint-disable-next-line no-control-regex -- that is the point
    expect(raw[1]).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e]+\n$/);
    expect(raw[1]).toContain('evil');
  });

  it('shows the stack of an error, indented', () => {
    const { logging, raw } = setUp({ format: 'text' });
    logging.logger.error({ err: new Error('boom\u001b[2J') }, 'failed');
    expect(raw[0]).toMatch(/ERROR failed\n {4}Error: boom\\u001b\[2J\n {4} {4}at /);
  });
});

describe('rate limit', () => {
  it('lets a few lines per type, code and route through and says how many were left out', () => {
    const { logging, lines, clock } = setUp({ limit: { lines: 2, windowMs: 1000 } });
    for (let i = 0; i < 50; i += 1) logging.observer(SAMPLES['publish-failed']);
    logging.observer({ ...SAMPLES['publish-failed'], code: 'BLOCKED' });
    logging.observer({ ...SAMPLES['publish-failed'], route: 'late' });
    expect(lines()).toHaveLength(4);
    expect(logging.stats().suppressed).toBe(48);
    clock.ms = 1000;
    logging.observer(SAMPLES['publish-failed']);
    expect(lines()).toHaveLength(6);
    expect(lines()[4]).toMatchObject({ level: 'warn', event: 'publish-failed', route: 'readings', code: 'UNROUTABLE', suppressed: 48 });
    expect(lines()[5]).not.toHaveProperty('suppressed');
  });

  it.each(['publish-failed', 'dead-lettered', 'rule-failed', 'lane-held', 'lane-resumed', 'session-retry', 'stale-ack', 'batch-split'] as const)(
    'holds for %s',
    (type) => {
      const { logging, raw } = setUp({ limit: { lines: 3, windowMs: 1000 } });
      for (let i = 0; i < 10; i += 1) logging.observer(SAMPLES[type]);
      expect(raw).toHaveLength(3);
    },
  );

  it('tells what was left out when the log is closed, once', async () => {
    const { logging, lines } = setUp({ limit: { lines: 1, windowMs: 1000 } });
    for (let i = 0; i < 3; i += 1) logging.observer(SAMPLES['rule-failed']);
    await logging.close();
    await logging.close();
    expect(lines()).toHaveLength(2);
    expect(lines()[1]).toMatchObject({ event: 'rule-failed', route: 'late', suppressed: 2 });
  });

  it('does not limit what cannot repeat quickly', () => {
    const { logging, raw } = setUp({ limit: { lines: 1, windowMs: 1000 } });
    for (let i = 0; i < 10; i += 1) logging.observer(SAMPLES.drain);
    expect(raw).toHaveLength(10);
  });

  it('remembers a bounded number of kinds, and forgets none of what it left out', () => {
    const { logging, lines } = setUp({ limit: { lines: 1, windowMs: 1_000_000 } });
    for (let i = 0; i < 3000; i += 1) {
      logging.observer({ ...SAMPLES['topology-repaired'], what: `queue ${i}` });
      logging.observer({ ...SAMPLES['topology-repaired'], what: `queue ${i}` });
    }
    // Before any window is over: the oldest kinds had to make room.
    expect(lines().filter((line) => line.suppressed === 1).length).toBeGreaterThanOrEqual(1999);
    logging.flushSync();
    const told = lines().reduce((sum, line) => sum + Number(line.suppressed ?? 0), 0);
    expect(told).toBe(3000);
    expect(logging.stats().suppressed).toBe(3000);
  });
});

describe('failures', () => {
  it('a destination that throws costs the line and nothing else', () => {
    const logging = new Logging({
      name: 'gate',
      level: 'info',
      destination: {
        write: () => {
          throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
        },
      },
    });
    for (const event of EVERY_EVENT) expect(() => logging.observer(event)).not.toThrow();
    expect(logging.stats().writeFailures).toBe(EVERY_EVENT.length - 2);
  });

  it('one observer that throws does not keep the event from the others', () => {
    const seen: string[] = [];
    const errors: unknown[] = [];
    const boom = new Error('bug');
    const observer = fanOut(
      [
        () => {
          throw boom;
        },
        (event) => seen.push(event.type),
      ],
      (error) => errors.push(error),
    );
    observer(SAMPLES.drain);
    expect(seen).toEqual(['drain']);
    expect(errors).toEqual([boom]);
  });
});
