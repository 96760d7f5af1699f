import { hashPassword } from '../edge/access/password-hash.ts';
import { newPassword } from '../local/credentials.ts';
import { type Command, CommandError, EXIT } from './command.ts';

const HELP = `sluice edge: accounts of devices at an edge

Usage: sluice edge password            makes a password and its hash
       sluice edge password < FILE     hashes the first line of a file

Prints the hash for \`edge.users[].passwordHash\` on standard output; a password that was made is told on standard error, and nowhere
else. Hashes of RabbitMQ (password_hash in its definitions, SHA-256 or SHA-512) can stand there as they are.

Exit codes: 0 done, 2 wrong command line.
`;

async function run(argv: readonly string[]): Promise<number> {
  const [verb, ...rest] = argv;
  if (verb !== 'password' || rest.length > 0) {
    throw new CommandError(EXIT.usage, 'edge: sluice edge password makes a hash; a password is read from standard input, never from the command line');
  }
  const given = process.stdin.isTTY ? undefined : firstLine(await text(process.stdin));
  const password = given ?? newPassword();
  if (given === undefined) process.stderr.write(`password: ${password}\n`);
  process.stdout.write(`${await hashPassword(password)}\n`);
  return EXIT.ok;
}

async function text(input: AsyncIterable<Buffer | string>): Promise<string> {
  let all = '';
  for await (const chunk of input) all += chunk.toString();
  return all;
}

/** Undefined for no text at all: then a password is made. */
function firstLine(all: string): string | undefined {
  const [line = ''] = all.split(/\r?\n/, 1);
  return line === '' ? undefined : line;
}

export const command: Command = { name: 'edge', summary: 'make password hashes for devices of an edge', help: HELP, run };
