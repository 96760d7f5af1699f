import type { CodecEnvironment } from './registry.ts';
import type { Definitions } from './sparkplug-definitions.ts';
import { NodeState } from './sparkplug-node.ts';
import { fromSnapshot, snapshot } from './sparkplug-snapshot.ts';

/** Bounds of the memory. The least recently used node goes first; it is asked for its birth when it speaks again. */
export const MAX_NODES = 5_000;
export const MAX_WEIGHT = 128 * 1_048_576;
/** One node and its devices: about 15 000 metrics. */
export const MAX_NODE_WEIGHT = 4 * 1_048_576;
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
  private readonly nodes: Map<string, NodeState> = new Map();
  private readonly weights: Map<string, number> = new Map();
  private weight = 0;
  private uses = 0;

  constructor(environment: CodecEnvironment) {
    this.environment = environment;
  }

  get size(): number {
    return this.nodes.size;
  }

  find(key: string): NodeState | undefined {
    const node = this.nodes.get(key);
    if (node === undefined) {
      return this.load(key);
    }
    this.uses += 1;
    node.usedAt = this.uses;
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
    this.environment.save(node.key, () => snapshot(node));
    this.evict();
  }

  private load(key: string): NodeState | undefined {
    const found = this.environment.load(key);
    if (found === undefined) {
      return undefined;
    }
    const node = fromSnapshot(found);
    // Another layout, or it was tampered with.
    if (node === undefined || node.key !== key || node.weight > MAX_NODE_WEIGHT) {
      this.forget(key);
      return undefined;
    }
    node.settlesAt = this.environment.now() + SETTLE_MS;
    this.put(node);
    this.evict();
    return node;
  }

  private forget(key: string): void {
    this.environment.save(key, () => undefined);
  }

  private put(node: NodeState): void {
    this.uses += 1;
    node.usedAt = this.uses;
    this.nodes.set(node.key, node);
    this.weigh(node);
  }

  private weigh(node: NodeState): void {
    const { weight } = node;
    this.weight += weight - (this.weights.get(node.key) ?? 0);
    this.weights.set(node.key, weight);
  }

  /**
   * The youngest stays whatever it weighs: it is the one at hand, and has its own bound. The oldest is looked for among all:
   * that takes a tenth of a birth's own time, and an order kept at every message would take a quarter of each.
   */
  private evict(): void {
    while ((this.nodes.size > MAX_NODES || this.weight > MAX_WEIGHT) && this.nodes.size > 1) {
      let oldest: NodeState | undefined;
      for (const node of this.nodes.values()) {
        if (oldest === undefined || node.usedAt < oldest.usedAt) {
          oldest = node;
        }
      }
      const { key } = oldest as NodeState;
      this.nodes.delete(key);
      this.weight -= this.weights.get(key) ?? 0;
      this.weights.delete(key);
      this.forget(key);
    }
  }
}
