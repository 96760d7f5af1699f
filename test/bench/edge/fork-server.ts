import { fork } from 'node:child_process';
import { once } from 'node:events';
import { script } from '../support/place.ts';

/** A script of the bench that listens and tells its port, in a process of its own. */
export async function forkServer(name: string): Promise<{ readonly port: number; readonly pid: number; readonly stop: () => Promise<void> }> {
  const child = fork(script(name), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  const ended = once(child, 'exit');
  const first = await Promise.race([once(child, 'message'), ended.then(([code]) => new Error(`${name} ended with ${code} before it listened`))]);
  if (first instanceof Error) throw first;
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { port: first[0] as number, pid: child.pid as number, stop };
}
