import { writeFileSync } from 'node:fs';
import { newPassword } from '../local/credentials.ts';
import { definitionsJson } from '../rabbit/definitions.ts';
import { deviceCommands, deviceUser, deviceUserName } from '../rabbit/device-account.ts';
import { messageOf } from '../rabbit/reasons.ts';
import { CommandError, EXIT } from './command.ts';

export interface DeviceAccountOptions {
  /** `SITE` or `SITE/DEVICE`. */
  readonly names: readonly string[];
  /** A definitions file instead of `rabbitmqctl` lines. */
  readonly definitions: boolean;
  /** New file for the passwords that are made. */
  readonly passwordsFile: string | undefined;
  /** Of the one account; else one is made for each. */
  readonly password: string | undefined;
  readonly exchange: string;
  readonly vhost: string;
}

/** Accounts of devices as text for standard output; writes the file of passwords, where there is one, first. */
export function deviceAccounts(options: DeviceAccountOptions): string {
  const { names, definitions, passwordsFile, exchange, vhost } = options;
  if (!definitions && passwordsFile !== undefined) throw usage('--passwords goes with --definitions; rabbitmqctl add_user asks for the password');
  const given = names.length === 1 ? options.password : undefined;
  if (definitions && given === undefined && passwordsFile === undefined) {
    throw usage('--device with --definitions needs --passwords FILE for the passwords that it makes, or for one account SLUICE_DEVICE_PASSWORD');
  }
  const accounts = [...new Set(names)].map((text) => {
    const [name = '', device, ...more] = text.split('/');
    if (more.length > 0) throw usage(`--device is SITE or SITE/DEVICE, not ${JSON.stringify(text)}`);
    return { name, device, password: given ?? newPassword() };
  });
  let users: ReturnType<typeof deviceUser>[];
  try {
    users = accounts.map((account) => deviceUser(account, exchange));
  } catch (error) {
    throw usage(messageOf(error));
  }
  if (!definitions) return users.map((user) => deviceCommands(user, vhost)).join('\n');
  if (passwordsFile !== undefined) save(passwordsFile, accounts.map((account) => `${deviceUserName(account)} ${account.password}\n`).join(''));
  return definitionsJson({ exchanges: [], queues: [], bindings: [] }, users, { vhost });
}

/** Never over an older file: its passwords may be in use. */
function save(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw usage(code === 'EEXIST' ? `--passwords: ${file} exists already; name a new file` : `--passwords: ${messageOf(error)}`);
  }
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, `topology: ${message}`);
}
