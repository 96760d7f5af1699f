import type { BrokerNode } from './broker-node.ts';
import { BrokerNodeError } from './broker-node.ts';
import { dockerAnswers, startDockerNode } from './docker-node.ts';
import { findRabbit } from './rabbit-install.ts';
import { type RabbitNodeOptions, startRabbitNode } from './rabbit-node.ts';

/** A broker of our own: the server installed on this machine, else a container. Throws `BrokerNodeError` when there is neither. */
export async function startBroker(options: RabbitNodeOptions): Promise<BrokerNode> {
  if (findRabbit() !== undefined) return await startRabbitNode(options);
  if (await dockerAnswers()) return await startDockerNode(options);
  throw new BrokerNodeError(
    'NOT_INSTALLED',
    'no RabbitMQ server on this machine and no Docker engine that answers; `node src/setup/setup.mjs start` says how to get one',
  );
}
