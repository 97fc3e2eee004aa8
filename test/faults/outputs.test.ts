/** The ear decides: healthy calls through outputs that are paused, replaced, switched off, or not there at all. */
import { voice } from '@livekit/agents';
import { describe, expect, test, vi } from 'vitest';
import { Speaker } from '../unit/speaker.ts';
import { place, type Placed } from './harness.ts';

const agent = () => new voice.Agent({ instructions: '' });
/** Of 3.2 s. */
const LONG = 'these are the terms '.repeat(20).trim();

/** Nothing of ours was said but what the call asked for, and nobody was blamed for anything. */
const expectMetNobody = (placed: Placed, lines: string[]) => {
  expect(placed.of('spoken').map(({ line, outcome }) => `${line} ${outcome}`)).toEqual(lines);
  expect(placed.of('error')).toEqual([]);
  expect(placed.heard.filter(({ through }) => through === 'own track')).toEqual([]);
};

/** The greeting was heard, and is over. */
const greeted = (placed: Placed) =>
  placed.until('the greeting', () => placed.of('item').some(({ role }) => role === 'assistant'));

/** Asks, and waits until the answer is over: an item is committed after its playout. */
const answered = async (placed: Placed) => {
  const answers = () => placed.of('item').filter(({ role, text }) => role === 'assistant' && text.includes('nine'));
  const before = answers().length;
  placed.says('when do you open');
  await placed.until('an answer', () => answers().length > before);
};

describe('O-B5 a false interruption', () => {
  test('the agent goes on to be heard, so nobody is idle, and its sentence ends by itself', async () => {
    const output = new Speaker();
    await using placed = await place({
      agent,
      greeting: { say: 'Hello.' },
      script: () => ({ say: LONG }),
      policy: { idleMs: 900, nudges: 1 },
      prepare: (_call, session) => void (session.output.audio = output),
      options: {
        turnHandling: {
          turnDetection: 'stt',
          endpointing: { minDelay: 0 },
          interruption: { falseInterruptionTimeout: 300, mode: 'vad' },
        },
        aecWarmupDuration: null,
      } as Partial<voice.AgentSessionOptions>,
    });
    const states: boolean[] = [];
    const heard = placed.job.turns.agentHeard.bind(placed.job.turns);
    placed.job.turns.agentHeard = (isHeard, isPaused) => {
      states.push(isHeard);
      heard(isHeard, isPaused);
    };
    const session = await placed.until('a session', () => placed.job.session);
    await vi.waitFor(() => expect(states).toEqual([true, false]), { timeout: 4000 }); // the greeting
    placed.says('what are the terms');
    await vi.waitFor(() => expect(states.at(-1)).toBe(true), { timeout: 4000 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    placed.ears.coughs();
    await placed.until('the resumption', () =>
      placed.of('log').find(({ message }) => message === 'false interruption'),
    );
    expect(states).toEqual([true, false, true, false, true]);
    await vi.waitFor(() => expect(states).toHaveLength(6), { timeout: 6000 });
    expect(session.history.items.at(-1)).toMatchObject({ role: 'assistant', content: [LONG], interrupted: false });
    expectMetNobody(placed, ['greeting played']);
  });
});

describe('O-B6 an audio output of the user’s', () => {
  const replaced = (tellsStart: boolean) => ({
    set: (session: voice.AgentSession) => void (session.output.audio = new Speaker({ tellsStart })),
    script: () => ({ say: 'We open at nine.' }),
  });

  for (const tellsStart of [true, false]) {
    const which = tellsStart ? 'that says when it begins' : 'that never says when it begins';
    test(`put in place by prepare, ${which}: greeting, answer and goodbye are heard through it`, async () => {
      const { set, script } = replaced(tellsStart);
      await using placed = await place({
        agent,
        script,
        greeting: { say: 'Hello, this is the avatar.' },
        prepare: async (_call, session) => set(session),
      });
      await greeted(placed);
      await answered(placed);
      placed.call.end('done');
      await placed.endedWell({});
      expectMetNobody(placed, ['greeting played', 'goodbye played']);
    });

    test(`put in place by onEnter, ${which}, and the agent greets through it`, async () => {
      const { set, script } = replaced(tellsStart);
      class Avatar extends voice.Agent {
        override async onEnter(): Promise<void> {
          set(this.session);
          this.session.say('Hello, this is the avatar.');
        }
      }
      await using placed = await place({ agent: () => new Avatar({ instructions: '' }), script, greeting: 'agent' });
      await greeted(placed);
      await answered(placed);
      placed.call.end('done');
      await placed.endedWell({});
      expectMetNobody(placed, ['goodbye played']);
    });
  }

  test('put in place while the agent speaks: the sentence ends where it began, the answer comes from the new one', async () => {
    const { set, script } = replaced(true);
    await using placed = await place({ agent, script, greeting: { say: LONG } });
    const session = await placed.until('a session', () => placed.job.session);
    await vi.waitFor(() => expect(placed.job.playout?.isHeard).toBe(true), { timeout: 4000 });
    set(session);
    await vi.waitFor(() => expect(placed.of('spoken')).toHaveLength(1), { timeout: 6000 });
    await answered(placed);
    placed.call.end('done');
    await placed.endedWell({});
    expectMetNobody(placed, ['greeting played', 'goodbye played']);
    expect(placed.heard).toHaveLength(1);
  });
});

describe('O-B6 an output that is switched off for a while', () => {
  test('what is said meanwhile is written and owes no sound; what is said after it is heard', async () => {
    await using placed = await place({
      agent,
      script: () => ({ say: 'We open at nine.' }),
      greeting: { say: 'Hello.' },
      policy: { firstAudioMs: 600, rungMs: 400 },
    });
    await placed.hears('Hello');
    const session = await placed.until('a session', () => placed.job.session);
    await vi.waitFor(() => expect(placed.of('spoken')).toHaveLength(1), { timeout: 4000 });
    session.output.setAudioEnabled(false);
    await answered(placed);
    await new Promise((resolve) => setTimeout(resolve, 1500)); // filler and apology would both have begun
    session.output.setAudioEnabled(true);
    expect(placed.heard).toHaveLength(1);
    await answered(placed);
    await placed.hears('nine');
    placed.call.end('done');
    await placed.endedWell({});
    expectMetNobody(placed, ['greeting played', 'goodbye played']);
  });

  test('O-B3 a session without audio from the beginning: greeting, answer and goodbye are written', async () => {
    await using placed = await place({
      agent,
      script: () => ({ say: 'We open at nine.' }),
      greeting: { say: 'Hello.' },
      policy: { firstAudioMs: 600, rungMs: 400 },
      edges: {
        venue: (usual) => ({
          wire: (session, options) => {
            const wiring = usual.wire(session, options);
            session.output.audio = null;
            return wiring;
          },
        }),
      },
    });
    await greeted(placed);
    await answered(placed);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    placed.call.end('done');
    await placed.endedWell({ goodbye: 'skipped' });
    expectMetNobody(placed, ['greeting skipped', 'goodbye skipped']);
  });
});
