/**
 * What the models are asked, into the journal: a list of ids, for what they stand for is in there already.
 *
 *   R1  A conversation of two hours has 2,000 items, and each request names all of them. So a request says how many of the
 *       ids before it are its own too, and adds the rest; now and then one says all, for a line may be lost.
 *   R2  What no item holds is written with the first request that has it: what a hook looked up, a history that the agent
 *       was made with. The words that the request is about are not: they become an item in a moment.
 */
import { createHash } from 'node:crypto';
import type { llm } from '@livekit/agents';
import type { EntryData, Json } from '../../journal/entry.ts';
import type { LiveJob } from '../live-job.ts';
import { sdkJsonOf } from './items.ts';

/** The SDK's own name of it. */
const INSTRUCTIONS = 'lk.agent_task.instructions';
/** R1. */
const ALL_EVERY = 100;

export class Requests {
  readonly #job: Pick<LiveJob, 'recorder' | 'blobs'>;
  /** Ids of what the journal holds. */
  readonly #held = new Set<string>();
  /** Hashes of instructions that it has the text of. */
  readonly #told = new Set<string>();
  #last: { seq: number; ids: readonly string[]; tools: string } | undefined;
  #sinceAll = 0;

  constructor(job: Pick<LiveJob, 'recorder' | 'blobs'>) {
    this.#job = job;
  }

  holds(id: string): void {
    this.#held.add(id);
  }

  made(agent: string, { items }: llm.ChatContext, tools: llm.ToolContext | undefined): void {
    const ids = items.map(({ id }) => id);
    const names = Object.keys(tools?.functionTools ?? {}).toSorted();
    const last = this.#sinceAll < ALL_EVERY ? this.#last : undefined;
    const count = last ? commonStart(last.ids, ids) : 0;
    const text = instructionsIn(items);
    const instructions = text === undefined ? undefined : hashOf(text);
    const isNew = instructions !== undefined && !this.#told.has(instructions);
    const others = this.#unheld(items);
    const pii = {
      ...(isNew && text !== undefined && { instructions: text }),
      ...(others.length > 0 && { items: others.map(({ json }) => json) }),
    };
    const request: EntryData['request'] = {
      agent,
      items: ids.slice(count),
      ...(last && { after: { seq: last.seq, count } }),
      ...(instructions !== undefined && { instructions }),
      ...(names.join() !== last?.tools && { tools: names }),
      ...(Object.keys(pii).length > 0 && { pii }),
    };
    const seq = this.#job.recorder.append('request', request);
    if (seq === 0) return; // not written: the next one is after the one before
    this.#last = { seq, ids, tools: names.join() };
    this.#sinceAll = last ? this.#sinceAll + 1 : 0;
    if (instructions !== undefined) this.#told.add(instructions);
    for (const { id } of others) this.#held.add(id);
  }

  /** R2. */
  #unheld(items: readonly llm.ChatItem[]): { id: string; json: Json }[] {
    const asked = items.findLast((item) => item.type === 'message' && item.role === 'user');
    return items.flatMap((item) => {
      if (item === asked || item.id === INSTRUCTIONS || this.#held.has(item.id)) return [];
      const json = sdkJsonOf(item, (image) => this.#job.blobs?.keep(image));
      return json === undefined ? [] : [{ id: item.id, json }];
    });
  }
}

const commonStart = (before: readonly string[], ids: readonly string[]): number => {
  const other = ids.findIndex((id, index) => before[index] !== id);
  return other < 0 ? ids.length : other;
};

const instructionsIn = (items: readonly llm.ChatItem[]): string | undefined => {
  const found = items.find(({ id }) => id === INSTRUCTIONS);
  return found?.type === 'message' ? found.textContent : undefined;
};

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
