import { spawn } from 'node:child_process';

/** An expected failure: the message is all that the person at the terminal sees. */
export class SetupError extends Error {}

/** @param {string} text */
export function say(text) {
  for (const line of text.split('\n')) console.error(`setup: ${line}`);
}

/**
 * @typedef {object} Ran
 * @property {number} code exit code; 127 when the command does not exist, 124 when it was ended for taking too long
 * @property {string} output standard output and error together
 */

/**
 * Runs a command without a shell and collects what it says. Never throws for a command that fails.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs: number }} options
 * @returns {Promise<Ran>}
 */
export function run(command, args, options) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, options.timeoutMs);
    /** @param {Buffer} chunk */
    const collect = (chunk) => {
      output = (output + chunk.toString('utf8')).slice(-200_000);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ code: 127, output: error.message });
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code: late ? 124 : (code ?? 1), output });
    });
  });
}

/**
 * The end of a command's output, for a message.
 * @param {string} output
 * @param {number} lines
 */
export function lastLines(output, lines) {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .map((line) => `  ${line}`)
    .join('\n');
}
