import { Environment } from '@marcbachmann/cel-js';
import { firstLine } from '../../domain/excerpt.ts';

/** What an expression may name; the router declares the same, and a test holds the two together. */
const environment = new Environment({ unlistedVariablesAreDyn: false })
  .registerVariable('device', 'string')
  .registerVariable('profile', 'string')
  .registerVariable('topic', 'string')
  .registerVariable('values', 'map')
  .registerVariable('units', 'map')
  .registerVariable('tags', 'map')
  .registerVariable('flags', 'list')
  .registerVariable('measuredAt', 'double')
  .registerVariable('receivedAt', 'double');

/** Why a text is no condition on a reading, or undefined: its syntax, a name that is not known, or an answer other than true or false. */
export function expressionProblem(text: string): string | undefined {
  let parsed: ReturnType<typeof environment.parse>;
  try {
    parsed = environment.parse(text);
  } catch (error) {
    return `this is not a CEL expression: ${firstLine(error)}`;
  }
  const check = parsed.check();
  if (!check.valid) return `this CEL expression cannot be evaluated: ${firstLine(check.error)}`;
  if (check.type !== 'bool' && check.type !== 'dyn') return `the expression must answer true or false, not ${check.type ?? 'something else'}`;
  return undefined;
}
