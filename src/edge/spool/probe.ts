import path from 'node:path';
import { FILE_MODE, makeFolder, quietly } from '../../state/files.ts';
import { type Answer, type LogFiles, writeWhole } from '../log/files.ts';

const PROBE_FILE = 'probe';
/** A disk that takes no more than this is as good as full. */
const PROBE_BYTES = 1_048_576;

/** Whether the folder can be written again: by writing and forcing a file, which goes away. No message is put at risk for it. */
export function probe(files: LogFiles, folder: string, done: Answer): void {
  const file = path.join(folder, PROBE_FILE);
  // Somebody may have removed it.
  quietly(() => makeFolder(files, folder));
  files.open(file, 'w', FILE_MODE, (error, handle) => {
    if (error !== null) return done(error);
    const end: Answer = (failure) => files.close(handle, () => files.unlink(file, () => done(failure)));
    writeWhole(files, handle, Buffer.alloc(PROBE_BYTES), PROBE_BYTES, 0, (failure) => {
      if (failure === null) files.fdatasync(handle, end);
      else end(failure);
    });
  });
}
