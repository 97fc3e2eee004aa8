/**
 * The tails of calls that are not over: who is audible now, and where each call is. A list of ten thousand living calls is
 * asked for again and again, so each file is read from where it was read to; the first time only its end.
 *
 *   T1  A tail does not tell everything: what it does not tell is not known, and never guessed.
 *   T2  Reading is synchronous, 25 µs a file, and pauses after some hundred: it has a thread, or a process, of its own.
 */
import { stageOf } from '../../machines/index.ts';
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Entry } from '../journal/entry.ts';
import { journalPath, type JournalName } from '../journal/folder.ts';
import { isSessionId } from '../journal/ids.ts';
import { entryOf } from '../journal/line.ts';
import { recordOf, textOf, textsOf } from '../report/lenient.ts';
import { stateName } from './timeline.ts';

const NEWLINE = 0x0a;
/** An entry a second for some minutes; a call in which nobody was audible for longer is found by its transitions. */
const FIRST_BYTES = 32 * 1024;
const MOST_BYTES = 256 * 1024;
const AT_ONCE = 300;

export type LivingFacts = {
  /** In the words of its diagram; empty: not known. */
  stage: string;
  isClosed: boolean;
  by: string | null;
  reason: string | null;
  /** Since when nobody has been audible to a caller who is there; null: somebody is, or it is not known. */
  silentSince: number | null;
};
export type LivingCall = { session: string; epoch: number; isRecovering: boolean };

export class Living {
  readonly #directory: string;
  readonly #tails = new Map<string, CallTail>();

  /** @param directory LASTWORD_DIR */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** *Effect.* What is known of these now. */
  async look(calls: readonly LivingCall[]): Promise<Map<string, LivingFacts>> {
    const found = new Map<string, LivingFacts>();
    for (const [index, call] of calls.entries()) {
      if (index % AT_ONCE === AT_ONCE - 1) await breathe(); // T2
      if (!isSessionId(call.session)) continue;
      const key = `${call.session} ${call.epoch}`;
      let tail = this.#tails.get(key);
      if (!tail) this.#tails.set(key, (tail = new CallTail(this.#directory, call)));
      found.set(call.session, tail.look(call.isRecovering));
    }
    return found;
  }

  /** Forgets all but these: the others are over. */
  keep(calls: readonly LivingCall[]): void {
    if (this.#tails.size <= calls.length * 2 + 100) return;
    const kept = new Set(calls.map(({ session, epoch }) => `${session} ${epoch}`));
    for (const key of this.#tails.keys()) if (!kept.has(key)) this.#tails.delete(key);
  }
}

class CallTail {
  readonly #job: FileTail;
  readonly #keeper: FileTail;
  /** Of who is audible, and has not ended. */
  readonly #open = new Set<string>();
  #since: number | undefined;
  /** undefined: the tail does not tell. */
  #isThere: boolean | undefined;
  #states: string[] = [];
  #recovery: string[] = [];
  #ended: { by: string | null; reason: string | null } | undefined;

  constructor(directory: string, { session, epoch }: LivingCall) {
    const pathOf = (file: JournalName) => (isSessionId(session) ? journalPath(directory, session, file) : '');
    this.#job = new FileTail(pathOf(Math.min(Math.max(1, Math.trunc(epoch)), 999_999)));
    this.#keeper = new FileTail(pathOf('keeper'));
  }

  look(isRecovering: boolean): LivingFacts {
    this.#job.read((entry) => this.#take(entry));
    if (isRecovering) this.#keeper.read((entry) => this.#takeKeeper(entry));
    const recovery = isRecovering && this.#recovery.length > 0 ? `recovery: ${stageOf(this.#recovery) ?? ''}` : '';
    const isSilent = this.#isThere !== false && this.#open.size === 0 && this.#ended === undefined;
    return {
      stage: recovery === '' ? stateName(this.#states) : recovery,
      isClosed: this.#ended !== undefined,
      by: this.#ended?.by ?? null,
      reason: this.#ended?.reason ?? null,
      silentSince: isSilent ? (this.#since ?? null) : null,
    };
  }

  #take(entry: Entry): void {
    const data = recordOf(entry.data);
    const begins = (key: string) => this.#open.add(key);
    const ends = (key: string) => {
      this.#open.delete(key);
      if (this.#open.size === 0) this.#since = entry.at;
    };
    switch (entry.kind) {
      case 'audible': {
        const key = `${textOf(data['who']) ?? ''} ${textOf(data['line']) ?? textOf(data['speech']) ?? ''}`;
        if (data['change'] === 'ends') ends(key);
        else begins(key);
        return;
      }
      case 'event':
        if (data['type'] === 'line.audible') begins(`spoken ${textOf(data['line']) ?? ''}`);
        if (data['type'] === 'caller.left' || data['type'] === 'caller.lost') this.#isThere = false;
        if (data['type'] === 'caller.returned') this.#comes(entry.at);
        return;
      case 'spoken':
        ends(`spoken ${textOf(data['line']) ?? ''}`);
        return;
      case 'participant':
        if (data['isCaller'] !== true || data['isRinging'] === true) return;
        if (data['change'] === 'left' || data['change'] === 'lost') this.#isThere = false;
        else if (data['change'] === 'joined' || data['change'] === 'returned' || data['change'] === 'linked')
          this.#comes(entry.at);
        return;
      case 'effect':
        if (data['name'] === 'awaitCaller' && data['phase'] === 'settled') this.#comes(entry.at);
        return;
      case 'hangup':
        if (data['verified'] === true) this.#isThere = false;
        return;
      case 'transition':
        if ((data['machine'] ?? 'session') === 'session') this.#states = textsOf(data['to']);
        return;
      case 'session.closed': {
        const end = recordOf(data['end']);
        this.#ended = { by: textOf(end['by']), reason: textOf(end['reason']) };
        return;
      }
      default:
        return;
    }
  }

  #comes(at: number): void {
    if (this.#isThere !== true) this.#since = Math.max(at, this.#since ?? at);
    this.#isThere = true;
  }

  #takeKeeper({ kind, data }: Entry): void {
    const { machine, to } = recordOf(data);
    if (kind === 'transition' && machine === 'recovery') this.#recovery = textsOf(to);
  }
}

/** The end of one file, and whatever is added to it. */
class FileTail {
  readonly #path: string;
  #position = 0;
  #isBegun = false;

  constructor(path: string) {
    this.#path = path;
  }

  read(take: (entry: Entry) => void): void {
    const facts = statSync(this.#path, { throwIfNoEntry: false });
    if (!facts || facts.size <= this.#position) return;
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      return; // gone meanwhile, or not ours to read: nothing is known of it
    }
    try {
      const { size } = fstatSync(file);
      const from = this.#isBegun ? this.#position : Math.max(0, size - FIRST_BYTES);
      const bytes = Buffer.alloc(Math.min(MOST_BYTES, size - from));
      const read = readSync(file, bytes, 0, bytes.length, from);
      const whole = bytes.subarray(0, read);
      const end = whole.lastIndexOf(NEWLINE) + 1;
      // In the middle of a line: what is before its newline is no line. Also of one that is longer than all that is read.
      let begin = from === 0 || this.#isBegun ? 0 : whole.indexOf(NEWLINE) + 1;
      this.#position = end === 0 && read === MOST_BYTES ? from + read : from + end;
      this.#isBegun = this.#isBegun || end > 0;
      for (let next = whole.indexOf(NEWLINE, begin); next >= 0 && next < end; next = whole.indexOf(NEWLINE, begin)) {
        const entry = entryOf(whole.subarray(begin, next));
        if (entry) take(entry);
        begin = next + 1;
      }
    } catch {
      // a disk that reports a fault: nothing more is known
    } finally {
      closeSync(file);
    }
  }
}
