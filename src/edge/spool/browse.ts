import { isAbsent } from '../../state/files.ts';
import { type LogFiles, REAL_LOG_FILES } from '../log/files.ts';
import { FileReader } from '../log/read-file.ts';
import type { SpooledMessage } from '../ports.ts';
import { readMark } from './mark.ts';
import { readMessage } from './message-record.ts';
import { type Damage, endOf, listSegments, noteDamage, type Segment } from './segment.ts';

const WINDOW_BYTES = 262_144;

/** What can be told of a folder without reading the messages. */
export interface SpoolGlance {
  /** At most so many wait: what is damaged, was dropped, or was settled out of order is among them. */
  readonly messages: number;
  readonly bytes: number;
  readonly segments: number;
  /** When the first message of the oldest segment that is not wholly settled was kept, in milliseconds since 1970. */
  readonly oldestAt: number | undefined;
  readonly frontier: number;
  /** Files that this version cannot read. */
  readonly strange: number;
}

/**
 * The messages of a spool, for a look from outside: it takes no lock and writes nothing, so a gateway may be at work there. What it
 * settles while this reads may be among them, and what it settled out of order always is.
 */
export class SpoolBrowser {
  /** What was found until now; what a gateway is writing at this moment counts as a torn tail. */
  readonly damage: Damage = { regions: 0, bytes: 0, tornTails: 0 };
  private readonly files: LogFiles;
  private readonly folder: string;

  constructor(folder: string, files: LogFiles = REAL_LOG_FILES) {
    this.folder = folder;
    this.files = files;
  }

  /** Throws what the file system throws where the folder cannot be listed. */
  glance(): SpoolGlance {
    const { segments, strange } = listSegments(this.files, this.folder);
    const frontier = this.frontierOf(segments);
    const last = segments.at(-1);
    let end = Math.max(frontier, readMark(this.files, this.folder).state?.next ?? 1);
    if (last !== undefined) end = Math.max(end, endOf(this.files, last) ?? last.first);
    const missing = segments.reduce((sum, segment) => sum + segment.missing, 0);
    const waiting = segments.filter((segment) => segment === last || segment.end > frontier);
    const messages = Math.max(0, end - frontier - missing);
    return {
      messages,
      bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      segments: segments.length,
      oldestAt: messages === 0 ? undefined : waiting[0]?.since,
      frontier,
      strange: strange.length,
    };
  }

  /** In order, beginning with the oldest that is not settled. */
  async *messages(): AsyncGenerator<SpooledMessage> {
    const { segments } = listSegments(this.files, this.folder);
    let cursor = this.frontierOf(segments);
    for (const segment of segments) {
      const isLast = segment === segments.at(-1);
      if (!isLast && segment.end <= cursor) continue;
      let reader: FileReader;
      try {
        reader = await FileReader.open(this.files, segment.path, segment);
      } catch (error) {
        // Settled and removed meanwhile.
        if (isAbsent(error)) continue;
        throw error;
      }
      try {
        while (await reader.load(WINDOW_BYTES, segment.bytes)) {
          const { scanner, window } = reader;
          while (scanner.next()) {
            if (scanner.number < cursor || (!isLast && scanner.number >= segment.end)) continue;
            cursor = scanner.number + 1;
            const message = readMessage(window, scanner.start, scanner.end);
            if (message !== undefined) yield { seq: scanner.number, message };
          }
        }
        noteDamage(segment, reader.scanner, isLast || cursor >= segment.end, this.damage);
      } finally {
        await reader.close();
      }
    }
  }

  private frontierOf(segments: readonly Segment[]): number {
    return Math.max(readMark(this.files, this.folder).state?.frontier ?? 1, segments[0]?.first ?? 1);
  }
}
