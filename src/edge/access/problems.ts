import type { AccessSettings, AccountSettings } from './accounts.ts';
import { hashProblem } from './password-hash.ts';
import { isLevelText, ruleProblem } from './rules.ts';

/** Something wrong with the settings of access: below which of its keys, and a sentence that shows no secret. */
export interface AccessProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const MOST_NAME_BYTES = 128;

/** All that is wrong, for whoever wrote it. */
export function accessProblems(settings: AccessSettings): AccessProblem[] {
  const problems: AccessProblem[] = [];
  const seen = new Map<string, number>();
  for (const [i, user] of settings.users.entries()) {
    const at = ['users', i] as const;
    problems.push(...userProblems(user).map(({ path, message }) => ({ path: [...at, ...path], message })));
    const first = seen.get(user.name);
    if (first === undefined) seen.set(user.name, i);
    else problems.push({ path: [...at, 'name'], message: `${JSON.stringify(user.name)} is the name of users[${first}] already` });
  }
  for (const key of ['publish', 'subscribe'] as const) problems.push(...rulesProblems(settings.anonymous?.[key], ['anonymous', key], false));
  return problems;
}

function userProblems(user: AccountSettings): AccessProblem[] {
  const problems: AccessProblem[] = [];
  const hash = user.passwordHash;
  if (!isLevelText(user.name) || Buffer.byteLength(user.name) > MOST_NAME_BYTES) {
    const message = `${JSON.stringify(user.name)} cannot be a name: it stands for a level of topics, so it has 1 to ${MOST_NAME_BYTES} bytes, no / + # { } or control characters, and no $ at its beginning`;
    problems.push({ path: ['name'], message });
  }
  if (user.certificateOnly === true && hash !== undefined) problems.push({ path: ['passwordHash'], message: 'a user that is certificateOnly has no password' });
  if (user.certificateOnly !== true && hash === undefined) {
    problems.push({
      path: [],
      message: 'has neither a passwordHash (`sluice edge password` makes one) nor certificateOnly: true, so nobody could ever log in',
    });
  }
  const problem = hash === undefined ? undefined : hashProblem(hash);
  if (problem !== undefined) problems.push({ path: ['passwordHash'], message: `this text ${problem}` });
  for (const key of ['publish', 'subscribe'] as const) problems.push(...rulesProblems(user[key], [key], true));
  return problems;
}

function rulesProblems(rules: readonly string[] | undefined, path: readonly (string | number)[], named: boolean): AccessProblem[] {
  return (rules ?? []).flatMap((rule, i) => {
    const problem = ruleProblem(rule, named);
    return problem === undefined ? [] : [{ path: [...path, i], message: `the filter ${JSON.stringify(rule)} ${problem}` }];
  });
}
