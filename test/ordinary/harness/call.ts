/**
 * A healthy call: the job as production assembles it, at the policy's defaults, with models and a caller at human speed.
 * `LASTWORD_BARE=1` plays the same scripts on the SDK alone, which shows that a script itself is right.
 */
import { initializeLogger, type llm, type tts, voice } from '@livekit/agents';
import type { Room } from '@livekit/rtc-node';
import { expect, test } from 'vitest';
import { defaultPolicy } from '../../../machines/index.ts';
import type { Call } from '../../../src/livekit/call.ts';
import type { SessionDefinition, StartOptions } from '../../../src/livekit/definition.ts';
import type { Words } from '../../../src/livekit/lines.ts';
import { isLoud } from '../../../src/sound/loudness.ts';
import { LineInput } from '../../../src/livekit/terminal/line-input.ts';
import { roomVenue } from '../../../src/livekit/room-venue.ts';
import type { Venue } from '../../../src/livekit/venue.ts';
import type { Report } from '../../../src/report/schema.ts';
import { unlessAborted } from '../../../src/waiting/deadline.ts';
import { Pace, type PaceName } from '../../../src/testing/lab/pace.ts';
import type { Ear } from '../../faults/edges.ts';
import { place, type Placed } from '../../faults/harness.ts';
import { textOf } from '../../faults/models.ts';
import { Caller } from './caller.ts';
import { type EarsOptions, PacedStt, PacedVad } from './ears.ts';
import { type Asked, expectMetNobody } from './met-nobody.ts';
import { Mouth } from './mouth.ts';
import { RoomLikeOutput } from './output.ts';
import { type Plant, planted, plants } from './planted.ts';
import { contextIn, hear, mediaRoom } from './room.ts';
import { Soundtrack } from './soundtrack.ts';
import { PacedTts } from './voice.ts';
import { PacedLlm, quickly, type Script } from './wits.ts';

initializeLogger({ pretty: false, level: 'silent' });

const isBare = process.env['LASTWORD_BARE'] === '1';
const plantOfLane = plants.find((plant) => plant === process.env['LASTWORD_PLANT']);

/** What the models of a call are made of. */
export type World = { mouth: Mouth; pace: Pace; script: Script; soundtrack: Soundtrack };

export type Healthy = {
  /** Default `typical`. */
  pace?: PaceName;
  /** Default: one whose instructions are to answer. */
  agent?: (world: World) => voice.Agent;
  script?: Script;
  ears?: EarsOptions;
  voice?: (world: World) => tts.TTS;
  /** Besides models at human speed, turns by voice activity, and no half-trained detector. */
  options?: (world: World) => Partial<voice.AgentSessionOptions>;
  definition?: Pick<
    SessionDefinition,
    'greeting' | 'goodbye' | 'filler' | 'policy' | 'nudge' | 'prepare' | 'windDown' | 'language' | 'hangUp'
  >;
  /** In a room that the SDK's own RoomIO is wired to, with these options for its start. Default: no room at all. */
  start?: StartOptions;
  /** A fault of ours, to see the lane red. */
  plant?: Plant;
  /** What this situation is allowed; default: nothing of ours, and the caller hangs up. */
  asked?: Partial<Asked>;
};

export type Life = World & {
  caller: Caller;
  session: voice.AgentSession;
  /** Undefined on the SDK alone. */
  call: Call | undefined;
  /** What the language model was asked, in order. */
  asked: readonly string[];
};

class Plain extends voice.Agent {
  constructor(tools: llm.ToolContextLike = []) {
    super({ instructions: 'Answer.', tools });
  }
}
export const plain = (tools?: llm.ToolContextLike) => () => new Plain(tools);

/** A test of a healthy call. `live`: what the caller does; after it they hang up, unless the script has ended the call. */
export function healthy(title: string, given: Healthy, live: (life: Life) => Promise<void>): void {
  const name = given.pace === undefined || given.pace === 'typical' ? title : `${title} (${given.pace})`;
  test.concurrent(name, { timeout: 120_000 }, () => playHealthy(name, given, live));
}

/** Somebody who records a call: with latencies of their own, and from before its first event on. */
export type Watch = { pace: Pace; watch: (placed: Placed, soundtrack: Soundtrack) => void };

/** The call itself. Rejects when it met somebody. `name`: the seed of its latencies. */
export async function playHealthy(
  name: string,
  given: Healthy,
  live: (life: Life) => Promise<void>,
  watch?: Watch,
): Promise<void> {
  const soundtrack = new Soundtrack();
  const world: World = {
    soundtrack,
    mouth: new Mouth(soundtrack),
    pace: watch?.pace ?? new Pace(given.pace ?? 'typical', seedOf(name)),
    script: given.script ?? (() => quickly('It is nine.')),
  };
  await (isBare ? playBare(world, given, live) : play(world, given, live, watch));
}

/** Every test has latencies of its own, and the same ones each time. `LASTWORD_SEED` moves all of them. */
const seedOf = (title: string) =>
  title
    .split('')
    .reduce((seed, each) => (seed * 31 + each.charCodeAt(0)) | 0, Number(process.env['LASTWORD_SEED'] ?? 1));

function optionsOf(world: World, given: Healthy): voice.AgentSessionOptions & { llm?: PacedLlm } {
  const { mouth, pace, script } = world;
  const model = new PacedLlm(script, pace);
  return {
    stt: new PacedStt(mouth, pace, given.ears),
    vad: new PacedVad(mouth),
    llm: model,
    tts: given.voice?.(world) ?? new PacedTts(pace),
    turnHandling: { turnDetection: 'vad' },
    ...given.options?.(world),
  } as voice.AgentSessionOptions & { llm?: PacedLlm };
}

// ── with Lastword ────────────────────────────────────────────────────────────────────────────────────────────────

async function play(
  world: World,
  given: Healthy,
  live: (life: Life) => Promise<void>,
  watch: Watch | undefined,
): Promise<void> {
  const { soundtrack, mouth } = world;
  const options = optionsOf(world, given);
  const { policy: limits, ...definition } = given.definition ?? {};
  const policy = typeof limits === 'function' ? limits : { ...defaultPolicy, ...limits };
  await using room = given.start ? await mediaRoom() : undefined;
  const { start } = given;
  await using placed = await place({
    agent: () => given.agent?.(world) ?? new Plain(),
    options,
    between: (send) => planted(given.plant ?? plantOfLane, send),
    goodbye: 'none',
    ...definition,
    policy,
    ...(start && { start: () => start }),
    edges: {
      output: outputOn(soundtrack),
      venue: (usual, reporter) => {
        if (!room) return audibleOn(soundtrack, usual);
        const venue = roomVenue(contextIn(room, 'job'), reporter, { isCallerNamed: true });
        return { ...venue, ...audibleOn(soundtrack, venue) };
      },
    },
  });
  watch?.watch(placed, soundtrack);
  await started(placed);
  const session = placed.call.session as voice.AgentSession;
  if (room) hear(session.output.audio, soundtrack);
  const caller = new Caller(mouth, soundtrack, () => session, {
    acts: () => placed.run.send({ type: 'caller.acts' }), // as the room's venue says it
    ...(room && { types: (text: string) => room.types(text) }),
  });
  const asked = options.llm?.asked ?? [];
  let failure: unknown;
  await live({ ...world, caller, session, call: placed.call, asked }).catch((error: unknown) => (failure = error));
  if (!placed.run.hasTag('leaving')) (room ? () => room.callerLeaves() : placed.leaves)();
  const report: Report = await placed.report();
  if (failure !== undefined)
    throw Object.assign(failure as Error, { message: `${(failure as Error).message}\n${pathOf(report)}` });
  expectMetNobody(report, soundtrack, placed.job.definition.policy, {
    end: { reason: 'caller_hung_up', by: 'caller' },
    said: caller.said,
    lines: linesOf(given),
    ...given.asked,
  });
}

/** A greeting that was configured is heard, once. */
const linesOf = ({ definition }: Healthy): NonNullable<Asked['lines']> =>
  typeof definition?.greeting === 'object' ? { greeting: 1 } : {};

const pathOf = ({ path, errors, end }: Report) =>
  [
    `ended: ${end.reason} by ${end.by} ${end.detail ?? ''}`,
    ...path.map(({ states, event, ms }) => `${event} → ${states.join(' + ')} (${ms} ms)`),
    ...errors.map(({ component, message }) => `${component}: ${message}`),
  ].join('\n');

const started = (placed: Placed) =>
  placed.until('the session has started', () => placed.call.session?._started === true || placed.run.hasTag('leaving'));

const outputOn = (soundtrack: Soundtrack) =>
  class extends RoomLikeOutput {
    constructor(_ear: Ear) {
      super(soundtrack);
    }
  };

/** The track of our own, in real time. */
const audibleOn = (soundtrack: Soundtrack, usual: Venue): Partial<Venue> => {
  let playing: AbortController | undefined;
  return {
    play: async (audio, given, onAudible) => {
      playing?.abort();
      const stop = (playing = new AbortController());
      const signal = AbortSignal.any([given, stop.signal]);
      let plannedMs = 0;
      let sound: ReturnType<Soundtrack['begin']> | undefined;
      for await (const { samples, sampleRate } of audio) {
        if (signal.aborted) break;
        plannedMs += (samples.length * 1000) / sampleRate;
        if (sound || !isLoud(samples)) continue;
        sound = soundtrack.begin('line', textOf(samples));
        onAudible();
      }
      const from = sound?.from ?? Date.now();
      const rest = new Promise((resolve) => setTimeout(resolve, Math.max(0, from + plannedMs - Date.now())));
      await unlessAborted(rest, signal).catch(() => {});
      if (sound) soundtrack.end(sound, signal.aborted);
      const isHushed = stop.signal.aborted && !given.aborted;
      return { heardMs: sound ? Math.min(plannedMs, Date.now() - from) : 0, plannedMs, isHushed };
    },
    hush: () => {
      playing?.abort();
      usual.hush();
    },
  };
};

// ── on the SDK alone ─────────────────────────────────────────────────────────────────────────────────────────────

async function playBare(world: World, given: Healthy, live: (life: Life) => Promise<void>): Promise<void> {
  const { soundtrack, mouth } = world;
  const options = optionsOf(world, given);
  const session = new voice.AgentSession(options);
  await using room = given.start ? await mediaRoom() : undefined;
  if (!room) {
    session.input.audio = new LineInput(16_000);
    session.output.audio = new RoomLikeOutput(soundtrack);
  }
  session.on(voice.AgentSessionEventTypes.Error, () => {}); // one that nobody hears is thrown
  await given.definition?.prepare?.(undefined as never, session);
  const agent = given.agent?.(world) ?? new Plain();
  await session.start({ record: false, ...given.start, agent, ...(room && { room: room as unknown as Room }) });
  if (room) hear(session.output.audio, soundtrack);
  const { greeting } = given.definition ?? {};
  greet(session, typeof greeting === 'function' ? await greeting(undefined as never) : greeting);
  const types = room && ((text: string) => room.types(text));
  const caller = new Caller(mouth, soundtrack, () => session, { acts: () => {}, ...(types && { types }) });
  try {
    await live({ ...world, caller, session, call: undefined, asked: options.llm?.asked ?? [] });
    expect(soundtrack.sounds.filter(({ voice: whose }) => whose === 'line')).toEqual([]);
  } finally {
    await session.close();
  }
}

function greet(session: voice.AgentSession, greeting: Words | 'agent' | 'wait' | undefined): void {
  if (typeof greeting !== 'object') return;
  if ('say' in greeting) session.say(greeting.say);
  else session.generateReply({ instructions: greeting.generate, toolChoice: 'none' });
}
