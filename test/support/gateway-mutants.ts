import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Gateways of which each breaks one promise: what `sluice verify` has to catch.

export interface GatewayMutant {
  readonly file: string;
  /** Text of the build, and what stands there instead. */
  readonly edits: readonly (readonly [string, string])[];
}

const ROOT = join(import.meta.dirname, '..', '..');

/** The mutated text of its file. Throws where the build has changed, and the mutant would be none. */
export function mutated({ file, edits }: GatewayMutant): string {
  let text = readFileSync(join(ROOT, 'dist/src', file), 'utf8');
  for (const [from, to] of edits) {
    if (text.split(from).length !== 2) throw new Error(`${file} does not have ${JSON.stringify(from)} once: write the mutant anew`);
    text = text.replace(from, () => to);
  }
  return text;
}

/** A copy of the build with the mutant in it; answers its folder, which the caller removes. */
export function mutantBuild(mutant: GatewayMutant): string {
  mkdirSync(join(ROOT, '.sluice'), { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(ROOT, '.sluice', 'mutant-'));
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  for (const name of ['package.json', 'config']) symlinkSync(join(ROOT, name), join(folder, name));
  writeFileSync(join(folder, 'dist/src', mutant.file), mutated(mutant));
  return folder;
}

export const ACKS_ON_DELIVERY: GatewayMutant = {
  file: 'rabbit/intake.js',
  edits: [
    ['channel.ack({ fields: { deliveryTag } }, allUpTo)', 'undefined'],
    ['this.options.deliver(this, message)', '(this.channel.ack({ fields: message.fields }), this.options.deliver(this, message))'],
  ],
};
export const ACKS_BEFORE_THE_CONFIRM: GatewayMutant = {
  file: 'rabbit/confirm-line.js',
  edits: [['            this.watch();\n        });\n    }\n    /** Gives up', '            this.settle(pending, OK);\n        });\n    }\n    /** Gives up']],
};
export const IGNORES_RETURNS: GatewayMutant = {
  file: 'rabbit/confirm-channel.js',
  edits: [["each.returned = message.fields.replyText ?? 'returned'", 'each.returned = undefined']],
};
export const RETRIES_BEHIND_LATER_WORK: GatewayMutant = {
  file: 'pipeline/lane.js',
  edits: [
    [
      '        this.itemCount += batch.items.length;\n        this.start();',
      '        this.itemCount += batch.items.length;\n        void this.sendHead(batch);',
    ],
  ],
};

/** Not for `verify`: a gateway with a bug that one message meets. */
export const ENDS_ON_POISON: GatewayMutant = {
  file: 'pipeline/forwarder.js',
  edits: [
    ['this.options.recent.add(message);', "if (message.body.includes('poison')) throw new Error('poisoned');\n        this.options.recent.add(message);"],
  ],
};

export const GATEWAY_MUTANTS: readonly GatewayMutant[] = [ACKS_ON_DELIVERY, ACKS_BEFORE_THE_CONFIRM, IGNORES_RETURNS, RETRIES_BEHIND_LATER_WORK];
