/**
 * One session's journals in memory, brought up to date each time that somebody asks. What is computed from them (the order
 * of all entries, replays) is kept beside them until a file has grown.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry, SessionJournal } from '../journal/entry.ts';
import { journalErrorOf } from '../journal/errors.ts';
import { journalNameOf, sessionFolder, type JournalName } from '../journal/folder.ts';
import type { SessionId } from '../journal/ids.ts';
import { mergeByTime } from '../journal/merge.ts';
import { whenOf, withSteadyTime } from '../report/clock.ts';
import type { FileFacts, Reference } from './answers.ts';
import { FileRead } from './file-read.ts';

/** An entry, and where it stands. */
export type Placed = { index: number; file: JournalName; entry: Entry };

export class SessionRead {
  readonly session: SessionId;
  readonly #folder: string;
  readonly #files = new Map<JournalName, FileRead>();
  readonly #memory = new Map<string, { version: number; value: unknown }>();
  readonly #lasting = new Map<string, unknown>();
  #looking: Promise<boolean> = Promise.resolve(false);

  constructor(directory: string, session: SessionId) {
    this.session = session;
    this.#folder = sessionFolder(directory, session);
  }

  /** *Effect.* Reads what was added. @returns whether there is such a session @throws JournalError */
  look(): Promise<boolean> {
    const now = () => this.#look();
    this.#looking = this.#looking.then(now, now); // one after the other: two may ask at once
    return this.#looking;
  }

  async #look(): Promise<boolean> {
    let names: string[];
    try {
      names = await readdir(this.#folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw journalErrorOf(error, this.#folder, 'read');
    }
    for (const name of names) {
      const file = journalNameOf(name);
      if (file !== undefined && !this.#files.has(file))
        this.#files.set(file, new FileRead(join(this.#folder, name), file));
    }
    for (const file of this.#files.values()) await file.look();
    return this.#files.size > 0;
  }

  /** Epochs in order, the keeper's last. */
  get files(): FileRead[] {
    const rank = (name: JournalName) => (name === 'keeper' ? Infinity : name);
    return [...this.#files.values()].sort((one, other) => rank(one.name) - rank(other.name));
  }

  get version(): number {
    return this.files.reduce((sum, { version }) => sum + version, 0);
  }

  /** `1:812,2:40,keeper:9`; empty while there is no entry at all. */
  get position(): string {
    const read = this.files.filter(({ lastSeq }) => lastSeq > 0);
    return read.map(({ name, lastSeq }) => `${name}:${lastSeq}`).join(',');
  }

  /** Made once, and kept as long as this session is: what goes on when a file has grown. */
  lasting<Value>(name: string, make: () => Value): Value {
    const known = this.#lasting.get(name);
    if (known !== undefined) return known as Value;
    const value = make();
    this.#lasting.set(name, value);
    return value;
  }

  /** When the entry with this number was written; on the line of time without jumps (report/clock.ts). */
  timeOf(file: JournalName, seq: number): number {
    const index = this.indexOf(`${file}:${seq}` as Reference);
    const placed = index === undefined ? undefined : this.all[index];
    return placed ? whenOf(placed.entry) : 0;
  }

  /** Computed once for what the files hold now. */
  kept<Value>(name: string, make: () => Value): Value {
    const { version } = this;
    const known = this.#memory.get(name);
    if (known?.version === version) return known.value as Value;
    const value = make();
    this.#memory.set(name, { version, value });
    return value;
  }

  get journal(): SessionJournal {
    return this.kept('journal', () => {
      const journal: SessionJournal = { session: this.session, epochs: [], keeper: [] };
      for (const { name, entries, facts } of this.files) {
        const { torn, lost, passedOver } = facts;
        if (name === 'keeper') Object.assign(journal, { keeper: [...entries], keeperUnread: { lost, passedOver } });
        else journal.epochs.push({ epoch: name, entries: [...entries], torn, lost, passedOver });
      }
      return journal;
    });
  }

  /** All entries in order of time, whatever became of the machine's clock (report/clock.ts). */
  get all(): Placed[] {
    return this.kept('all', () => {
      const { journal } = withSteadyTime(this.journal);
      const lists = [
        ...journal.epochs.map(({ epoch, entries }) => ({ file: epoch as JournalName, entries })),
        { file: 'keeper' as const, entries: journal.keeper },
      ].map(({ file, entries }) => entries.map((entry) => ({ file, entry })));
      return mergeByTime(lists, ({ entry }) => whenOf(entry)).map((placed, index) => ({ index, ...placed }));
    });
  }

  /** Where the entry with this reference stands; undefined where there is none. */
  indexOf(ref: Reference): number | undefined {
    const places = this.kept('places', () => new Map(this.all.map((placed) => [refOf(placed), placed.index])));
    return places.get(ref);
  }

  get facts(): FileFacts[] {
    return this.files.map(({ name, entries, facts }) => ({
      file: String(name),
      entries: entries.length,
      isTorn: facts.torn,
      lost: facts.lost,
      passedOver: facts.passedOver,
      lastAt: entries.at(-1)?.at ?? null,
    }));
  }
}

/** *Pure.* */
export const refOf = ({ file, entry }: Pick<Placed, 'file' | 'entry'>): Reference =>
  `${file}:${entry.seq}` as Reference;
