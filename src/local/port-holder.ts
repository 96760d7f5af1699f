import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { commandOf } from './processes.ts';

// proc(5), /proc/net/tcp: local address as hex ip:port, state 0A = listening, tenth column the inode of the socket.
const LISTENING = '0A';

/** Inodes of the sockets that listen on `port`, from the text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(wanted) === true && columns[3] === LISTENING)
    .flatMap((columns) => (columns[9] === undefined ? [] : [columns[9]]));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** Who listens on a port, where the system lets us see it (Linux, own processes or root). */
export function portHolder(port: number): { readonly pid: number; readonly command: string } | undefined {
  const links = new Set(['tcp', 'tcp6'].flatMap((name) => listeningInodes(read(`/proc/net/${name}`), port)).map((inode) => `socket:[${inode}]`));
  if (links.size === 0) return undefined;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) if (links.has(readlinkSync(`/proc/${pid}/fd/${fd}`))) return { pid, command: commandOf(pid) };
    } catch {
      // Not ours to read, or it has just ended.
    }
  }
  return undefined;
}

/** `node dist/src/main.js run ...` cut to something that fits a line. */
export function shortCommand(command: string): string {
  return command.length <= 80 ? command : `${command.slice(0, 77)}...`;
}
