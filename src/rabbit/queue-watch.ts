import type { QueueRole, QueueState } from '../domain/queue-state.ts';
import type { Scheduler } from '../pipeline/ports.ts';
import { ManagementApi, queuePath } from './management-api.ts';

export interface QueueWatchOptions {
  /** Base URL of the management API. */
  readonly url: string;
  readonly vhost: string;
  readonly queues: readonly { readonly name: string; readonly role: QueueRole }[];
  /** From the end of one look to the start of the next. */
  readonly everyMs: number;
  /** For every single answer. */
  readonly timeoutMs: number;
  readonly scheduler: Scheduler;
  /** Called when looks begin to fail, and not again before one has gone well. */
  readonly warn: (message: string) => void;
}

interface Answer {
  readonly messages_ready?: number;
  readonly messages_unacknowledged?: number;
  readonly consumers?: number;
  readonly message_stats?: { readonly ack?: number; readonly deliver_no_ack?: number; readonly get_no_ack?: number };
}

/** Nothing else is asked for: a queue that is described in full names each of its consumers. */
const COLUMNS = [
  'messages_ready',
  'messages_unacknowledged',
  'consumers',
  'message_stats.ack',
  'message_stats.deliver_no_ack',
  'message_stats.get_no_ack',
].join(',');

/**
 * Looks at the queues of the settings from time to time, one after the other, beside the flow and never in its way. A
 * look that fails leaves nothing behind: what is not known now is not shown.
 */
export class QueueWatch {
  private readonly options: QueueWatchOptions;
  private readonly api: ManagementApi;
  private readonly closing = new AbortController();
  private cancel: () => void = () => {};
  private known: readonly QueueState[] = [];
  private queues: QueueWatchOptions['queues'];
  private failing = false;
  private done = { ok: 0, failed: 0 };

  constructor(options: QueueWatchOptions) {
    this.options = options;
    this.queues = options.queues;
    this.api = new ManagementApi(options.url, options.timeoutMs);
  }

  /** By the last look; a queue that does not exist is not among them. */
  get states(): readonly QueueState[] {
    return this.known;
  }

  /** Looks since the start. */
  get looks(): { readonly ok: number; readonly failed: number } {
    return this.done;
  }

  start(): void {
    void this.look().then(() => {
      if (!this.closing.signal.aborted) this.cancel = this.options.scheduler.after(this.options.everyMs, () => this.start());
    });
  }

  /** From the next look on these. */
  watch(queues: QueueWatchOptions['queues']): void {
    this.queues = queues;
  }

  close(): void {
    this.cancel();
    this.closing.abort();
  }

  private async look(): Promise<void> {
    const { vhost, warn } = this.options;
    const { signal } = this.closing;
    const found: QueueState[] = [];
    for (const { name, role } of this.queues) {
      const answer = await this.api.get<Answer>(`${queuePath(vhost, name)}?columns=${COLUMNS}`, signal);
      if (signal.aborted) return;
      if (answer.ok) found.push(stateOf(name, role, answer.value));
      else if (answer.status !== 404) {
        // The others would be asked in vain, each for the whole time-out.
        this.known = [];
        this.done = { ...this.done, failed: this.done.failed + 1 };
        if (!this.failing) warn(`the state of the queues is unknown: ${answer.text}`);
        this.failing = true;
        return;
      }
    }
    this.known = found;
    this.done = { ...this.done, ok: this.done.ok + 1 };
    this.failing = false;
  }
}

function stateOf(name: string, role: QueueRole, answer: Answer): QueueState {
  const { messages_ready: ready, messages_unacknowledged: unacked, consumers, message_stats: stats } = answer;
  // Without `message_stats` nothing has been taken yet; without the numbers of messages the statistics are not there yet.
  const taken = (stats?.ack ?? 0) + (stats?.deliver_no_ack ?? 0) + (stats?.get_no_ack ?? 0);
  return { name, role, ready, unacked, consumers, taken: ready === undefined ? undefined : taken };
}
