import { type Fault, type Heal, orMend } from '../fault.ts';
import type { Field } from '../field.ts';

const SLACK_MS = 30_000;

/** Changes an account's way in, and closes its connections so that it must come in anew. */
function lockedOut(kind: string, doc: string, lock: (name: string) => readonly string[], unlock: (field: Field, name: string) => readonly string[]): Fault {
  return {
    kind,
    rows: ['F28'],
    doc,
    needs: 'private',
    showsWithinMs: () => SLACK_MS,
    holdMs: 3000,
    inject: async (field) => {
      const { node, users, gateway } = field.site;
      const heal: Heal = async () => {
        await node.ctl(unlock(field, users.gateway.name));
        field.require(gateway.running, 'the gateway ended instead of waiting');
        if (!gateway.running) await gateway.start();
      };
      await node.ctl(lock(users.gateway.name));
      return await orMend(heal, async () => {
        field.strike();
        field.site.proxies.amqp.cut();
        await field.until(
          'the gateway says that it is refused',
          async () => (await gateway.status()).reasons.some((reason) => /refuse|access|denied|password|permission|right/i.test(reason)),
          60_000,
        );
      });
    },
  };
}

export const wrongPassword = lockedOut(
  'wrong-password',
  "the gateway's password is changed on the broker and its connections are cut; later it is changed back",
  (name) => ['change_password', name, 'not-the-password'],
  (field, name) => ['change_password', name, field.site.users.gateway.password],
);

export const vhostRefused: Fault = lockedOut(
  'vhost-refused',
  'the gateway loses its right to the virtual host and its connections are cut; later it gets it back',
  (name) => ['clear_permissions', '-p', '/', name],
  (field, name) => {
    // As the definitions of the node say.
    const { configure, write, read } = field.site.gatewayRights;
    return ['set_permissions', '-p', '/', name, configure, write, read];
  },
);

export const ACCOUNT_FAULTS = [wrongPassword, vhostRefused];
