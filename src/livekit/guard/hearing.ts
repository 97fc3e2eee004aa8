/**
 * The agent's ears, guarded. A recognition whose stream ends while the caller goes on talking leaves a deaf session, and
 * the SDK has no event for it (fault T9); one that cannot be opened at all, neither.
 *
 *   E1  The end is seen when the next audio comes: nobody misses ears while the microphone is muted, and at a close or a
 *       change of models the SDK gives the stream up, or the audio ends, before there is any.
 *   E2  Opened once more, with the audio that follows. Words that are understood pay for another time; without any, the
 *       second end is the error branch.
 *   E3  One that reports an error ends a moment later. The SDK would close the session for the first of them, whatever it
 *       was: it is told of it when the ears are not opened again, for they were before, or the provider refuses for good.
 *   E4  In a handoff the SDK keeps the stream and changes the agent, so whoever is there now opens the next one.
 */
import { ReadableStream } from 'node:stream/web';
import { stt, type voice } from '@livekit/agents';
import type { AudioFrame } from '@livekit/rtc-node';
import { endOf } from '../../../machines/index.ts';
import { messageOf } from '../../errors/thrown.ts';
import { settledWithin } from '../../waiting/deadline.ts';
import type { LiveJob } from '../live-job.ts';
import { watchModels } from '../observe/models.ts';

type Node = voice.Agent['sttNode'];
type Audio = Parameters<Node>[0];
type Heard = NonNullable<Awaited<ReturnType<Node>>>;

/** Of `turnMs`. Opening is local work; the connection is made behind it. */
const OPEN_SHARE = 0.25;
const TRIES = 2;

/** Replaces `sttNode` on the instance: the SDK looks at the class to see whether it may keep a stream in a handoff. */
export function guardHearing(job: LiveJob, agent: voice.Agent): void {
  const unguarded = agent.sttNode.bind(agent);
  job.guarded.agents.set(agent, unguarded);
  agent.sttNode = (audio, settings) =>
    job.guarded.isOver ? unguarded(audio, settings) : listen(job, agent, audio, settings);
}

async function listen(
  job: LiveJob,
  agent: voice.Agent,
  audio: Audio,
  settings: Parameters<Node>[1],
): Promise<Heard | null> {
  const openMs = OPEN_SHARE * job.definition.policy.turnMs;
  const open = async (): Promise<Attempt> => {
    const current = job.session?.currentAgent;
    const { agents } = job.guarded;
    const node = (current && agents.get(current)) ?? agents.get(agent); // E4
    const input = feed.next();
    if (!node) return { kind: 'silent' };
    const opening = (async () => node(input, settings))();
    const opened = await settledWithin(opening, openMs);
    if (opened.kind === 'settled') return opened.value ? { kind: 'open', stream: opened.value } : { kind: 'silent' };
    opening.then((late) => late?.cancel()).catch(() => {}); // nobody reads it any more
    const why = opened.kind === 'late' ? `it did not open within ${openMs} ms` : messageOf(opened.error);
    return { kind: 'failed', why };
  };
  const feed = new Feed(audio);
  const first = await open();
  if (first.kind === 'silent') return null; // the agent wants no ears

  const ears = agent.stt ?? job.session?.stt;
  watchModels(job, { stt: ears }); // it may have been changed in the middle of the call
  let isGivenUp = false;
  let giveUp = () => {};
  let failures = 0;
  let reported: string | undefined;
  const isOver = () =>
    isGivenUp || feed.isOver || job.run.hasTag('leaving') || (ears !== undefined && job.guarded.broken.has(ears)); // E3
  const own = {
    opensAgain: (message: string, isRefusal: boolean) => {
      if (isRefusal || isOver() || failures + 1 >= TRIES || !ears) return false;
      reported = message;
      return true;
    },
  };
  job.guarded.ears = own;

  return new ReadableStream<stt.SpeechEvent | string>({
    start(heard) {
      let attempt: Attempt = first;
      const end = () => {
        feed.stop();
        if (job.guarded.ears === own) job.guarded.ears = undefined;
        if (!isGivenUp) heard.close();
      };
      const run = async () => {
        for (;;) {
          const begun = Date.now();
          let why = attempt.kind === 'failed' ? attempt.why : '';
          if (attempt.kind === 'open') {
            const reader = attempt.stream.getReader();
            giveUp = () => void reader.cancel().catch(() => {});
            if (isGivenUp) giveUp();
            try {
              for (;;) {
                const { done, value } = await reader.read();
                if (done || isGivenUp) break;
                if (isWords(value)) failures = 0; // E2
                heard.enqueue(value);
              }
              why = `the recognition stream ended after ${Date.now() - begun} ms while the caller's audio went on`;
            } catch (error) {
              why = messageOf(error);
            }
          }
          if (isOver()) return end();
          await feed.sound(); // E1
          if (isOver()) return end();
          failures += 1;
          const isLast = failures === TRIES;
          if (reported === undefined) note(job, ears, why, isLast);
          else job.recorder.append('log', { level: 'info', message: 'the recognition is opened again', why: reported });
          reported = undefined;
          if (isLast) return end();
          attempt = await open();
          if (attempt.kind === 'silent') return end();
        }
      };
      void run();
    },
    cancel() {
      isGivenUp = true;
      if (job.guarded.ears === own) job.guarded.ears = undefined;
      feed.stop();
      giveUp();
    },
  });
}

type Attempt = { kind: 'open'; stream: Heard } | { kind: 'failed'; why: string } | { kind: 'silent' };

function note(job: LiveJob, ears: stt.STT | undefined, why: string, isLast: boolean): void {
  const message = `${why}; ${isLast ? 'it was opened again before' : 'opened again'}`;
  job.recorder.append('error', {
    component: 'stt',
    message,
    recoverable: !isLast,
    ...(ears && { label: ears.label }),
  });
  job.log.warn({ component: 'stt', error: message }, 'a provider failed');
  if (isLast)
    job.run.send({ type: 'session.failed', end: endOf('system', 'model_failed', 'provider', `stt: ${message}`) });
}

const isWords = (value: stt.SpeechEvent | string): boolean =>
  typeof value !== 'string' && value.type === stt.SpeechEventType.FINAL_TRANSCRIPT;

/** The caller's audio, for one attempt after the other. */
class Feed {
  isOver = false;
  readonly #reader;
  #sink: ReadableStreamDefaultController<AudioFrame> | undefined;
  /** The frame that told that audio still comes. */
  #kept: AudioFrame | undefined;
  #wake = () => {};

  constructor(audio: Audio) {
    this.#reader = (audio instanceof ReadableStream ? audio : ReadableStream.from(audio)).getReader();
    void this.#pump();
  }

  /** From here on the audio goes into a new stream. */
  next(): ReadableStream<AudioFrame> {
    return new ReadableStream<AudioFrame>({
      start: (sink) => {
        this.#sink = sink;
        if (this.#kept) sink.enqueue(this.#kept);
        this.#kept = undefined;
        if (this.isOver) sink.close();
      },
    });
  }

  /** Resolves with the next audio, or when there will be none: at the latest when the call ends. Nobody listens meanwhile. */
  async sound(): Promise<void> {
    this.#sink = undefined;
    if (this.isOver) return;
    await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  stop(): void {
    this.isOver = true;
    this.#wake();
    try {
      this.#reader.releaseLock(); // a read that is under way is rejected, and the pump ends
    } catch {
      // the pump has let go of it already
    }
  }

  /** False: nobody listens, or whoever did gave up its stream. */
  #give(frame: AudioFrame): boolean {
    try {
      this.#sink?.enqueue(frame);
      return this.#sink !== undefined;
    } catch {
      return false;
    }
  }

  async #pump(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        if (!this.#give(value)) this.#kept = value;
        this.#wake();
      }
    } catch {
      // let go of in the middle of a read, or the audio broke: nothing comes any more either way
    }
    this.isOver = true;
    this.#wake();
    try {
      this.#sink?.close();
    } catch {
      // whoever listened has closed it
    }
  }
}
