/**
 * Deaf, mute, unheard: what breaks without an event. Seen, tried again once, then the error branch, with the fault where
 * it belongs; and in the report what was seen.
 */
import { EventEmitter } from 'node:events';
import { llm, stt, voice } from '@livekit/agents';
import type { LocalTrack, RemoteParticipant, Room } from '@livekit/rtc-node';
import { TrackKind } from '@livekit/rtc-node';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { EntryData } from '../../src/journal/entry.ts';
import { watchMicrophone } from '../../src/livekit/guard/silence.ts';
import type { LiveJob } from '../../src/livekit/live-job.ts';
import { roomTracks } from '../../src/livekit/observe/tracks.ts';
import { ownTrack } from '../../src/livekit/own-track.ts';
import { phrases } from '../../src/livekit/phrases.ts';
import { languages } from '../../src/sound/bundled.ts';
import type { Pcm } from '../../src/livekit/venue.ts';
import { readWav } from '../../src/sound/wav.ts';
import { expectEndedWell, type WellEnded } from '../contract/ended-well.ts';
import { type Placed, place } from './harness.ts';
import { SAMPLE_RATE } from './models.ts';
import { gate, toolNamed, WithTools } from './plain.ts';

const agent = () => new WithTools();
const answer = () => ({ say: 'It is nine.' });
const ASKED = 'What time is it?';
const errorsOf = ({ of }: Placed, component: string) => of('error').filter((error) => error.component === component);
const isHandoff = ({ role }: EntryData['item']) => role === 'handoff';
const loud = ({ heard }: Placed) => heard.map(({ text }) => text).filter((text) => text !== 'silence');
/** A model or a voice is dead, and the caller heard an apology for it. */
const modelFailed = { reason: 'model_failed', by: 'system', stage: 'conversing', goodbye: 'skipped' } as const;

const ended = async (placed: Placed, wanted: WellEnded) =>
  expectEndedWell({ reports: [await placed.report()] }, wanted);
const conversed = async (placed: Placed) => {
  placed.says(ASKED);
  await placed.hears('It is nine');
};

// ── deaf ─────────────────────────────────────────────────────────────────────────────────────────────────────────

describe('T9 the recognition stream ends while the call goes on:', () => {
  test('it is opened again with the audio that follows, the next question is answered, and the report says so', async () => {
    await using placed = await place({ agent, script: answer });
    await conversed(placed);
    for (const times of [2, 3]) {
      placed.ears.end();
      await placed.until('it is opened again', () => errorsOf(placed, 'stt').length === times - 1);
      placed.says(ASKED); // understood: the next end is a first one again
      await placed.until('it is answered', () => placed.llm.asked.length === times);
    }
    placed.call.end('done');
    const { errors, warnings } = await ended(placed, {
      reason: 'done',
      by: 'agent',
      stage: 'conversing',
      fault: 'none',
      goodbye: 'played',
    });
    expect(errors).toEqual([]);
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatchObject({ component: 'stt', label: 'told', recoverable: true });
    expect(warnings[0]?.message).toMatch(/^the recognition stream ended after \d+ ms while .* went on; opened again$/);
    expect(placed.ears.opened).toBe(3);
  });

  test('the second end without a word between them: the caller hears the apology, the provider is to blame', async () => {
    await using placed = await place({ agent, script: answer, apology: { say: 'Sorry for that.' } });
    await conversed(placed);
    placed.ears.deaf = 1;
    placed.ears.end();
    await ended(placed, {
      ...modelFailed,
      fault: 'provider',
      detail: /^stt: the recognition stream ended after/,
      apology: 'live',
    });
    expect(placed.ears.opened).toBe(2);
    expect(loud(placed).at(-1)).toBe('Sorry for that.');
  });

  test('a handoff keeps the stream: the agent that is there now opens it again, and is answered for', async () => {
    const second = new WithTools();
    await using placed = await place({
      agent: () =>
        new WithTools([toolNamed('hand_over', async () => llm.handoff({ agent: second, returns: 'handed over' }))]),
      script: (asked) => (asked === 'Another.' ? { calls: ['hand_over'] } : { say: 'It is nine.' }),
    });
    placed.says('Another.');
    await placed.until('the other one is there', () => placed.of('item').filter(isHandoff).length === 2);
    placed.says('Who are you?');
    await placed.until('the other one listens', () => placed.llm.asked.includes('Who are you?'));
    expect(placed.ears.opened).toBe(1);
    placed.ears.end();
    await placed.until('it is opened again', () => errorsOf(placed, 'stt').length === 1);
    placed.says('And now?');
    await placed.until('the words are understood', () => placed.llm.asked.includes('And now?'));
    placed.call.end('done');
    expect((await placed.report()).end.reason).toBe('done');
  });

  test('a close and a handoff end it too, and that is no failure', async () => {
    const second = new WithTools();
    await using placed = await place({
      agent: () =>
        new WithTools([toolNamed('hand_over', async () => llm.handoff({ agent: second, returns: 'handed over' }))]),
      script: (asked) => (asked === 'Another.' ? { calls: ['hand_over'] } : { say: 'It is nine.' }),
    });
    placed.says('Another.');
    await placed.hears('It is nine');
    placed.call.end('done');
    const { end, errors } = await placed.report();
    expect(end.reason).toBe('done');
    expect(errors).toEqual([]);
  });
});

test('T9 a recognition that cannot be opened, twice: no deaf session, but the apology', async () => {
  class Closed extends stt.STT {
    label = 'closed';
    opened = 0;
    protected override async _recognize(): Promise<stt.SpeechEvent> {
      throw new Error('it only streams');
    }
    override stream(): stt.SpeechStream {
      this.opened += 1;
      throw new Error('planted: no stream');
    }
  }
  const closed = new Closed({ streaming: true, interimResults: false });
  await using placed = await place({ agent, script: answer, options: { stt: closed } });
  const { errors } = await ended(placed, {
    ...modelFailed,
    fault: 'provider',
    detail: /planted: no stream/,
    apology: 'live',
  });
  expect(closed.opened).toBe(2);
  expect(errors).toMatchObject([{ component: 'stt', recoverable: false, times: 2 }]);
});

// ── mute ─────────────────────────────────────────────────────────────────────────────────────────────────────────

for (const [what, value] of [
  ['zeros', 0],
  ['noise too faint to be heard', 30],
] as const) {
  test(`T8 B17 a voice that sends ${what}: it counts as silence, and the apology comes from the package, at once`, async () => {
    await using placed = await place({ agent, script: answer, policy: { firstAudioMs: 500, rungMs: 300 } });
    placed.tts.murmurs = value;
    placed.says(ASKED);
    const { lines, errors } = await ended(placed, { ...modelFailed, fault: 'provider', apology: 'bundled' });
    expect(errors).toMatchObject([{ component: 'tts', recoverable: false }]);
    expect(loud(placed)).toEqual(['recorded']);
    expect(lines.find(({ line, rung }) => line === 'apology' && rung === 'live')).toMatchObject({
      outcome: 'failed',
      heardMs: 0,
      why: 'nothing but silence',
    });
    expect(errorsOf(placed, 'tts').map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^\d+ ms were played, and nothing in them could be heard$/),
    );
  });
}

test('T8 B17 a greeting of silence was not heard: the recorded apology is, and the greeting counts as failed', async () => {
  const placing = place({ agent, greeting: { say: 'Hello, this is Ada.' }, tone: { murmurs: 0 } });
  await using placed = await placing;
  const { greeting } = await ended(placed, {
    reason: 'startup_failed',
    by: 'system',
    stage: 'greeting',
    fault: 'provider',
    detail: /^tts: \d+ ms were played, and nothing in them could be heard$/,
    goodbye: 'skipped',
    apology: 'bundled',
  });
  expect(greeting).toMatchObject({ outcome: 'failed', heardMs: 0 });
});

test('B17 silence before the first loud sample is not heard yet, on the track of our own', async () => {
  const heard = async (...parts: Int16Array[]) => {
    const publishTrack = async () => ({ waitForSubscription: async () => {} });
    const track = ownTrack({ isConnected: true, localParticipant: { publishTrack } } as unknown as Room);
    const pushed: number[] = [];
    let audibleAfter: number | undefined;
    async function* audio(): AsyncGenerator<Pcm> {
      for (const [index, samples] of parts.entries()) {
        pushed.push(index);
        yield { sampleRate: SAMPLE_RATE, samples };
      }
    }
    const result = await track.play(audio(), new AbortController().signal, () => (audibleAfter = pushed.length));
    await track.close();
    return { ...result, audibleAfter };
  };
  const stretch = (value: number) => new Int16Array(SAMPLE_RATE / 10).fill(value);
  expect(await heard(stretch(0), stretch(30), stretch(5000))).toMatchObject({ audibleAfter: 3, plannedMs: 300 });
  expect(await heard(stretch(0), stretch(30))).toMatchObject({ audibleAfter: undefined, plannedMs: 200, heardMs: 0 });
});

test('T8 a model that gives no text and no tool is asked once more, and the caller hears the second answer', async () => {
  let asked = 0;
  await using placed = await place({ agent, script: () => ((asked += 1) === 1 ? {} : { say: 'It is nine.' }) });
  await conversed(placed);
  placed.call.end('done');
  const { end, errors, warnings } = await placed.report();
  expect(end.reason).toBe('done');
  expect(placed.llm.asked).toEqual([ASKED, ASKED]);
  expect(errors).toEqual([]);
  expect(warnings).toMatchObject([
    { component: 'llm', message: 'the model gave no text and no tool; asked again', recoverable: true },
  ]);
});

test('T8 B11 silent twice: not asked a third time; the apology at once, and the report names the model', async () => {
  await using placed = await place({
    agent,
    script: () => ({}),
    policy: { firstAudioMs: 700 },
    filler: { say: 'One moment.' },
    apology: { say: 'Sorry for that.' },
  });
  placed.says(ASKED);
  const { errors } = await ended(placed, {
    ...modelFailed,
    fault: 'provider',
    detail: 'the model gave no text and no tool',
    apology: 'live',
  });
  expect(loud(placed)).toEqual(['Sorry for that.']);
  expect(placed.llm.asked).toEqual([ASKED, ASKED]);
  expect(errors).toMatchObject([{ component: 'llm', recoverable: false, times: 2 }]);
});

test('T43 an agent that is silent on purpose is not asked again', async () => {
  class Discreet extends WithTools {
    override onUserTurnCompleted(): Promise<void> {
      throw new voice.StopResponse();
    }
  }
  await using placed = await place({
    agent: () => new Discreet(),
    script: answer,
    policy: { idleMs: 700, nudges: 1 },
  });
  placed.says('I talk to somebody else.');
  await placed.hears('Are you still there?'); // longer than a second request would take
  expect(placed.llm.asked).toEqual([]);
  expect(placed.of('error')).toEqual([]);
});

test('T42 a handoff whose agent takes its time before it speaks is not asked meanwhile', async () => {
  const ready = gate();
  class Slow extends WithTools {
    override async onEnter(): Promise<void> {
      await ready.opened;
      this.session.say('I am the other.');
    }
  }
  await using placed = await place({
    agent: () => new WithTools([toolNamed('hand_over', async () => llm.handoff({ agent: new Slow() }))]),
    script: (asked) => (asked === 'Another.' ? { calls: ['hand_over'] } : { say: 'Nobody asked for this.' }),
    filler: { say: 'One moment.' },
    policy: { firstAudioMs: 700 },
  });
  placed.says('Another.');
  await placed.hears('One moment.'); // longer than a second request would take
  ready.open();
  await placed.hears('I am the other');
  expect(placed.llm.asked).toEqual(['Another.']);
});

// ── unheard ──────────────────────────────────────────────────────────────────────────────────────────────────────

const UNSUBSCRIBED = 'the track of the agent is published, and nobody subscribed to it';

test('T5 T6 C11 nobody subscribed to the greeting: the apology on the other track, and the platform is to blame', async () => {
  await using placed = await place({
    agent,
    greeting: { say: 'Hello, this is Ada.' },
    trouble: { voice: UNSUBSCRIBED },
  });
  const { errors } = await ended(placed, {
    reason: 'startup_failed',
    by: 'system',
    stage: 'greeting',
    fault: 'platform',
    detail: UNSUBSCRIBED,
    goodbye: 'skipped',
    apology: 'bundled',
  });
  expect(errors).toContainEqual(expect.objectContaining({ component: 'track', message: UNSUBSCRIBED }));
});

test('T6 C11 the greeting of an agent that greets by itself: the same', async () => {
  class Greeter extends WithTools {
    override async onEnter(): Promise<void> {
      this.session.say('Hello, this is Ada.');
    }
  }
  await using placed = await place({
    agent: () => new Greeter(),
    greeting: 'agent',
    trouble: { voice: 'the track of the agent could not be published: planted' },
  });
  await ended(placed, {
    reason: 'startup_failed',
    by: 'system',
    stage: 'greeting',
    fault: 'platform',
    detail: /could not be published: planted/,
    goodbye: 'skipped',
    apology: 'bundled',
  });
});

test('T5 an answer that nobody can hear: the filler on the other track, then the apology, and the platform is to blame', async () => {
  await using placed = await place({
    agent,
    script: answer,
    trouble: { voice: UNSUBSCRIBED },
    policy: { firstAudioMs: 400 },
    filler: { say: 'One moment.' },
    apology: { say: 'Sorry for that.' },
  });
  placed.says(ASKED);
  await ended(placed, { ...modelFailed, fault: 'platform', detail: UNSUBSCRIBED, apology: 'live' });
  expect(placed.heard).toMatchObject([
    { text: 'One moment.', through: 'own track' },
    { text: 'Sorry for that.', through: 'own track' },
  ]);
});

test('T5 T57 no track of the agent is heard: hung up on after the last rung, the platform is to blame', async () => {
  await using placed = await place({
    agent,
    script: answer,
    trouble: { voice: UNSUBSCRIBED, 'own track': UNSUBSCRIBED },
    policy: { firstAudioMs: 400, rungMs: 400 },
  });
  placed.says(ASKED);
  await ended(placed, { ...modelFailed, fault: 'platform', detail: UNSUBSCRIBED, apology: null });
  expect(placed.heard).toEqual([]);
});

describe('T6 the tracks of a room:', () => {
  const published = async (publish: () => Promise<{ waitForSubscription: () => Promise<void> }>) => {
    const errors: EntryData['error'][] = [];
    const recorder = { append: (_kind: string, data: unknown) => errors.push(data as EntryData['error']) };
    const room = Object.assign(new EventEmitter(), { localParticipant: { publishTrack: publish } });
    const tracks = roomTracks(room as unknown as Room, recorder);
    expect(tracks.trouble('voice', undefined)).toBeUndefined();
    tracks.connected();
    const track = { name: 'roomio_audio' } as LocalTrack;
    const publishing = (room.localParticipant.publishTrack as (track: LocalTrack) => Promise<unknown>)(track);
    const whilePublishing = tracks.trouble('voice', undefined);
    const failure = await publishing.then(
      () => undefined,
      (error: unknown) => error,
    );
    return { errors, failure, whilePublishing, trouble: tracks.trouble('voice', undefined), tracks };
  };

  const planted = new Error('planted: no permission');
  const noted = { component: 'track', message: 'roomio_audio: planted: no permission', recoverable: true };

  test('a track that could not be published is published once more, and is as good as any', async () => {
    let asked = 0;
    const { errors, failure, trouble } = await published(async () => {
      if ((asked += 1) === 1) throw planted;
      return { waitForSubscription: async () => {} };
    });
    expect([asked, failure, trouble]).toEqual([2, undefined, undefined]);
    expect(errors).toEqual([noted]);
  });

  test('a track that cannot be published either time is in the report, and the SDK gets its error', async () => {
    const { errors, failure, trouble } = await published(() => Promise.reject(planted));
    expect(failure).toBe(planted);
    expect(errors).toEqual([noted, noted]);
    expect(trouble).toBe('the track of the agent could not be published: planted: no permission');
  });

  test('one that nobody subscribed is told from one that is heard', async () => {
    const subscription = gate();
    const { trouble, tracks, whilePublishing } = await published(async () => ({
      waitForSubscription: () => subscription.opened,
    }));
    expect(whilePublishing).toBe('the track of the agent is not published yet');
    expect(trouble).toBe(UNSUBSCRIBED);
    subscription.open();
    await subscription.opened;
    expect(tracks.trouble('voice', undefined)).toBeUndefined();
  });

  test('a caller without a microphone, with one that is not subscribed, and with one that is heard', async () => {
    const { tracks } = await published(async () => ({ waitForSubscription: async () => {} }));
    const caller = (...publications: object[]) =>
      ({ trackPublications: new Map(publications.entries()) }) as unknown as RemoteParticipant;
    const video = { kind: TrackKind.KIND_VIDEO, track: {} };
    const trouble = (given: RemoteParticipant) => tracks.trouble('microphone', given);
    expect(trouble(caller(video))).toBe('the caller has published no audio track');
    expect(trouble(caller({ kind: TrackKind.KIND_AUDIO }))).toBe('the audio track of the caller is not subscribed');
    expect(trouble(caller({ kind: TrackKind.KIND_AUDIO, track: {} }))).toBeUndefined();
  });
});

describe('G2 a caller whose microphone nobody hears', () => {
  afterEach(() => void vi.useRealTimers());
  const watched = (session: object, trouble: string | undefined) => {
    vi.useFakeTimers();
    const errors: EntryData['error'][] = [];
    const letGo = new AbortController();
    const venue = { presence: async () => {}, isCallerThere: () => true, trouble: () => trouble };
    const recorder = { append: (_kind: string, data: EntryData['error']) => errors.push(data) };
    const over = watchMicrophone({ venue, letGo, recorder } as unknown as LiveJob, session as voice.AgentSession);
    return { errors, letGo, over };
  };

  test('is in the report once, after ten seconds, so that "idle" explains itself', async () => {
    const { errors, over } = watched({ input: { audio: {} } }, 'the caller has published no audio track');
    await vi.advanceTimersByTimeAsync(9_900);
    expect(errors).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    await over;
    expect(errors).toEqual([
      { component: 'microphone', message: 'the caller has published no audio track', recoverable: true },
    ]);
  });

  test('is not, when it is heard, when the agent only reads, and when the call is over sooner', async () => {
    const trouble = 'the caller has published no audio track';
    const heard = watched({ input: { audio: {} } }, undefined);
    const reading = watched({ input: { audio: null } }, trouble);
    const over = watched({ input: { audio: {} } }, trouble);
    await vi.advanceTimersByTimeAsync(5000);
    over.letGo.abort();
    await vi.advanceTimersByTimeAsync(10_000);
    await Promise.all([heard.over, reading.over, over.over]);
    expect([heard.errors, reading.errors, over.errors]).toEqual([[], [], []]);
  });
});

// ── what is said instead ─────────────────────────────────────────────────────────────────────────────────────────

test('B12 C14 nothing of an exception is ever said, live or recorded, nor told to the client', async () => {
  const secret = 'planted: key sk-123 of https://inside.example refused';
  await using placed = await place({
    agent,
    script: () => ({ error: new Error(secret) }),
    policy: { firstAudioMs: 700 },
  });
  placed.says(ASKED);
  await ended(placed, { ...modelFailed, fault: 'provider', apology: 'live' });
  expect(loud(placed)).toEqual(['Sorry, something went wrong. Please try again later.']);
  expect(placed.tts.asked.join()).not.toMatch(/planted|sk-123|inside/);
  expect(placed.told).toEqual(['model_failed']);
});

test.each(languages)(
  'B12 in the language of the call, %s: live texts, recordings, and the report says which rung',
  async (language) => {
    const lengthOf = (line: 'filler' | 'apology') => {
      const { samples, sampleRate } = readWav(
        new URL(`../../src/sound/assets/${line}.${language}.wav`, import.meta.url),
      );
      return (samples.length * 1000) / sampleRate;
    };
    for (const isMute of [false, true]) {
      await using placed = await place({
        agent,
        language,
        script: () => ({ isStuck: true }),
        policy: { firstAudioMs: 300 },
      });
      placed.tts.isMute = isMute;
      placed.says(ASKED);
      const { lines } = await placed.report();
      const rung = isMute ? 'bundled' : 'live';
      const played = lines.filter(({ outcome }) => outcome === 'played');
      expect(played.map(({ line, text, ...each }) => [line, each.rung, text])).toEqual([
        ['filler', rung, phrases[language].filler],
        ['apology', rung, phrases[language].apology],
      ]);
      if (isMute) expect(played.map(({ plannedMs }) => plannedMs)).toEqual([lengthOf('filler'), lengthOf('apology')]);
    }
  },
);

test('B12 a filler and an apology that are recordings alone are played at once, and no text is said in their stead', async () => {
  const audio = new URL('../../src/sound/assets/filler.en.wav', import.meta.url);
  await using placed = await place({
    agent,
    script: () => ({ isStuck: true }),
    policy: { firstAudioMs: 400 },
    filler: { audio },
    apology: { audio },
  });
  placed.says(ASKED);
  const { lines } = await ended(placed, { ...modelFailed, fault: 'provider', apology: 'live' });
  expect(loud(placed)).toEqual(['recorded', 'recorded']);
  expect(placed.tts.asked).toEqual([]);
  expect(lines.map(({ line, rung, outcome, text }) => [line, rung, outcome, text])).toEqual([
    ['filler', 'live', 'played', null],
    ['apology', 'live', 'played', null],
    ['goodbye', 'live', 'skipped', null],
  ]);
});

test('F4 the client is told why before it is let go, and once, however often the end is asked for', async () => {
  const toldBefore: number[] = [];
  await using placed = await place({
    agent,
    script: answer,
    edges: {
      venue: (usual) => ({
        hangUp: (...given) => {
          toldBefore.push(placed.told.length);
          return usual.hangUp(...given);
        },
      }),
    },
  });
  await conversed(placed);
  placed.call.end('first');
  placed.call.end('second');
  await placed.report();
  expect(placed.told).toEqual(['first']);
  expect(toldBefore).toEqual([1]);
});
