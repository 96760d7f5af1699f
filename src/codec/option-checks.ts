import type { CodecOptions } from './registry.ts';

/** Problems of options as sentences, for `checkOptions`; empty when all is good. */

export function unknownOptions(options: CodecOptions, known: readonly string[]): string[] {
  const stray = Object.keys(options).filter((name) => !known.includes(name));
  return stray.map((name) => `${name}: there is no such option; there are ${known.join(', ')}`);
}

export function oneOf(name: string, value: unknown, choices: readonly string[]): string[] {
  return value === undefined || (typeof value === 'string' && choices.includes(value))
    ? []
    : [`${name}: must be ${choices.map((choice) => `"${choice}"`).join(' or ')}`];
}

/** A list of texts. `other` names what else the option may be. */
export function texts(name: string, value: unknown, other?: string): string[] {
  const good = value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'));
  return good ? [] : [`${name}: must be a list of texts${other === undefined ? '' : ` or "${other}"`}`];
}

/** One ASCII character, neither a letter nor a digit nor a line end. */
export function sign(name: string, value: unknown): string[] {
  const good = value === undefined || (typeof value === 'string' && /^[\t !-/:-@[-`{-~]$/.test(value));
  return good ? [] : [`${name}: must be one ASCII character that is no letter, digit or line end`];
}

export function count(name: string, value: unknown, most: number): string[] {
  const good = value === undefined || (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most);
  return good ? [] : [`${name}: must be a whole number from 0 to ${most}`];
}
