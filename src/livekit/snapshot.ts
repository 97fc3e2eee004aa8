/**
 * The application's own state (`snapshot(call)`), kept at each turn for whoever takes the call over after a crash.
 *
 *   S1  The call never waits for it, and one at a time is asked for: what comes meanwhile is asked for once, afterwards.
 *   S2  What cannot be kept (thrown, late, too long, no JSON) is told once for each reason, and the one before stays.
 */
import type { Json } from '../journal/entry.ts';
import { describeValue } from '../errors/config-error.ts';
import { messageOf } from '../errors/thrown.ts';
import { settledWithin } from '../waiting/deadline.ts';
import type { Call } from './call.ts';
import { awaitedByCall } from './current-call.ts';
import type { LiveJob } from './live-job.ts';
import { noteError } from './note-error.ts';

/** A look at variables takes none of it; a database that is asked has this long. */
const SNAPSHOT_MS = 1_000;
/** Characters of its JSON. A cart, a form, a place in a script; documents belong in a store of their own. */
const SNAPSHOT_CHARACTERS = 64 * 1024;

export class Snapshots {
  readonly #job: Pick<LiveJob, 'call' | 'recorder' | 'log'>;
  readonly #make: (call: Call) => unknown;
  readonly #told = new Set<string>();
  #last = '';
  #isAsking = false;
  #isStale = false;

  constructor(job: Pick<LiveJob, 'call' | 'recorder' | 'log'>, make: (call: Call) => unknown) {
    this.#job = job;
    this.#make = make;
  }

  /** Never throws and never rejects. */
  take(): void {
    this.#isStale = true;
    if (!this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    while (this.#isStale) {
      this.#isStale = false; // S1
      const { call, recorder } = this.#job;
      const asked = awaitedByCall(call, async () => this.#make(call));
      const outcome = await settledWithin(asked, SNAPSHOT_MS);
      try {
        if (outcome.kind === 'late') throw new Error(`it had not settled after ${SNAPSHOT_MS} ms`);
        if (outcome.kind === 'failed') throw outcome.error;
        const json = JSON.stringify(outcome.value) as string | undefined;
        if (json === undefined) throw new Error(`expected what JSON can say, got ${describeValue(outcome.value)}`);
        if (json.length > SNAPSHOT_CHARACTERS)
          throw new Error(`expected at most ${SNAPSHOT_CHARACTERS} characters of JSON, got ${json.length}`);
        if (json !== this.#last) recorder.append('snapshot', { pii: JSON.parse(json) as Json });
        this.#last = json;
      } catch (error) {
        const why = messageOf(error);
        if (!this.#told.has(why))
          noteError(this.#job, 'snapshot', error, true, 'the state of the application is not kept; the one before is');
        this.#told.add(why); // S2
      }
    }
    this.#isAsking = false;
  }
}
