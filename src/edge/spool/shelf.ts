import type { OpenFile } from '../log/batch.ts';
import { newSegment, type Segment } from './segment.ts';

/** The segments in order, and how much they hold. */
export class Shelf {
  readonly segments: Segment[];
  bytes: number;

  constructor(segments: Segment[]) {
    this.segments = segments;
    this.bytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get missing(): number {
    let sum = 0;
    for (const { missing } of this.segments) sum += missing;
    return sum;
  }

  /** The file ends behind the number before `end` now. */
  grow(file: OpenFile, end: number, now: number): Segment {
    let segment = this.segments.at(-1);
    if (segment?.path !== file.path) {
      segment = newSegment(file.path, file, 0, now);
      this.segments.push(segment);
    }
    this.resize(segment, file.length);
    segment.end = end;
    return segment;
  }

  resize(segment: Segment, bytes: number): void {
    this.bytes += bytes - segment.bytes;
    segment.bytes = bytes;
  }

  removeFirst(): void {
    this.bytes -= this.segments.shift()?.bytes ?? 0;
  }
}
