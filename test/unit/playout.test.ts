/** What is heard, on the real AgentSession and real outputs of the SDK, all in this process. */
import { initializeLogger, voice } from '@livekit/agents';
import { AudioFrame } from '@livekit/rtc-node';
import { expect, onTestFinished, test, vi } from 'vitest';
import { RecorderIO } from '../../node_modules/@livekit/agents/dist/voice/recorder_io/recorder_io.js';
import { TranscriptionSynchronizer } from '../../node_modules/@livekit/agents/dist/voice/transcription/synchronizer.js';
import { Playout } from '../../src/livekit/observe/playout.ts';
import { ScriptedLlm, ToneTts } from '../faults/models.ts';
import { Speaker } from './speaker.ts';

initializeLogger({ pretty: false, level: 'silent' });

const RUNG_MS = 300;
/** 800 ms of it. */
const LINE = 'a line of words '.repeat(6).padEnd(100, '.');
const LINE_MS = 800;

async function listening(output: voice.AudioOutput | null) {
  const session = new voice.AgentSession({
    llm: new ScriptedLlm(() => ({ say: LINE })),
    tts: new ToneTts(),
    vad: null as never,
    turnHandling: { turnDetection: 'manual' },
  });
  const told: string[] = [];
  const watchers = new Set<() => void>();
  const tell = (what: string) => {
    told.push(what);
    for (const look of watchers) look();
  };
  const playout = new Playout(session, RUNG_MS, {
    audible: ({ isOurs, isPresumed }) => tell(`${isOurs ? 'ours' : 'theirs'}${isPresumed ? ' presumed' : ''}`),
    heard: (isHeard) => tell(isHeard ? 'heard' : 'quiet'),
    sounding: () => {},
    silent: (ms) => tell(`silent ${ms}`),
    written: ({ isOurs }) => tell(isOurs ? 'ours written' : 'written'),
    switched: (canBeHeard) => tell(canBeHeard ? 'on' : 'off'),
    failed: (error) => tell(`failed ${String(error)}`),
  });
  session.on(voice.AgentSessionEventTypes.AgentStateChanged, ({ newState }) => {
    if (newState === 'speaking') playout.spoke();
  });
  if (output) session.output.audio = output;
  await session.start({ agent: new voice.Agent({ instructions: '' }) });
  onTestFinished(() => void session.close()); // half a second each, which no test needs to wait for
  told.length = 0;
  /** Settles once this was told for the `count`th time. */
  const until = (what: string, count = 1) =>
    vi.waitFor(
      () => {
        if (told.filter((each) => each === what).length < count)
          throw new Error(`no ${what} among ${JSON.stringify(told)}`);
      },
      { timeout: 4000, interval: 5 },
    );
  const say = (text = LINE) => {
    const handle = session.say(text);
    return { handle, line: playout.follow(handle) };
  };
  return { session, playout, told, until, say };
}

const quiet = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const frame = (value: number, ms = 20) => new AudioFrame(new Int16Array(24 * ms).fill(value), 24_000, 1, 24 * ms);

test('O-B6 a line is heard from its first sound to its end, and for as long as it is', async () => {
  const { told, say } = await listening(new Speaker());
  const { line } = say();
  await line.audible;
  expect(line.plannedMs()).toBe(LINE_MS);
  const { heardMs, interrupted } = await line.finished;
  expect([told, heardMs, line.heardMs(), interrupted]).toEqual([['ours', 'heard', 'quiet'], LINE_MS, LINE_MS, false]);
});

test('O-B6 what nobody asked for is theirs, with the handle of its speech', async () => {
  const { session, told, until } = await listening(new Speaker());
  session.generateReply({ userInput: 'hello' });
  await until('quiet');
  expect(told).toEqual(['theirs', 'heard', 'quiet']);
});

test('O-B5 paused and resumed: quiet meanwhile, then heard again without a second first sound, and no pause counts', async () => {
  const output = new Speaker();
  const { told, until, say } = await listening(output);
  const { line } = say();
  await until('heard');
  await quiet(200);
  output.pause();
  expect(told.at(-1)).toBe('quiet');
  const atPause = line.heardMs();
  await quiet(2 * LINE_MS);
  expect(line.heardMs()).toBe(atPause);
  output.resume();
  expect(told.at(-1)).toBe('heard');
  const { heardMs } = await line.finished;
  expect(told).toEqual(['ours', 'heard', 'quiet', 'heard', 'quiet']);
  expect(heardMs).toBe(LINE_MS);
  expect(line.heardMs()).toBeLessThanOrEqual(line.plannedMs());
});

test('O-B5 paused and then cut: what was heard before the pause, and quiet once', async () => {
  const output = new Speaker();
  const { told, until, say } = await listening(output);
  const { line, handle } = say();
  await until('heard');
  await quiet(200);
  output.pause();
  await quiet(300);
  handle.interrupt(true);
  const { heardMs, interrupted } = await line.finished;
  expect(interrupted).toBe(true);
  expect(heardMs).toBeGreaterThan(100);
  expect(heardMs).toBeLessThan(400);
  expect(told).toEqual(['ours', 'heard', 'quiet']);
});

test('O-B5 an output that cannot pause plays on when it is told to, and is heard', async () => {
  const output = new Speaker({ canPause: false });
  const { told, until, say } = await listening(output);
  say();
  await until('heard');
  voice.AudioOutput.prototype.pause.call(output);
  output.pause();
  output.resume();
  await until('quiet');
  expect(told).toEqual(['ours', 'heard', 'quiet']);
});

test('O-B6 a chain as RoomIO and a recorder make it, an avatar at its end: heard once, paused once', async () => {
  const avatar = new Speaker();
  const { session, told, until, say } = await listening(avatar);
  const synchronized = new TranscriptionSynchronizer(avatar, new voice.ParalellTextOutput([]));
  session.output.audio = synchronized.audioOutput;
  session.output.transcription = synchronized.textOutput;
  session.output.audio = new RecorderIO({ agentSession: session }).recordOutput(session.output.audio);
  const { line } = say();
  await until('heard');
  session.output.audio.pause();
  await quiet(100);
  session.output.audio.resume();
  expect(await line.finished).toEqual({ heardMs: LINE_MS, interrupted: false, isWritten: false });
  expect(told).toEqual(['ours', 'heard', 'quiet', 'heard', 'quiet']);
  expect(line.plannedMs()).toBe(LINE_MS);
});

test('O-B6 an output of the user’s that passes on to the one before it: no line is heard twice for that', async () => {
  class Tee extends Speaker {
    readonly #inner: voice.AudioOutput;
    constructor(inner: voice.AudioOutput) {
      super();
      this.#inner = inner;
    }
    override async captureFrame(given: AudioFrame): Promise<void> {
      await super.captureFrame(given);
      await this.#inner.captureFrame(given);
    }
    override flush(): void {
      super.flush();
      this.#inner.flush();
    }
  }
  const inner = new Speaker();
  const { session, say } = await listening(inner);
  session.output.audio = new Tee(inner);
  const { line } = say();
  const { heardMs } = await line.finished;
  expect([heardMs, line.plannedMs()]).toEqual([LINE_MS, LINE_MS]);
});

test('O-B6 replaced in the middle of a line: the old one is followed to its end, the next line is heard on the new one', async () => {
  const [before, after] = [new Speaker(), new Speaker()];
  const { session, playout, told, until, say } = await listening(before);
  const { line } = say();
  await until('heard');
  session.output.audio = after;
  expect(session.output.audio).toBe(after);
  expect(playout.isHeard).toBe(true);
  let isOver = false;
  const over = playout.over().then(() => (isOver = true));
  await quiet(50);
  expect(isOver).toBe(false); // the new one plays nothing; the old one does
  expect((await line.finished).heardMs).toBe(LINE_MS);
  await over;
  const next = say();
  expect((await next.line.finished).heardMs).toBe(LINE_MS);
  expect(told).toEqual(['ours', 'heard', 'quiet', 'ours', 'heard', 'quiet']);
});

test('O-B6 set before Lastword looks, set to what it is already, set to nothing and back: followed, and once', async () => {
  const output = new Speaker();
  const { session, told, until, say } = await listening(output);
  session.output.audio = output;
  session.output.audio = null;
  session.output.audio = output;
  say();
  await until('quiet');
  expect(told).toEqual(['off', 'on', 'ours', 'heard', 'quiet']);
});

test('O-B6 an avatar that never says that it began: presumed, at once from the second time on, and the line counts', async () => {
  const { told, say } = await listening(new Speaker({ tellsStart: false }));
  for (const wait of [RUNG_MS / 3, 0]) {
    const begun = performance.now();
    const { line } = say();
    await line.audible;
    expect(performance.now() - begun).toBeGreaterThanOrEqual(wait);
    expect(performance.now() - begun).toBeLessThan(wait + 90);
    expect((await line.finished).heardMs).toBe(LINE_MS);
  }
  expect(told).toEqual(['ours presumed', 'heard', 'quiet', 'ours presumed', 'heard', 'quiet']);
});

test('O-B6 the SDK’s queue for avatars, read by one that only says when it has ended', async () => {
  const queue = new voice.QueueAudioOutput(24_000);
  const { told, say } = await listening(queue);
  void (async () => {
    let ms = 0;
    for await (const item of queue.stream() as AsyncIterable<voice.QueueAudioOutputItem>) {
      if (item instanceof AudioFrame) ms += (item.samplesPerChannel * 1000) / item.sampleRate;
      else setTimeout(() => queue.notifyPlaybackFinished(ms / 1000, false), ms);
    }
  })();
  const { line } = say();
  expect((await line.finished).heardMs).toBe(LINE_MS);
  expect(told).toEqual(['ours presumed', 'heard', 'quiet']);
});

test('O-B6 an avatar that says it late: not presumed once it is known to say so, and never told twice', async () => {
  const output = new Speaker({ startLagMs: 200 });
  const { told, say } = await listening(output);
  await say().line.finished; // the first time nobody knows it: presumed after 100 ms
  await say().line.finished;
  expect(told).toEqual(['ours presumed', 'heard', 'quiet', 'ours', 'heard', 'quiet']);
});

test('O-B6 a line too short for any presumption is heard when the output says that it ended', async () => {
  const { told, say } = await listening(new Speaker({ tellsStart: false }));
  const { line } = say('Hello');
  expect((await line.finished).heardMs).toBe(40);
  expect(told).toEqual(['ours presumed', 'heard', 'quiet']);
});

test('O-B6 an output that never says that it ended: nobody is heard once what was pushed is over', async () => {
  const { told, until, say } = await listening(new Speaker({ tellsEnd: false }));
  const begun = performance.now();
  const { line } = say();
  await until('quiet');
  expect(performance.now() - begun).toBeGreaterThanOrEqual(LINE_MS + RUNG_MS - 20);
  expect(line.heardMs()).toBe(LINE_MS);
  expect(told).toEqual(['ours', 'heard', 'quiet']);
});

test('a voice that stops in the middle: quiet after a while, and heard again when it goes on', async () => {
  const { session, playout, told, until } = await listening(new Speaker());
  const handle = session.say(LINE, {
    audio: new ReadableStream({
      async start(controller) {
        for (let index = 0; index < 10; index += 1) controller.enqueue(frame(1000));
        await quiet(200 + 2 * RUNG_MS);
        for (let index = 0; index < 10; index += 1) controller.enqueue(frame(1000));
        controller.close();
      },
    }) as never,
  });
  const line = playout.follow(handle);
  await until('quiet', 2);
  expect(told).toEqual(['ours', 'heard', 'quiet', 'heard', 'quiet']);
  expect((await line.finished).heardMs).toBe(400);
});

test('a line is never heard for longer than it is, whatever the output claims', async () => {
  const { say } = await listening(new Speaker({ claimsMs: 99_000 }));
  const { line } = say();
  expect((await line.finished).heardMs).toBe(LINE_MS);
});

test.each([Number.NaN, -5, 0])('an output that says it played %s seconds to the end: the clock counts', async (ms) => {
  const { say } = await listening(new Speaker({ claimsMs: ms }));
  const { line } = say();
  const { heardMs } = await line.finished;
  expect(heardMs).toBeGreaterThan(LINE_MS - 100);
  expect(heardMs).toBeLessThanOrEqual(LINE_MS);
});

test('a playback of silence is none', async () => {
  const { session, told, until } = await listening(new Speaker());
  session.say(LINE, {
    audio: new ReadableStream({
      start(controller) {
        controller.enqueue(frame(20, 100));
        controller.close();
      },
    }) as never,
  });
  await until('silent 100');
  expect(told).toEqual(['silent 100']);
});

test('O-B6 what an output never took is never heard, and the next line is its own', async () => {
  class Gate extends Speaker {
    isOpen = false;
    readonly #opened: (() => void)[] = [];
    #cuts = 0;
    open(): void {
      this.isOpen = true;
      for (const each of this.#opened.splice(0)) each();
    }
    override async captureFrame(given: AudioFrame): Promise<void> {
      const cuts = this.#cuts;
      if (!this.isOpen) await new Promise<void>((resolve) => this.#opened.push(resolve));
      if (cuts === this.#cuts) await super.captureFrame(given); // as a room's output does before anybody subscribed
    }
    override clearBuffer(): void {
      this.#cuts += 1;
      super.clearBuffer();
    }
  }
  const output = new Gate();
  const { told, say } = await listening(output);
  const first = say();
  await quiet(RUNG_MS * 2);
  first.handle.interrupt(true);
  expect(await first.line.finished).toEqual({ heardMs: 0, interrupted: true, isWritten: false });
  output.open();
  const second = say();
  expect((await second.line.finished).heardMs).toBe(LINE_MS);
  expect(told).toEqual(['ours', 'heard', 'quiet']);
  expect(first.line.heardMs()).toBe(0);
});

test('O-B6 switched off: what is said is written, heard by nobody, and no sound is waited for; on again: heard', async () => {
  const { session, told, until, say } = await listening(new Speaker());
  session.output.setAudioEnabled(false);
  const { line } = say();
  await line.audible;
  expect(await line.finished).toEqual({ heardMs: 0, interrupted: false, isWritten: true });
  session.generateReply({ userInput: 'hello' });
  await until('written');
  session.output.setAudioEnabled(true);
  await until('on');
  await vi.waitFor(() => expect(session.agentState).toBe('listening'));
  await say().line.finished;
  expect(told).toEqual(['off', 'ours written', 'written', 'on', 'ours', 'heard', 'quiet']);
});

test('O-B6 switched off in the middle of a line: it plays on, and is heard to its end', async () => {
  const { session, told, until, say } = await listening(new Speaker());
  const { line } = say();
  await until('heard');
  session.output.setAudioEnabled(false);
  expect((await line.finished).heardMs).toBe(LINE_MS);
  expect(told).toEqual(['ours', 'heard', 'off', 'quiet']);
});

test('O-B3 a session without any output writes', async () => {
  const { told, say } = await listening(null);
  const { line } = say();
  await line.audible;
  expect(await line.finished).toEqual({ heardMs: 0, interrupted: false, isWritten: true });
  expect(told).toEqual(['ours written']);
});

test('nobody notices: the same promise, the same exception, no listener of ours, and a spy stays one', async () => {
  const promised = Promise.resolve();
  class Plain extends voice.AudioOutput {
    next: () => Promise<void> = () => promised;
    override captureFrame(): Promise<void> {
      return this.next();
    }
    clearBuffer(): void {}
  }
  const output = new Plain(24_000);
  const resume = vi.fn();
  output.resume = resume;
  const { session } = await listening(output);
  expect(session.output.audio).toBe(output);
  expect(output.captureFrame()).toBe(promised);
  output.next = () => {
    throw new Error('planted');
  };
  expect(() => output.captureFrame()).toThrow('planted');
  output.resume();
  expect(resume).toHaveBeenCalledOnce();
  expect(output.eventNames()).toEqual([]);
  expect(Object.keys(output)).not.toContain('captureFrame');
});

test('a frame that is none is the output’s to refuse; what is odd about it is told once', async () => {
  const taken: unknown[] = [];
  class Anything extends voice.AudioOutput {
    override async captureFrame(given: AudioFrame): Promise<void> {
      taken.push(given);
    }
    clearBuffer(): void {}
  }
  const output = new Anything(24_000);
  const { told } = await listening(output);
  await output.captureFrame(undefined as never);
  await output.captureFrame(undefined as never);
  expect(taken).toHaveLength(2);
  expect(told).toEqual([expect.stringMatching(/^failed TypeError/)]);
});
