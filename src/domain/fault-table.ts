import { FAULTS } from './fault.ts';

const STAGES = ['receive', 'decode', 'normalise', 'route', 'publish'] as const;

/** docs/faults.md: every code of `FAULTS`, by stage, in the order of the table. */
export function faultTable(): string {
  const lines = [
    '# Fault codes',
    '',
    'Every way a message, a reading or a batch can fail. The code stands in the header `x-sluice-code` of a dead letter, in the',
    'log and in the metrics. `permanent`: this input will never pass; it is dead-lettered. `retryable`: holding it and trying',
    'again may help; nothing behind it overtakes.',
    '',
    'This page is generated from `src/domain/fault.ts`; after a change run `UPDATE_DOCS=1 npm run test:unit -- test/docs`.',
  ];
  for (const stage of STAGES) {
    lines.push('', `## ${stage}`, '', '| code | kind | meaning |', '| --- | --- | --- |');
    for (const [code, { kind, stage: at, doc }] of Object.entries(FAULTS)) {
      if (at === stage) {
        lines.push(`| \`${code}\` | ${kind} | ${doc} |`);
      }
    }
  }
  return `${lines.join('\n')}\n`;
}
