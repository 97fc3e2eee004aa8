/** Rows of turn handling: who finds out that the caller has finished, and what may interrupt the agent. */
import { alone, PacedRealtime } from '../harness/speech-models.ts';
import { ANSWER, ASKED, interrupts, murmurs, type Rows, withOptions, withTurns, type Row } from './row.ts';

const detector = (likely: number) => ({
  model: 'a test',
  provider: 'a test',
  unlikelyThreshold: async () => 0.5,
  supportsLanguage: async () => true,
  predictEndOfTurn: async () => likely,
});
const byHand: Row = {
  value: 'manual',
  given: withTurns({ turnDetection: 'manual' }, { asked: { ownMs: 5000 } }),
  live: async ({ caller, session }) => {
    await caller.says(ASKED);
    await caller.pauses(4500);
    session.commitUserTurn();
    await caller.listensTo(ANSWER);
  },
};
const network = 'the detector of the SDK asks a service on the network';

export const ofTurnHandling: Rows = {
  turnDetection: [
    { value: 'vad', given: withTurns({}) },
    { value: 'stt', given: withTurns({ turnDetection: 'stt' }) },
    {
      value: 'realtime_llm',
      given: withOptions(({ mouth, pace, script }) => ({
        ...alone(new PacedRealtime(mouth, pace, script)),
        turnHandling: { turnDetection: 'realtime_llm' },
      })),
    },
    byHand,
    { value: 'a detector that is sure', given: withTurns({ turnDetection: detector(0.9) }) },
    {
      value: 'a detector that never is',
      given: withTurns({ turnDetection: detector(0.1), endpointing: { maxDelay: 4000 } }, { asked: { ownMs: 4000 } }),
    },
    { value: 'null', given: withTurns({ turnDetection: null }) },
    {
      value: 'left out',
      given: withOptions({ turnHandling: {} }, { asked: { ownMs: 2500, fillers: { least: 0, most: 1 } } }),
    },
  ],
  endpointing: [{ value: 'nothing in it', given: withTurns({ endpointing: {} }) }],
  interruption: [{ value: 'nothing in it', given: withTurns({ interruption: {} }) }],
  preemptiveGeneration: [{ value: 'nothing in it', given: withTurns({ preemptiveGeneration: {} }) }],
  userTurnLimit: [{ value: 'nothing in it', given: withTurns({ userTurnLimit: {} }) }],
};

const endpointing = (given: object, ownMs = 500) => withTurns({ endpointing: given }, { asked: { ownMs } });
export const ofEndpointing: Rows = {
  mode: [
    { value: 'fixed', given: endpointing({ mode: 'fixed' }) },
    { value: 'dynamic', given: endpointing({ mode: 'dynamic' }) },
  ],
  minDelay: [
    { value: '0.2 s', given: endpointing({ minDelay: 200 }) },
    { value: '0.5 s', given: endpointing({ minDelay: 500 }) },
    { value: '4 s', given: endpointing({ minDelay: 4000, maxDelay: 4000 }, 4000) },
    { value: '7 s', given: endpointing({ minDelay: 7000, maxDelay: 7000 }, 7000) },
  ],
  maxDelay: [
    { value: '1 s', given: endpointing({ maxDelay: 1000 }) },
    {
      value: '7 s, and a detector that is not sure',
      given: withTurns({ turnDetection: detector(0.1), endpointing: { maxDelay: 7000 } }, { asked: { ownMs: 7000 } }),
    },
  ],
  alpha: [{ value: '0.5', given: endpointing({ mode: 'dynamic', alpha: 0.5 }) }],
};

const interruption = (given: object) =>
  withOptions({ aecWarmupDuration: null, turnHandling: { turnDetection: 'vad', interruption: given } });
/** The caller's "uh-huh" is heard and dropped, or answered: either way it is none of ours. */
const loosely = (given: object) => ({ ...interruption(given), asked: { transcript: 'other' as const } });
const resumed: Row['value'] = 'true, and a noise that pauses the answer';
export const ofInterruption: Rows = {
  enabled: [
    { value: 'true', given: interruption({ enabled: true }), live: interrupts },
    { value: 'false, and the caller murmurs', given: loosely({ enabled: false }), live: murmurs },
  ],
  mode: [
    { value: 'vad', given: interruption({ mode: 'vad' }), live: interrupts },
    { value: 'adaptive', untried: network },
    { value: 'left out', given: interruption({ mode: undefined }), live: interrupts },
  ],
  discardAudioIfUninterruptible: [
    { value: 'false', given: loosely({ enabled: false, discardAudioIfUninterruptible: false }), live: murmurs },
  ],
  minDuration: [
    { value: '0.2 s', given: interruption({ minDuration: 200 }), live: interrupts },
    { value: '2 s, and the caller murmurs', given: loosely({ minDuration: 2000, minWords: 4 }), live: murmurs },
  ],
  minWords: [
    { value: '0', given: interruption({ minWords: 0 }), live: interrupts },
    { value: '3', given: interruption({ minWords: 3 }), live: interrupts },
    { value: '4, and the caller murmurs', given: loosely({ minWords: 4 }), live: murmurs },
  ],
  falseInterruptionTimeout: [
    { value: '2 s', given: interruption({ falseInterruptionTimeout: 2000 }), live: interrupts },
    {
      value: '0.8 s, and a noise',
      given: { ...loosely({ falseInterruptionTimeout: 800 }), asked: { transcript: 'other', errors: ['stt'] } },
      live: async ({ caller, soundtrack }) => {
        await caller.says('Tell me a story.');
        const sound = await caller.hears('Chapter 1');
        await caller.pauses(2500);
        await caller.makesNoise(700);
        await soundtrack.until('it is over', () => sound.to !== undefined);
        await caller.pauses(1500);
      },
    },
  ],
  resumeFalseInterruption: [
    {
      value: resumed,
      given: { ...loosely({ resumeFalseInterruption: true }), asked: { transcript: 'other', errors: ['stt'] } },
      live: async ({ caller, soundtrack }) => {
        await caller.says('Tell me a story.');
        const sound = await caller.hears('Chapter 1');
        await caller.pauses(2500);
        await caller.makesNoise(900);
        await soundtrack.until('it is over', () => sound.to !== undefined);
        if (sound.isCut) throw new Error('expected the story to go on, and it was cut');
        await caller.pauses(1500);
      },
    },
    { value: 'false', given: interruption({ resumeFalseInterruption: false }), live: interrupts },
  ],
  backchannelBoundary: [
    { value: 'null', given: interruption({ backchannelBoundary: null }), live: interrupts },
    { value: '500', given: interruption({ backchannelBoundary: 500 }), live: interrupts },
    { value: 'a pair', given: interruption({ backchannelBoundary: [500, 800] }), live: interrupts },
  ],
};

const preemptive = (given: object) => withTurns({ preemptiveGeneration: given });
export const ofPreemptive: Rows = {
  enabled: [
    { value: 'true', given: preemptive({ enabled: true }) },
    { value: 'false', given: preemptive({ enabled: false }) },
  ],
  preemptiveTts: [
    { value: 'true', given: preemptive({ preemptiveTts: true }) },
    {
      value: 'true, with an endpointing of 2.5 s: made long before the turn, and the caller goes on',
      given: withTurns(
        { preemptiveGeneration: { preemptiveTts: true }, endpointing: { minDelay: 2500 } },
        { asked: { ownMs: 2500 } },
      ),
      live: async ({ caller }) => {
        await caller.says('Please tell me:');
        await caller.pauses(1800);
        await caller.says(ASKED);
        await caller.listensTo('You are welcome');
      },
    },
  ],
  maxSpeechDuration: [{ value: '1 s', given: preemptive({ maxSpeechDuration: 1000 }) }],
  maxRetries: [{ value: '1', given: preemptive({ maxRetries: 1 }) }],
};

export const ofTurnLimit: Rows = {
  maxWords: [
    { value: 'null', given: withTurns({ userTurnLimit: { maxWords: null } }) },
    { value: '50', given: withTurns({ userTurnLimit: { maxWords: 50 } }) },
  ],
  maxDuration: [
    { value: 'null', given: withTurns({ userTurnLimit: { maxDuration: null } }) },
    { value: '20 s', given: withTurns({ userTurnLimit: { maxDuration: 20_000 } }) },
  ],
};
