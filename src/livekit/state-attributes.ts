/**
 * What everybody in the room may know of the call, as attributes of the agent: which session, which process of it, and
 * where it is. A client that comes late, or was away, finds them there (`lastword/client`).
 *
 *   T1  Nothing of the call waits for it, and the turn that moved the machine is over first: whatever it asked for (the
 *       first words) is under way.
 *   T2  One request at a time, of the latest state; states that follow each other quicker than that are passed over.
 *   T3  A server that does not answer, or a token that may not, costs the attributes and nothing else.
 */
import type { Room } from '@livekit/rtc-node';
import { stageOf } from '../../machines/index.ts';
import type { EntryData, EntryKind, JobFacts } from '../journal/entry.ts';
import { messageOf } from '../errors/thrown.ts';
import type { Log } from '../session/ports.ts';
import { settledWithin } from '../waiting/deadline.ts';

/** T1. Two quick moves (`ending`, `exiting`) are one request. */
const AFTER_MS = 50;
/** T2. A healthy server has answered after 5 ms. */
const ANSWER_MS = 2_000;

type OwnRoom = Pick<Room, 'isConnected' | 'localParticipant'>;

export class StateAttributes {
  readonly #room: OwnRoom;
  readonly #own: Record<string, string>;
  readonly #log: Pick<Log, 'debug'>;
  #state: string | undefined;
  #told: string | undefined;
  #isAsking = false;

  constructor(room: OwnRoom, { session, epoch }: Pick<JobFacts, 'session' | 'epoch'>, log: Pick<Log, 'debug'>) {
    this.#room = room;
    this.#log = log;
    this.#own = { 'lastword.session': session, 'lastword.epoch': String(epoch) };
  }

  /** What the journal is told. Never throws. */
  take<Kind extends EntryKind>(kind: Kind, data: EntryData[Kind]): void {
    if (kind !== 'transition') return;
    const { machine, to } = data as EntryData['transition'];
    const state = machine === 'session' ? stageOf(to) : null;
    if (state === null || state === this.#state) return;
    this.#state = state;
    if (this.#isAsking) return;
    this.#isAsking = true;
    setTimeout(() => void this.#tell(), AFTER_MS).unref();
  }

  async #tell(): Promise<void> {
    while (this.#state !== this.#told) {
      const state = (this.#told = this.#state) ?? '';
      // Not joined yet: the next move is told. Left: there is nobody to tell.
      const us = this.#room.isConnected ? this.#room.localParticipant : undefined;
      if (!us) break;
      const asked = (async () => us.setAttributes({ ...this.#own, 'lastword.state': state }))();
      const outcome = await settledWithin(asked, ANSWER_MS);
      if (outcome.kind === 'settled') continue;
      const why = outcome.kind === 'failed' ? messageOf(outcome.error) : `no answer within ${ANSWER_MS} ms`;
      this.#log.debug({ why }, 'the room could not be told where the call is'); // T3
    }
    this.#isAsking = false;
  }
}
