/**
 * The terminal's host: a worker's stand-in below the keeper. One call, no LiveKit: it says hello, offers the job, and
 * forks the SDK's own job process, so that everything from the job downwards is what a deployed call has. What is
 * dispatched later it offers, too, as a worker does.
 *
 *   H1  The job process is warm before the first job is offered: the keeper's clock for an unopened journal starts there.
 *       A job after a death is offered at once, for the keeper waits for the offer.
 *   H2  Told to stop, it ends with its job. A terminal that is gone is a caller who is gone.
 *   H3  Nothing is printed: the screen belongs to somebody else.
 *   H4  A spare process waits for the next job when it is told that the call can spare the processor, and at once where
 *       an earlier host has died: then the call's job waits for it (src/keeper/hand-over.ts).
 */
import { defaultPolicy } from '../../machines/index.ts';
import type { JobFacts } from '../journal/entry.ts';
import { firstJob, type JobId } from '../journal/ids.ts';
import { connectLink, type Link } from '../link/client.ts';
import { takeWorkerToken } from '../link/secret.ts';
import type { ToKeeper } from '../link/messages.ts';
import { messageOf } from '../errors/thrown.ts';
import { joinChannel } from '../livekit/terminal/line-channel.ts';
import { surviveLostOutput } from '../output/own-output.ts';
import { settledWithin } from '../waiting/deadline.ts';
import { type Begin, CHANNEL, type FromHost, type HostChannel, type ToHost } from './channel.ts';
import { type HostJob, startHostJob } from './host-job.ts';

const BEGIN_MS = 5_000;
const OFFER_MS = 5_000;
/** For a last word, when the terminal itself is gone and nobody will read it. */
const ABANDONED_MS = 10_000;

const { env } = process;

async function main(): Promise<void> {
  surviveLostOutput(); // it may outlive its keeper, which reads it
  const path = env[CHANNEL];
  const socket = env['LASTWORD_SOCKET'];
  if (path === undefined || socket === undefined)
    throw new Error(`${CHANNEL}: expected a socket, got nothing; this file is started by \`npm start\``);
  const channel = await joinChannel<FromHost, ToHost>(path);
  channel.send({ type: 'here', pid: process.pid });
  const early: ToHost[] = [];
  const begun = await settledWithin(
    new Promise<Begin>((resolve) =>
      channel.onMessage((message) => {
        if (message.type === 'begin') resolve(message);
        else early.push(message);
      }),
    ),
    BEGIN_MS,
  );
  if (begun.kind !== 'settled') throw new Error(`the terminal said nothing within ${BEGIN_MS} ms`);
  try {
    await new Host(begun.value, channel, socket).run(early);
  } catch (error) {
    channel.send({ type: 'failed', why: messageOf(error) });
    process.exitCode = 1;
  } finally {
    channel.close();
  }
}

class Host {
  readonly #begin: Begin;
  readonly #channel: HostChannel;
  readonly #link: Link;
  readonly #isWelcome: Promise<void>;
  /** Without a call yet. */
  readonly #waiting = new Set<HostJob>();
  readonly #running = new Set<HostJob>();
  /** Dispatches that were not taken back. */
  readonly #wanted = new Set<string>();
  #spare: HostJob | undefined;
  #isStopping = false;
  #end: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => (this.#end = resolve));

  constructor(begin: Begin, channel: HostChannel, socket: string) {
    this.#begin = begin;
    this.#channel = channel;
    let welcome = () => {};
    this.#isWelcome = new Promise<void>((resolve) => (welcome = resolve));
    const token = takeWorkerToken();
    this.#link = connectLink({
      path: socket,
      hello: () => this.#hello(token),
      onMessage: () => {}, // a shutdown is told to the job itself
      onWelcome: () => {
        welcome();
        channel.send({ type: 'welcome' });
      },
    });
  }

  /** Resolves when there is nothing to do any more. */
  async run(early: readonly ToHost[]): Promise<void> {
    process.on('SIGTERM', () => this.#stop());
    this.#channel.onMessage((message) => this.#take(message));
    this.#channel.onGone(() => {
      this.#stop();
      setTimeout(() => this.#kill(), ABANDONED_MS);
    });
    for (const message of early) this.#take(message);
    try {
      if (this.#begin.isFirst) await this.#startFirst();
      else this.#keepSpare(); // H4
      await this.#ended;
    } finally {
      for (const forked of this.#waiting) forked.kill();
      this.#link.close();
    }
  }

  #hello(token: string | undefined): ToKeeper[] {
    const { agentFile, reports, livekit } = this.#begin;
    return [
      {
        type: 'hello.worker',
        pid: process.pid,
        agentFile,
        agentName: '',
        livekit,
        reports,
        alerts: [],
        policy: defaultPolicy,
        hangUp: { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' },
        ...(token !== undefined && { token }),
      },
      ...(this.#spare?.isWarm === true ? [{ type: 'worker.warm', count: 1 } as const] : []),
    ];
  }

  #take(message: ToHost): void {
    if (message.type === 'dispatch') void this.#startNext(message);
    if (message.type === 'undispatch') this.#wanted.delete(message.dispatch);
    if (message.type === 'spare') this.#keepSpare();
    if (message.type === 'kill') this.#kill();
  }

  async #startFirst(): Promise<void> {
    const { session, logFile } = this.#begin;
    const first = this.#fork();
    await Promise.race([first.warm, this.#ended]);
    if (this.#isStopping) return;
    await settledWithin(this.#isWelcome, OFFER_MS);
    const facts = this.#factsOf(firstJob(session).job);
    if (!(await this.#link.offer(facts, OFFER_MS)))
      throw new Error(`the keeper did not take the job down within ${OFFER_MS} ms; see ${logFile}`);
    this.#link.send({ type: 'worker.ready' });
    this.#start(first, facts);
  }

  /** As a worker does: offered first, and with a process as soon as one is warm. */
  async #startNext({ dispatch, job }: { dispatch: string; job: JobId }): Promise<void> {
    if (this.#isStopping) return;
    this.#wanted.add(dispatch);
    const facts = { ...this.#factsOf(job), dispatch };
    const next = this.#spare ?? this.#fork();
    this.#spare = undefined;
    try {
      const isRecorded = await this.#link.offer(facts, OFFER_MS);
      if (isRecorded) await next.warm;
      if (!isRecorded || !this.#wanted.has(dispatch) || this.#isStopping) {
        this.#spare ??= next;
        return;
      }
      this.#start(next, facts);
      this.#link.send({ type: 'job.launched', job });
    } catch (error) {
      this.#link.send({ type: 'job.unstarted', job, why: messageOf(error) });
    }
  }

  #factsOf(job: JobId): JobFacts {
    return { ...firstJob(job), agentName: '', room: this.#begin.room, metadata: '' };
  }

  #fork(): HostJob {
    const forked = startHostJob(this.#begin);
    this.#waiting.add(forked);
    void forked.gone.then(() => {
      this.#waiting.delete(forked);
      if (this.#spare === forked) this.#spare = undefined;
    });
    return forked;
  }

  #start(forked: HostJob, facts: JobFacts): void {
    this.#waiting.delete(forked);
    this.#running.add(forked);
    forked.start(facts);
    void forked.gone.then(() => {
      this.#running.delete(forked);
      this.#link.send({ type: 'job.unstarted', job: facts.job, why: 'its process is gone' });
      if (this.#isStopping) this.#stop();
    });
  }

  #keepSpare(): void {
    if (this.#spare || this.#isStopping) return;
    const spare = this.#fork();
    this.#spare = spare;
    void spare.warm.then(
      () => {
        if (this.#spare !== spare) return;
        this.#link.send({ type: 'worker.warm', count: 1 });
        this.#channel.send({ type: 'warm' });
      },
      () => undefined,
    );
  }

  /** H2. The keeper has told the job all it needs; what has no call yet is not worth waiting for. */
  #stop(): void {
    this.#isStopping = true;
    if (this.#running.size === 0) this.#end();
  }

  #kill(): void {
    const those = this.#running.size > 0 ? this.#running : this.#waiting;
    for (const forked of those) forked.kill();
  }
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    console.error(`lastword: ${messageOf(error)}`);
    process.exit(1);
  },
);
