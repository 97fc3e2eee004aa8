/** What the keeper knows of one session: from its offer, its journal, and its job's own words. */
import type { Logger } from 'pino';
import { defaultPolicy, type Policy } from '../../machines/index.ts';
import type { EntryData, JobFacts, Owner } from '../journal/entry.ts';
import { journalPath } from '../journal/folder.ts';
import { firstJob, type JobId, type JobOfSession, type SessionId } from '../journal/ids.ts';
import type { JobHello } from '../link/messages.ts';
import type { SessionRow } from '../store/store.ts';
import type { Suspect } from './evidence.ts';
import { whatIsKnown, type Known } from './reading.ts';
import { readWhole, type Remembered } from './whole-journal.ts';

/** Whoever is refused asks again within 2 s (LAST_RETRY_MS of the link): twice as long, and a core that came late. */
const REFUSED_MS = 5_000;

export class KnownSession {
  readonly session: SessionId;
  readonly #directory: string;
  readonly #log: Logger;
  /** With job and room, as soon as they are known. */
  log: Logger;
  facts: JobFacts | undefined;
  /** That was heard of last. */
  job: JobId;
  policy: Policy = defaultPolicy;
  epoch = 0;
  owner: Owner | undefined;
  identity: string | undefined;
  /** As its journal was read last. */
  journal: Known | undefined;
  /** Wall clock: since when this keeper has it. */
  begunAt = Date.now();
  /** The end of its journal that its job could not write. */
  tail = '';
  #heardAt = performance.now();
  #refusedAt = -Infinity;

  constructor(given: { session: SessionId; directory: string; log: Logger; offered: JobFacts | undefined }) {
    this.session = given.session;
    this.facts = given.offered;
    this.job = given.offered?.job ?? firstJob(given.session).job;
    this.#directory = given.directory;
    this.#log = given.log;
    this.log = given.log.child({ session: given.session });
  }

  get acceptedAt(): number {
    return this.journal?.acceptedAt ?? this.begunAt;
  }
  /** Since its job was heard last. */
  get silentMs(): number {
    return performance.now() - this.#heardAt;
  }
  /** Its hello was refused lately, its own or a stranger's: its silence says nothing. */
  get isRefused(): boolean {
    return performance.now() - this.#refusedAt < REFUSED_MS;
  }
  /** All that brought it a job, as far as they are known. */
  get dispatches(): string[] {
    const { dispatch, called = [] } = this.journal ?? {};
    return [this.facts?.dispatch, dispatch, ...called].filter((one) => one !== undefined);
  }
  /** For whoever looks for evidence of its life. */
  get suspect(): Suspect {
    return {
      owner: this.owner,
      journal: journalPath(this.#directory, this.session, Math.max(firstJob(this.session).epoch, this.epoch)),
    };
  }
  /** For whoever reads its journal, also where that is gone. */
  get remembered(): Remembered {
    const { session, acceptedAt, epoch, owner, tail } = this;
    return {
      directory: this.#directory,
      session,
      facts: this.journal?.facts ?? this.facts,
      acceptedAt,
      epoch,
      owner,
      tail,
    };
  }

  accepted({ session, epoch, job, agentName, room, metadata, dispatch, policy }: EntryData['session.accepted']): void {
    this.facts = { session, epoch, job, agentName, room, metadata, ...(dispatch !== undefined && { dispatch }) };
    this.job = job;
    this.policy = policy;
    this.#name();
  }

  /** Another job takes it over; nothing is heard of it yet. */
  succeeded({ job }: JobOfSession): void {
    this.job = job;
    this.#name();
  }

  hello({ epoch, job, owner, identity }: JobHello): void {
    Object.assign(this, { epoch, job, owner, identity });
    this.#name();
  }

  heard(): void {
    this.#heardAt = performance.now();
  }

  refused(): void {
    this.#refusedAt = performance.now();
  }

  learn(found: Known): void {
    this.journal = found;
    this.facts ??= found.facts;
    this.job = found.facts?.job ?? this.job;
    this.policy = { ...this.policy, ...found.policy }; // of an older version: without the newer limits
    this.epoch = found.opened?.epoch ?? this.epoch;
    this.owner = found.opened?.owner ?? this.owner;
    this.identity = found.opened?.identity ?? this.identity;
    this.#name();
  }

  /** *Effect.* Its whole journal. */
  async read(): Promise<Known> {
    const found = whatIsKnown(await readWhole(this.remembered));
    this.learn(found);
    return found;
  }

  /** *Effect.* As it stands in the store. */
  async row(): Promise<Omit<SessionRow, 'state'>> {
    if (!this.facts) await this.read();
    const { session, job, acceptedAt } = this;
    const { room, agentName } = this.facts ?? { room: { name: '', sid: '' }, agentName: '' };
    const epoch = Math.max(firstJob(session).epoch, this.epoch);
    return { session, epoch, job, room: room.name, roomSid: room.sid, agentName, acceptedAt };
  }

  #name(): void {
    const { session, job, facts } = this;
    if (facts) this.log = this.#log.child({ session, job, room: facts.room.name });
  }
}

/** *Pure.* What a journal says of its call, in the words of the supervision machine. */
export const journalStateOf = (found: Known): 'withdrawn' | 'closed' | 'opened' | 'none' =>
  found.isWithdrawn ? 'withdrawn' : found.isClosed ? 'closed' : found.opened ? 'opened' : 'none';
