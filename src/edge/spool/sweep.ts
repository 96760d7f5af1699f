import { isAbsent } from '../../state/files.ts';
import type { Appender } from '../log/appender.ts';
import type { LogFiles } from '../log/files.ts';
import type { Mark, MarkState } from './mark.ts';
import type { Shelf } from './shelf.ts';

export interface SweepOptions {
  readonly files: LogFiles;
  readonly shelf: Shelf;
  readonly mark: Mark;
  readonly state: () => MarkState;
  readonly appender: Pick<Appender, 'uses'>;
  readonly onFreed: () => void;
  /** Something could not be removed: worth another try later. */
  readonly onLeft: () => void;
}

/**
 * Removes segments of which everything is settled. Before that the mark is forced to the disk: so the numbers of what is removed
 * are not given again, even if nothing else is left that tells them, and a power cut gives back little more than one segment.
 */
export class Sweeper {
  private readonly options: SweepOptions;
  private isBusy = false;
  private readonly whenIdle: (() => void)[] = [];

  constructor(options: SweepOptions) {
    this.options = options;
  }

  sweep(): void {
    const { shelf, mark, state } = this.options;
    const { frontier } = state();
    const first = shelf.segments[0];
    if (this.isBusy || first === undefined || first.end > frontier || this.options.appender.uses(first.path)) return;
    this.isBusy = true;
    mark.write(state(), true, (error) => this.removeNext(frontier, error === null));
  }

  /** Calls back when nothing is being removed. */
  settle(done: () => void): void {
    if (this.isBusy) this.whenIdle.push(done);
    else done();
  }

  private removeNext(frontier: number, isMarked: boolean): void {
    const { shelf, files, appender } = this.options;
    const segment = shelf.segments[0];
    if (segment === undefined || segment.end > frontier || appender.uses(segment.path)) {
      this.end();
      // More may have been settled meanwhile, behind what the mark says.
      return this.sweep();
    }
    if (!isMarked && shelf.segments.length === 1) return this.fail();
    segment.isDoomed = true;
    files.unlink(segment.path, (error) => {
      segment.isDoomed = false;
      if (error !== null && !isAbsent(error)) return this.fail();
      shelf.removeFirst();
      this.options.onFreed();
      this.removeNext(frontier, isMarked);
    });
  }

  private fail(): void {
    this.options.onLeft();
    this.end();
  }

  private end(): void {
    this.isBusy = false;
    for (const done of this.whenIdle.splice(0)) done();
  }
}
