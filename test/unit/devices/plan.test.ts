import { describe, expect, it } from 'vitest';
import { Driver, type Lane } from '../../../devices/driver.ts';
import { ListPlan, type Plan, TurnPlan } from '../../../devices/plan.ts';
import { FakeClock } from './support.ts';

class TestLane implements Lane {
  readonly sent: { k: number; at: number; lateMs: number }[] = [];
  ready = true;
  private readonly plan: Plan;
  private readonly clock: FakeClock;
  private taken = 0;
  constructor(plan: Plan, clock: FakeClock) {
    this.plan = plan;
    this.clock = clock;
  }
  get nextDue(): number {
    return this.taken < this.plan.count ? this.plan.due(this.taken) : Number.POSITIVE_INFINITY;
  }
  emit(lateMs: number): void {
    this.sent.push({ k: this.taken, at: this.clock.monotonic(), lateMs });
    this.taken += 1;
  }
}

describe('plan', () => {
  it('the shares of all connections make up the whole fleet, evenly spaced, each device at its own interval', () => {
    const shares = [
      [0, 3, 6],
      [1, 4],
      [2, 5],
    ].map((members) => ({ members, plan: new TurnPlan(members, 7, 700, Number.POSITIVE_INFINITY) }));
    const all = shares.flatMap(({ members, plan }) =>
      Array.from({ length: members.length * 5 }, (_, k) => ({ due: plan.due(k), device: members[plan.speaker(k)] })),
    );
    all.sort((a, b) => a.due - b.due);
    expect(all.map(({ due }) => Math.round(due))).toEqual(Array.from({ length: 35 }, (_, m) => m * 100));
    expect(all.map(({ device }) => device)).toEqual(Array.from({ length: 35 }, (_, m) => m % 7));
  });

  it('dueBy agrees with due, for rates whose spacing is no round number', () => {
    for (const plan of [new TurnPlan([1, 4], 7, 7 * (1000 / 3), Number.POSITIVE_INFINITY), new TurnPlan([0, 1], 2, 333.3, 21), new ListPlan([0, 0, 5, 5, 9])]) {
      for (let k = 0; k < Math.min(plan.count, 500); k += 1) {
        const due = plan.due(k);
        expect(plan.dueBy(due)).toBeGreaterThan(k);
        expect(plan.dueBy(due - 0.5)).toBeLessThanOrEqual(plan instanceof ListPlan ? k + 1 : k);
      }
    }
    expect(new ListPlan([0, 0, 5, 5, 9]).dueBy(4.9)).toBe(2);
    expect(new TurnPlan([0], 1, 10, 5).dueBy(1e9)).toBe(5);
  });

  it('a limit is for the whole fleet', () => {
    const counts = [[0, 2], [1]].map((members) => new TurnPlan(members, 3, 30, 8).count);
    expect(counts).toEqual([5, 3]);
  });
});

describe('driver', () => {
  it('sends nothing while it is paused, and then what came due meanwhile', () => {
    const clock = new FakeClock();
    const lane = new TestLane(new TurnPlan([0], 1, 10, 6), clock);
    let ended = false;
    const driver = new Driver(clock, () => (ended = true));
    driver.start([lane]);
    clock.advance(15);
    driver.pause();
    clock.advance(20);
    driver.wake(lane);
    clock.advance(10);
    expect(lane.sent.map(({ k }) => k)).toEqual([0, 1]);
    driver.resume();
    clock.advance(1);
    expect(lane.sent.map(({ k }) => k)).toEqual([0, 1, 2, 3, 4]);
    clock.advance(10);
    expect(lane.sent.length).toBe(6);
    expect(ended).toBe(true);
  });

  it('sends at the planned times, in the order of the plan over all lanes', () => {
    const clock = new FakeClock();
    const lanes = [[0], [1], [2]].map((members) => new TestLane(new TurnPlan(members, 3, 30, 300), clock));
    let ended = false;
    const driver = new Driver(clock, () => {
      ended = true;
    });
    driver.start(lanes);
    clock.advance(995);
    expect(lanes.map((lane) => lane.sent.length)).toEqual([34, 33, 33]);
    for (const [i, lane] of lanes.entries()) {
      expect(lane.sent.map(({ at }) => at)).toEqual(lane.sent.map(({ k }) => k * 30 + i * 10));
      expect(lane.sent.every(({ lateMs }) => lateMs === 0)).toBe(true);
    }
    expect(ended).toBe(false);
    clock.advance(10_000);
    expect(lanes.map((lane) => lane.sent.length)).toEqual([100, 100, 100]);
    expect(ended).toBe(true);
  });

  it('a lane that is not ready skips nothing: the overdue goes out at once when it can, lateness counted, and others are not disturbed', () => {
    const clock = new FakeClock();
    const [held, free] = [[0], [1]].map((members) => new TestLane(new TurnPlan(members, 2, 20, Number.POSITIVE_INFINITY), clock)) as [TestLane, TestLane];
    const driver = new Driver(clock, () => {});
    held.ready = false;
    driver.start([held, free]);
    clock.advance(1000);
    expect(held.sent).toEqual([]);
    expect(free.sent.length).toBe(50);
    held.ready = true;
    driver.wake(held);
    clock.advance(0);
    // Due at 0, 20, ... 1000: all of them, now, in order.
    expect(held.sent.map(({ k }) => k)).toEqual(Array.from({ length: 51 }, (_, k) => k));
    expect(held.sent.map(({ lateMs }) => lateMs)).toEqual(Array.from({ length: 51 }, (_, k) => 1000 - k * 20));
    clock.advance(100);
    expect(held.sent.slice(51).map(({ lateMs }) => lateMs)).toEqual([0, 0, 0, 0, 0]);
  });

  it('a stalled event loop does not move the plan (no coordinated omission)', () => {
    const clock = new FakeClock();
    const lane = new TestLane(new TurnPlan([0], 1, 10, Number.POSITIVE_INFINITY), clock);
    const driver = new Driver(clock, () => {});
    driver.start([lane]);
    clock.advance(100);
    clock.stall(5000);
    clock.advance(0);
    expect(lane.sent.length).toBe(1 + 5100 / 10);
    expect(Math.max(...lane.sent.map(({ lateMs }) => lateMs))).toBe(4990);
  });

  it('stops for good', () => {
    const clock = new FakeClock();
    const lane = new TestLane(new TurnPlan([0], 1, 10, Number.POSITIVE_INFINITY), clock);
    const driver = new Driver(clock, () => {});
    driver.start([lane]);
    clock.advance(50);
    driver.stop();
    driver.wake(lane);
    clock.advance(1000);
    expect(lane.sent.length).toBe(6);
  });
});
