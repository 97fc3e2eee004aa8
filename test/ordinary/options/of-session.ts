/** Rows of `AgentSessionOptions` and what is inside of it, turn handling apart. */
import { llm } from '@livekit/agents';
import { alone, PacedDuplex, PacedRealtime } from '../harness/speech-models.ts';
import { PacedTts } from '../harness/voice.ts';
import { quickly } from '../harness/wits.ts';
import { taking } from '../tools.ts';
import { ANSWER, ASKED, interrupts, type Rows, talk, withOptions, withTurns, withVoice } from './row.ts';

const gateway = 'a model by its name is reached through a service on the network';
const withTool = (name: string) => (asked: string) =>
  asked === ASKED
    ? { calls: [name], firstMs: 600 }
    : asked === 'a table'
      ? quickly(ANSWER)
      : quickly('You are welcome.');
/** Work in the background: it reports once, and its result is spoken when it is there. */
const background = llm.tool({
  name: 'look',
  description: 'Looks for some seconds.',
  execute: async (_args, { ctx }) => {
    await ctx.update('still looking');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    return 'a table';
  },
});
const inBackground = (asyncOptions: NonNullable<llm.ToolHandlingOptions['asyncOptions']>) =>
  withOptions(
    { tools: [background], toolHandling: { asyncOptions } },
    {
      script: (asked) => {
        if (asked === ASKED) return { calls: ['look'], firstMs: 600 };
        return asked.includes('a table') ? quickly(ANSWER) : quickly('I am looking.');
      },
      asked: { transcript: 'other', fillers: { least: 0, most: 1 } },
    },
  );
const hearsOf = async ({ caller }: Parameters<typeof talk>[0]) => {
  await caller.says(ASKED);
  await caller.listensTo(ANSWER);
};

export const ofSession: Rows = {
  stt: [
    { value: 'streams, with interim words', given: withOptions({}) },
    { value: 'streams, final words only', given: withOptions({}, { ears: { interimResults: false } }) },
    { value: 'does not stream', given: withOptions({}, { ears: { streaming: false } }) },
    { value: 'a name', untried: gateway },
  ],
  vad: [
    { value: 'the user’s own', given: withOptions({}) },
    {
      value: 'null: recognition finds the turns',
      given: withOptions({ vad: null, turnHandling: { turnDetection: 'stt' } }),
    },
    {
      value: 'left out: the one of the SDK',
      given: withOptions({ vad: undefined as never, turnHandling: { turnDetection: 'stt' } }),
    },
  ],
  llm: [
    { value: 'an LLM', given: withOptions({}) },
    {
      value: 'a realtime model',
      given: withOptions(({ mouth, pace, script: told }) => alone(new PacedRealtime(mouth, pace, told))),
    },
    {
      value: 'a duplex model',
      given: withOptions(({ mouth, pace, script: told }) => alone(new PacedDuplex(mouth, pace, told))),
    },
    { value: 'a name', untried: gateway },
  ],
  tts: [
    { value: 'streams', given: withOptions({}) },
    { value: 'does not stream', given: withVoice(({ pace }) => new PacedTts(pace, { streaming: false })) },
    { value: 'a name', untried: gateway },
  ],
  userData: [{ value: 'an object', given: withOptions({ userData: { cart: [] } }) }],
  connOptions: [
    { value: 'none', given: withOptions({}) },
    {
      value: 'of each model',
      given: withOptions({ connOptions: { llmConnOptions: { timeoutMs: 30_000, maxRetry: 0 } } }),
    },
  ],
  tools: [
    {
      value: 'a tool of the session, 2 s',
      given: withOptions(
        { tools: [taking('look', 2000)] },
        { script: withTool('look'), asked: { fillers: { least: 0, most: 1 } } },
      ),
    },
  ],
  toolHandling: [{ value: 'templates for work in the background', given: inBackground({}), live: hearsOf }],
  turnDetection: [
    { value: 'vad (deprecated)', given: withOptions({ turnHandling: {}, turnDetection: 'vad' }) },
    { value: 'stt (deprecated)', given: withOptions({ turnHandling: {}, turnDetection: 'stt', vad: null }) },
  ],
  voiceOptions: [{ value: 'an object (deprecated)', given: withOptions({ voiceOptions: { maxToolSteps: 2 } }) }],
  maxToolSteps: [
    { value: '3', given: withOptions({}) },
    {
      value: '1',
      given: withOptions(
        { maxToolSteps: 1, tools: [taking('look', 1000)] },
        { script: withTool('look'), asked: { fillers: { least: 0, most: 1 } } },
      ),
    },
  ],
  preemptiveGeneration: [
    { value: 'true (deprecated)', given: withOptions({ preemptiveGeneration: true }) },
    { value: 'false (deprecated)', given: withOptions({ preemptiveGeneration: false }) },
  ],
  userAwayTimeout: [
    { value: '15 s', given: withOptions({}) },
    {
      value: '3 s, and the caller thinks for 7',
      given: withOptions({ userAwayTimeout: 3 }),
      live: async (life) => {
        await hearsOf(life);
        await life.caller.pauses(7000);
        await life.caller.says('Thank you.');
        await life.caller.listensTo('You are welcome');
      },
    },
    { value: 'null', given: withOptions({ userAwayTimeout: null }) },
  ],
  transcriptionTimeout: [
    { value: 'null', given: withOptions({ transcriptionTimeout: null }) },
    { value: '4 s', given: withOptions({ transcriptionTimeout: 4000 }) },
  ],
  aecWarmupDuration: [
    { value: '3 s', given: withOptions({}) },
    { value: 'null, and an interruption', given: withOptions({ aecWarmupDuration: null }), live: interrupts },
    { value: '6 s', given: withOptions({ aecWarmupDuration: 6000 }) },
  ],
  ttsReadIdleTimeout: [
    { value: '10 s', given: withOptions({}) },
    { value: '3 s', given: withOptions({ ttsReadIdleTimeout: 3000 }) },
  ],
  forwardAudioIdleTimeout: [
    { value: '10 s', given: withOptions({}) },
    { value: '3 s', given: withOptions({ forwardAudioIdleTimeout: 3000 }) },
  ],
  turnHandling: [{ value: 'nothing in it but vad', given: withTurns({}) }],
  keytermsOptions: [{ value: 'a list', given: withOptions({ keytermsOptions: { keyterms: ['Lastword'] } }) }],
  useTtsAlignedTranscript: [
    { value: 'true', given: withOptions({ useTtsAlignedTranscript: true }) },
    { value: 'false', given: withOptions({ useTtsAlignedTranscript: false }) },
  ],
  ttsTextTransforms: [
    { value: 'the two of the SDK', given: withOptions({}) },
    { value: 'one', given: withOptions({ ttsTextTransforms: ['filter_markdown'] }) },
    { value: 'null', given: withOptions({ ttsTextTransforms: null }) },
  ],
  expressive: [
    { value: 'false', given: withOptions({}) },
    { value: 'true, with a voice that knows no markup', given: withOptions({ expressive: true }) },
  ],
};

export const ofVoice: Rows = {
  maxToolSteps: [{ value: '2', given: withOptions({ voiceOptions: { maxToolSteps: 2 } }) }],
  preemptiveGeneration: [{ value: 'true', given: withOptions({ voiceOptions: { preemptiveGeneration: true } }) }],
  userAwayTimeout: [{ value: '3 s', given: withOptions({ voiceOptions: { userAwayTimeout: 3 } }) }],
  allowInterruptions: [{ value: 'false', given: withOptions({ voiceOptions: { allowInterruptions: false } }) }],
  discardAudioIfUninterruptible: [
    { value: 'false', given: withOptions({ voiceOptions: { discardAudioIfUninterruptible: false } }) },
  ],
  minInterruptionDuration: [
    {
      value: '300 ms, and an interruption',
      given: withOptions({ voiceOptions: { minInterruptionDuration: 300 }, aecWarmupDuration: null }),
      live: interrupts,
    },
  ],
  minInterruptionWords: [{ value: '3', given: withOptions({ voiceOptions: { minInterruptionWords: 3 } }) }],
  minEndpointingDelay: [
    { value: '1.5 s', given: withOptions({ voiceOptions: { minEndpointingDelay: 1500 } }, { asked: { ownMs: 1500 } }) },
  ],
  maxEndpointingDelay: [{ value: '6 s', given: withOptions({ voiceOptions: { maxEndpointingDelay: 6000 } }) }],
};

export const ofExpressive: Rows = {
  speechSteering: [{ value: 'nothing steered', given: withOptions({ expressive: { speechSteering: {} } }) }],
  ttsInstructionsTemplate: [
    { value: 'a text', given: withOptions({ expressive: { ttsInstructionsTemplate: 'Speak well.' } }) },
  ],
  ttsInstructionsAppend: [
    { value: 'a text', given: withOptions({ expressive: { ttsInstructionsAppend: 'Speak well.' } }) },
  ],
};

export const ofKeyterms: Rows = {
  keyterms: [{ value: 'two', given: withOptions({ keytermsOptions: { keyterms: ['Ada', 'Lastword'] } }) }],
  keytermDetection: [
    { value: 'off', given: withOptions({ keytermsOptions: { keytermDetection: { enabled: false } } }) },
  ],
};
const detection = (more: object) => withOptions({ keytermsOptions: { keytermDetection: { enabled: false, ...more } } });
export const ofKeytermDetection: Rows = {
  enabled: [
    { value: 'false', given: detection({}) },
    { value: 'true', untried: 'it asks a model of its own, through a service on the network' },
  ],
  llm: [{ value: 'a name', given: detection({ llm: 'somebody/something' }) }],
  turnInterval: [{ value: '2', given: detection({ turnInterval: 2 }) }],
  maxKeyterms: [{ value: '5', given: detection({ maxKeyterms: 5 }) }],
  instructions: [{ value: 'a text', given: detection({ instructions: 'Find names.' }) }],
  timeout: [{ value: '2 s', given: detection({ timeout: 2000 }) }],
};

export const ofToolHandling: Rows = {
  asyncOptions: [{ value: 'the templates of the SDK', given: inBackground({}), live: hearsOf }],
};
export const ofAsyncTools: Rows = Object.fromEntries(
  [
    'updateTemplate',
    'duplicateRejectTemplate',
    'duplicateConfirmTemplate',
    'replyAtTailTemplate',
    'replyMaybeCoveredTemplate',
  ].map((name) => [
    name,
    [{ value: 'a text', given: inBackground({ [name]: 'a table, or nothing yet' }), live: hearsOf }],
  ]),
);

export const ofConnections: Rows = {
  sttConnOptions: [{ value: 'no retry', given: withOptions({ connOptions: { sttConnOptions: { maxRetry: 0 } } }) }],
  llmConnOptions: [{ value: 'no retry', given: withOptions({ connOptions: { llmConnOptions: { maxRetry: 0 } } }) }],
  ttsConnOptions: [{ value: 'no retry', given: withOptions({ connOptions: { ttsConnOptions: { maxRetry: 0 } } }) }],
  maxUnrecoverableErrors: [{ value: '1', given: withOptions({ connOptions: { maxUnrecoverableErrors: 1 } }) }],
};
const connection = (more: object) => withOptions({ connOptions: { llmConnOptions: more, ttsConnOptions: more } });
export const ofConnection: Rows = {
  maxRetry: [{ value: '1', given: connection({ maxRetry: 1 }) }],
  retryIntervalMs: [{ value: '500 ms', given: connection({ retryIntervalMs: 500 }) }],
  timeoutMs: [{ value: '30 s', given: connection({ timeoutMs: 30_000 }) }],
};
