import type { EpochMs } from '../domain/message.ts';
import type { CodecEnvironment } from './registry.ts';
import type { Definitions } from './sparkplug-definitions.ts';
import { NodeState } from './sparkplug-node.ts';
import { fromSnapshot, snapshot } from './sparkplug-snapshot.ts';

/** Bounds of the memory. The least recently used node goes first; it is asked for its birth when it speaks again. */
export const MAX_NODES = 5_000;
export const MAX_WEIGHT = 128 * 1_048_576;
/** One node and its devices: about 15 000 metrics. */
export const MAX_NODE_WEIGHT = 4 * 1_048_576;
/** Saved states, so that one birth need not write all of them: some nodes share one, by a hash of their names. */
const SHARDS = 256;
/**
 * Sequence numbers are not saved, or every message would cost a write. So after a restart a node's sequence begins where it
 * is met, and for this time no gap is called one: the broker sends again what was not acked, with holes where it was.
 */
export const SETTLE_MS = 60_000;

/**
 * The edge nodes that the gateway knows, in memory and across restarts.
 *
 * Births and deaths are saved; the environment makes that durable before their messages are acked. Aliases that changed and
 * were not saved would give wrong names to values after a crash.
 */
export class SparkplugStore {
  private readonly environment: CodecEnvironment;
  /** In order of use. */
  private readonly nodes: Map<string, NodeState> = new Map();
  private readonly weights: Map<string, number> = new Map();
  private readonly loaded: Set<number> = new Set();
  private readonly shards: Map<number, Set<string>> = new Map();
  private weight = 0;

  constructor(environment: CodecEnvironment) {
    this.environment = environment;
  }

  get size(): number {
    return this.nodes.size;
  }

  find(key: string): NodeState | undefined {
    const shard = shardOf(key);
    if (!this.loaded.has(shard)) {
      this.load(shard, this.environment.now());
    }
    const node = this.nodes.get(key);
    if (node !== undefined) {
      this.nodes.delete(key);
      this.nodes.set(key, node);
    }
    return node;
  }

  create(key: string): NodeState {
    const node = new NodeState(key);
    this.put(node);
    return node;
  }

  /** Whether a node may have these definitions for one of its devices besides all others. Makes room where it can. */
  fits(node: NodeState, device: string, definitions: Definitions): boolean {
    if (node.weight + definitions.weight <= MAX_NODE_WEIGHT) {
      return true;
    }
    node.trim(device);
    return node.weight - (node.devices.get(device)?.definitions.weight ?? 0) + definitions.weight <= MAX_NODE_WEIGHT;
  }

  /** After each change of a node that a restart must not forget. */
  changed(node: NodeState): void {
    this.weigh(node);
    const shard = shardOf(node.key);
    this.environment.save(nameOf(shard), () => this.snapshot(shard));
    this.evict();
  }

  private load(shard: number, now: EpochMs): void {
    this.loaded.add(shard);
    for (const node of fromSnapshot(this.environment.load(nameOf(shard)))) {
      // A state of another layout of shards, or one that was tampered with.
      if (shardOf(node.key) === shard && node.weight <= MAX_NODE_WEIGHT) {
        node.settlesAt = now + SETTLE_MS;
        this.put(node);
      }
    }
    this.evict();
  }

  private snapshot(shard: number): unknown {
    return snapshot([...(this.shards.get(shard) ?? [])].map((key) => this.nodes.get(key)).filter((node) => node !== undefined));
  }

  private put(node: NodeState): void {
    const shard = shardOf(node.key);
    const keys = this.shards.get(shard) ?? new Set();
    keys.add(node.key);
    this.shards.set(shard, keys);
    this.nodes.set(node.key, node);
    this.weigh(node);
  }

  private weigh(node: NodeState): void {
    const { weight } = node;
    this.weight += weight - (this.weights.get(node.key) ?? 0);
    this.weights.set(node.key, weight);
  }

  /** The youngest stays whatever it weighs: it is the one at hand, and has its own bound. */
  private evict(): void {
    for (const key of this.nodes.keys()) {
      if ((this.nodes.size <= MAX_NODES && this.weight <= MAX_WEIGHT) || this.nodes.size === 1) {
        return;
      }
      this.nodes.delete(key);
      this.shards.get(shardOf(key))?.delete(key);
      this.weight -= this.weights.get(key) ?? 0;
      this.weights.delete(key);
    }
  }
}

function nameOf(shard: number): string {
  return `sparkplug-${shard.toString(16).padStart(2, '0')}`;
}

/** FNV-1a. */
function shardOf(key: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < key.length; i += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x0100_0193);
  }
  return (hash >>> 0) % SHARDS;
}
