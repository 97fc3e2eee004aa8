/**
 * The SDK's own ways to end a call, taken as the application's request: each leads into the machine's ending, with drain,
 * goodbye, hang-up and report, as `call.end` does.
 *
 *   W1  On the instances of this call alone: another session, another room (a warm transfer's) is none of ours.
 *   W2  The SDK ends what it ends by other doors (`_closeSoon`, `_onError`); through these it comes only to finish a job
 *       whose caller was let go, which is when they lead where they always led. Before, whoever has no reason of their
 *       own ends nothing that is ending already, and nothing is shortened: the SDK's do not, either.
 *   W3  Promises settle when all is over; at once in a tool or a hook, for which the call waits. The process then waits
 *       for what the user's code does with it.
 *   W4  Who leaves by `ctx.shutdown` or `room.disconnect` has not said what becomes of the room: `leave`, unless the
 *       definition says otherwise, or a deletion is asked for beside it. Any other choice holds against later deletions.
 *   W5  The SDK's end_call speaks before it ends: what it had the model say is the goodbye. It says only on Close whether
 *       the room shall be deleted, and by then it is: so its own listener, and no other, is told at once.
 *   W6  What the application itself has asked to be said before it ends is its farewell, and is heard to its end, for at
 *       most `goodbyeMs`: the SDK's own drain has no limit. The call ends when it is over.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beta, type JobContext, voice } from '@livekit/agents';
import { type End, endOf, type HangUpStrategy } from '../../../machines/index.ts';
import { watchClients } from '../../rooms/client-watch.ts';
import { settledWithin } from '../../waiting/deadline.ts';
import { strategyFor } from '../../session/hang-up-strategy.ts';
import type { LiveJob } from '../live-job.ts';
import { overhear } from '../observe/overhear.ts';
import { replaceMethod } from '../observe/replace-method.ts';
import { isAwaitedBy } from '../current-call.ts';

/** For an upload, say; the caller is gone and the report is sealed. */
const AFTERWARDS_MS = 5000;
const { Close } = voice.AgentSessionEventTypes;
const sdkReasons: readonly string[] = Object.values(voice.CloseReason);

type Way = {
  /** The call that was made, for the report. */
  how: string;
  reason?: string | undefined;
  drain: boolean;
  hangUp?: HangUpStrategy;
  /** W4 */
  leaves?: boolean;
  isGoodbyeSaid?: boolean;
};
type Listener = (...given: unknown[]) => unknown;
type EndCall = { listeners: Listener[]; isHeard: boolean };

export class OwnEnds {
  /** Why ours is not said: the model's own farewell was the goodbye. */
  farewell: string | undefined;
  readonly #job: Omit<LiveJob, 'ownEnds'>;
  readonly #context: JobContext;
  readonly #shutDownJob: JobContext['shutdown'];
  #closeSession: (() => Promise<void>) | undefined;
  /** W4: the end that was recorded, if it leaves the room for want of another word. */
  #leaving: End | undefined;
  #isDeletionAsked = false;
  /** W6: not over yet. */
  readonly #said = new Set<voice.SpeechHandle>();
  /** W6: an end that waits for them. */
  #waiting: Promise<void> | undefined;
  /** W2: said once for each way, however often it is asked. */
  readonly #askedAgain = new Set<string>();
  /** W5: the tool was called, and has not asked for the end yet. */
  #endCall: EndCall | undefined;
  /** W5: its listener is being told; what it asks of the job is noted. */
  #isTelling: { isShutDown: boolean } | undefined;
  /** W3: listeners of Close that are at work, and whether anybody waited for the end. */
  readonly #listening: Promise<unknown>[] = [];
  #isWaitedFor = false;
  #shutDown = () => {};
  readonly #isShutDown = new Promise<void>((resolve) => (this.#shutDown = resolve));

  constructor(job: Omit<LiveJob, 'ownEnds'>) {
    const { context } = job;
    this.#job = job;
    this.#context = context;
    const { room } = context;
    this.#shutDownJob = context.shutdown.bind(context);
    replaceMethod(context, 'shutdown', ([reason]) => this.#shutdownAsked(reason));
    replaceMethod(context, 'deleteRoom', ([name], call) =>
      this.#deletionAsked('ctx.deleteRoom', name ?? this.#room, call as () => Promise<void>),
    );
    replaceMethod(room, 'disconnect', (_given, call) => {
      if (this.#isReleased) return call();
      this.#take({ how: 'room.disconnect', drain: true, leaves: true });
      return this.#over();
    });
    watchClients(context.info.url, {
      deleteRoom: (name, carryOut) => this.#deletionAsked('RoomServiceClient.deleteRoom', name, carryOut),
      removeParticipant: (name, identity, carryOut) => this.#removalAsked(name, identity, carryOut),
    });
  }

  /** Before the session starts. */
  take(session: voice.AgentSession): void {
    this.#closeSession = session.close.bind(session);
    overhear(this.#job).on(voice.AgentSessionEventTypes.SpeechCreated, ({ userInitiated, speechHandle }) => {
      if (!userInitiated || this.#job.playout?.isAsking) return;
      this.#said.add(speechHandle);
      speechHandle.addDoneCallback(() => this.#said.delete(speechHandle));
    });
    replaceMethod(session, 'close', (_given, call) => {
      if (this.#isReleased) return call();
      const isNeeded = this.isAsked || this.#job.definition.goodbye !== 'none';
      this.#take({ how: 'session.close', drain: false });
      if (isNeeded || isAwaitedBy(this.#job.call)) return this.#over();
      // Nothing is left to say through it: no agent is entered any more, and no tool goes on, as the SDK has it.
      return Promise.all([call(), this.#over()]).then(() => {});
    });
    replaceMethod(session, 'shutdown', ([options], call) => {
      if (this.#isReleased) return call();
      const endCall = this.#endCall;
      this.#endCall = undefined;
      if (endCall) return void this.#takeEndCall(session, endCall);
      const { drain, reason } = optionsOf(options);
      this.#take({ how: 'session.shutdown', drain, reason });
    });
  }

  /** W5. A tool runs; all but one are none of ours. */
  runs(tool: { description?: string }, run: () => unknown): unknown {
    const { session, told } = this.#job;
    if (!session || !tool.description?.includes(beta.END_CALL_DESCRIPTION)) return run();
    const listeners = () => (session as unknown as { rawListeners(event: string): Listener[] }).rawListeners(Close);
    const before = listeners();
    const endCall: EndCall = (this.#endCall ??= { listeners: [], isHeard: false });
    const output = run(); // it listens before it awaits anything
    endCall.listeners.push(...listeners().filter((each) => !before.includes(each)));
    const settled = () => told?.onceHeard(() => (endCall.isHeard = true));
    Promise.resolve(output).then(settled, settled);
    return output;
  }

  /** How this end lets the caller go. */
  strategyFor(end: End): HangUpStrategy {
    const strategy = strategyFor(end, this.#job.definition.hangUp);
    return this.#isDeletionAsked && end === this.#leaving ? 'delete-room' : strategy;
  }

  /** Is the call about to end, or ending? */
  get isAsked(): boolean {
    return this.#waiting !== undefined || this.#job.run.hasTag('leaving');
  }

  /** Ours: nothing is taken. */
  closeSession(session: voice.AgentSession): Promise<void> {
    return this.#closeSession?.() ?? session.close();
  }

  /** W3. A listener of Close is at work. */
  waitFor(listener: Promise<unknown>): void {
    this.#listening.push(listener);
  }

  /** Ours, and the last thing of a job: after what the user's code does with its end (W3). */
  async shutDownJob(reason: string): Promise<void> {
    const theirs = Promise.all([...this.#listening, ...(this.#isWaitedFor ? [this.#isShutDown] : [])]);
    await settledWithin(theirs, AFTERWARDS_MS);
    this.#shutDownJob(reason);
  }

  get #isReleased(): boolean {
    return this.#job.run.hasTag('released');
  }

  get #room(): string {
    return this.#context.room.name ?? this.#context.job.room?.name ?? '';
  }

  #take(way: Way): void {
    const { definition, run } = this.#job;
    const farewell = way.drain && !run.hasTag('leaving') ? [...this.#said] : [];
    if (!this.#waiting && farewell.length === 0) return this.#end(way);
    const over = farewell.map((each) => new Promise<void>((resolve) => each.addDoneCallback(() => resolve())));
    this.#waiting = (
      this.#waiting ?? settledWithin(Promise.all(over), definition.policy.goodbyeMs).then(() => {})
    ).then(() => this.#end(way));
  }

  #end({ how, reason, drain, hangUp, leaves = false, isGoodbyeSaid = false }: Way): void {
    const { run, recorder, definition } = this.#job;
    const isEnding = run.hasTag('leaving');
    if (isEnding && reason === undefined) {
      if (!this.#askedAgain.has(how))
        recorder.append('log', { level: 'info', message: 'asked for an end that is under way', how }); // W2
      this.#askedAgain.add(how);
      return;
    }
    const isLeaveImplied = leaves && !definition.isHangUpGiven;
    const strategy = hangUp ?? (isLeaveImplied ? 'leave' : undefined);
    const end: End = { ...endOf('agent', reason ?? 'agent_ended', 'none', how), ...(strategy && { hangUp: strategy }) };
    const drains = drain || isEnding; // W2
    const before = run.context().end;
    run.send({ type: 'session.end', end, drain: drains, ...(isGoodbyeSaid && { goodbye: false }) });
    const recorded = run.context().end; // the machine's own copy
    if (recorded === null || recorded === before) return;
    if (isLeaveImplied) this.#leaving = recorded;
    if (isGoodbyeSaid) this.farewell = "the model's own farewell was the goodbye";
  }

  /** W3 */
  async #over(): Promise<void> {
    if (isAwaitedBy(this.#job.call)) return;
    this.#isWaitedFor = true;
    await this.#job.run.closed;
  }

  /** The job's own shutdown comes last, with the reason that was recorded; nobody else's is passed on. */
  #shutdownAsked(given: unknown): void {
    if (this.#isTelling) this.#isTelling.isShutDown = true;
    else if (this.#isReleased) this.#shutDown();
    else this.#take({ how: 'ctx.shutdown', drain: true, reason: wordIn(given), leaves: true });
  }

  async #deletionAsked(how: string, name: unknown, carryOut: () => Promise<void>): Promise<void> {
    if (name !== this.#room) return carryOut(); // W1
    if (!this.#isReleased) {
      this.#isDeletionAsked = true;
      this.#take({ how, drain: true, hangUp: 'delete-room' });
      return this.#over();
    }
    if (this.#leaving && !this.#isDeletionAsked) return carryOut(); // W4
    const message = 'a deletion of the room was not carried out: the call was hung up on already';
    this.#job.recorder.append('log', { level: 'info', message, how });
  }

  async #removalAsked(name: string, identity: string, carryOut: () => Promise<void>): Promise<void> {
    const { venue, run, letGo } = this.#job;
    const isAgent = identity === this.#context.room.localParticipant?.identity;
    const isOurs = name === this.#room && (isAgent || identity === venue.caller()?.identity);
    if (!isOurs || this.#isReleased) return carryOut();
    const how = 'RoomServiceClient.removeParticipant';
    // Whoever is let go anyway has the goodbye first; then they are gone, or are removed.
    if (run.hasTag('leaving')) letGo.signal.addEventListener('abort', () => void carryOut().catch(() => {}));
    this.#take({ how, drain: true, ...(isAgent ? { leaves: true } : { hangUp: 'remove-caller' as const }) });
    return this.#over();
  }

  /** W5 */
  async #takeEndCall(session: voice.AgentSession, { listeners, isHeard }: EndCall): Promise<void> {
    const callbacks = () => this.#context.shutdownCallbacks.length;
    const known = callbacks();
    const telling = (this.#isTelling = { isShutDown: false });
    const event = { type: Close, reason: voice.CloseReason.USER_INITIATED, error: null, createdAt: Date.now() };
    for (const tell of listeners) Reflect.apply(tell, session, [event]);
    await nextTurn();
    this.#isTelling = undefined;
    const leaves = telling.isShutDown && callbacks() === known;
    this.#take({ how: 'createEndCallTool', drain: true, leaves, isGoodbyeSaid: isHeard });
  }
}

/** What the definition's user wrote may be anything. */
const optionsOf = (given: unknown): { drain: boolean; reason: string | undefined } => {
  const { drain, reason } = (given ?? {}) as { drain?: unknown; reason?: unknown };
  const word = wordIn(reason);
  return { drain: drain !== false, reason: word !== undefined && sdkReasons.includes(word) ? undefined : word };
};

const wordIn = (given: unknown): string | undefined =>
  typeof given === 'string' && given.trim() !== '' ? given : undefined;
