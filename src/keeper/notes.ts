/**
 * What the keeper writes about one session: ID/keeper.jsonl, opened when there is first something to say.
 *
 * A disk that refuses must not keep a caller on the line, so only `first` (the accepted job) is awaited by anybody;
 * everything else is queued, and `durable` has a deadline of its own.
 */
import type { Logger } from 'pino';
import type { EntryData, EntryKind } from '../journal/entry.ts';
import { openJournal, type FirstEntry, type Journal } from '../journal/write.ts';
import type { SessionId } from '../journal/ids.ts';

export type Notes = {
  /** Resolves when it is on disk. @throws JournalError */
  begin(first: FirstEntry): Promise<void>;
  /** Queued in order; never throws. */
  append<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): void;
  /** Resolves when what was appended is on disk, or when that is not to be; never rejects. */
  durable(): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
};

export function openNotes(directory: string, session: SessionId, log: Logger): Notes {
  let opening: Promise<Journal> | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  const trouble = (error: unknown) => log.error({ err: error }, 'the keeper cannot write down what it does');
  const open = (first?: FirstEntry) => {
    opening ??= openJournal({ directory, session, file: 'keeper', onTrouble: trouble, ...(first && { first }) });
    opening.catch(() => (opening = undefined)); // a disk with room again is used again
    return opening;
  };
  const later = (work: (journal: Journal) => unknown) => {
    queue = queue.then(async () => work(await open())).catch(trouble);
    return queue;
  };
  return {
    async begin(first) {
      await open(first);
    },
    append(kind, data) {
      void later((journal) => journal.append(kind, data));
    },
    async durable() {
      await later((journal) => journal.durable());
    },
    async close() {
      await queue;
      const journal = await opening?.catch(() => undefined);
      opening = undefined;
      await journal?.close().catch(trouble);
    },
  };
}
