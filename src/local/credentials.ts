import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Account } from './broker-node.ts';

/** The accounts of a private node. `device` is one site's account for its MQTT devices. */
export interface Accounts {
  /** Management UI and everything else. */
  readonly admin: Account;
  readonly gateway: Account;
  readonly consumer: Account;
  readonly device: Account;
}

const NAMES: Readonly<Record<keyof Accounts, string>> = { admin: 'admin', gateway: 'gateway', consumer: 'consumer', device: 'plant-1' };

export const ROLES: readonly (keyof Accounts)[] = ['admin', 'gateway', 'consumer', 'device'];

/** 24 random bytes as 32 URL-safe characters: no quoting in a shell or a URL. Never begins with `-`, which tools take for an option. */
export function newPassword(random: (bytes: number) => Buffer = randomBytes): string {
  let password = random(24).toString('base64url');
  while (password.startsWith('-')) password = random(24).toString('base64url');
  return password;
}

export function newAccounts(): Accounts {
  const account = (role: keyof Accounts): Account => ({ name: NAMES[role], password: newPassword() });
  return { admin: account('admin'), gateway: account('gateway'), consumer: account('consumer'), device: account('device') };
}

function parse(text: string): Accounts | undefined {
  let value: Partial<Record<keyof Accounts, Partial<Account>>>;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const usable = ROLES.every((role) => value?.[role]?.name === NAMES[role] && (value[role]?.password?.length ?? 0) >= 24);
  return usable ? (value as Accounts) : undefined;
}

/** Reads a secret from `path`; makes it once (file 0600) where the file is missing or cut short. */
export function loadSecret(path: string): string {
  try {
    const known = readFileSync(path, 'utf8').trim();
    if (known.length >= 24) {
      chmodSync(path, 0o600);
      return known;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const secret = newPassword();
  writeWhole(path, `${secret}\n`);
  return secret;
}

/** Whole or not at all: a crash half way must not leave half a file. */
function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

/** Reads the accounts from `path`; makes them once (file 0600, folder 0700) where the file is missing, cut short or of an older shape. */
export function loadAccounts(path: string): Accounts {
  let known: Accounts | undefined;
  try {
    known = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (known !== undefined) {
    chmodSync(path, 0o600);
    return known;
  }
  const accounts = newAccounts();
  writeWhole(path, `${JSON.stringify(accounts, undefined, 2)}\n`);
  return accounts;
}
