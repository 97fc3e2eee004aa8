/**
 * The interview agent: instructions, longest duration, end words and the receiver's base URL from the job's metadata;
 * fallback models, patient endpointing, a generated welcome, end reasons of its own, a warning and a goodbye, the report
 * with its usage summary to the address in the metadata (if it is on the list), an alert to Slack in words of its own
 * when something breaks, and the room deleted at the end.
 *
 * Dispatched with metadata such as {"candidate":"Sam","instructions":"…","maxDurationSeconds":900,"endWords":"That is
 * all","webhookURL":"https://hr.example.com","testId":"t-17","companyId":"c-3","email":"sam@example.com"}, or with a
 * text, which is the instructions.
 */
import { llm, stt, tts, voice } from '@livekit/agents';
import * as openai from '@livekit/agents-plugin-openai';
import { type Call, currentCall, defineSession, endSessionTool, runWorker, slack, stdout, webhook } from 'lastword';
import { z } from 'zod';
import { loadVad, models } from './models.ts';

const { env } = process;
const backup = { baseURL: env['BACKUP_BASE_URL'] ?? 'https://api.openai.com/v1', apiKey: env['BACKUP_API_KEY'] ?? '' };

type Interview = { candidate?: string; instructions?: string; maxDurationSeconds?: number; endWords?: string };
const interviewOf = ({ metadata }: Call): Interview =>
  typeof metadata === 'object' && metadata !== null ? metadata : { instructions: String(metadata) };

class Interviewer extends voice.Agent {
  constructor({ candidate = 'the candidate', instructions = 'Ask one short question at a time.' }: Interview) {
    super({
      instructions: `You interview ${candidate} and note each answer. ${instructions}`,
      tools: [
        llm.tool({
          name: 'decline',
          description: 'The candidate does not want to be interviewed.',
          execute: async () => currentCall().end('candidate_declined', { outcome: { hire: false } }),
        }),
        llm.tool({
          name: 'note_answer',
          description: 'Keeps what the candidate answered.',
          parameters: z.object({ question: z.string(), answer: z.string() }),
          execute: async ({ question, answer }) => {
            currentCall().attach(question, answer);
            return 'Noted.';
          },
        }),
      ],
    });
  }
}

export default defineSession({
  prewarm: loadVad,
  session: (call: Call) => {
    const first = models(call);
    const { endWords = 'the interview is over' } = interviewOf(call);
    const description = `Ends the interview. Use it when you have said: ${endWords}.`;
    return {
      ...first,
      tools: [endSessionTool({ reason: 'interview_completed', description })],
      llm: new llm.FallbackAdapter({
        llms: [first.llm, ...['gpt-4o', 'gpt-4.1'].map((model) => new openai.LLM({ model, ...backup }))],
        retryOnChunkSent: true,
      }),
      stt: new stt.FallbackAdapter({
        vad: first.vad,
        sttInstances: [first.stt, new openai.STT({ model: 'whisper-1', useRealtime: false, ...backup })],
      }),
      tts: new tts.FallbackAdapter({ ttsInstances: [first.tts, new openai.TTS(backup)], maxRetryPerTTS: 0 }),
      turnHandling: {
        turnDetection: 'vad', // or a detector, as the SDK has them
        endpointing: { minDelay: 1400, maxDelay: 7000 }, // who is interviewed thinks before the next word
        interruption: { enabled: true, minDuration: 1200, falseInterruptionTimeout: 1500 },
        preemptiveGeneration: { enabled: false },
      },
      userAwayTimeout: 20,
      useTtsAlignedTranscript: true,
    };
  },
  agent: (call) => new Interviewer(interviewOf(call)),
  greeting: { generate: 'Begin by welcoming the candidate, and go on as "Start with" in your instructions says.' },
  windDown: { say: 'We have to come to an end soon.' },
  goodbye: { say: 'Thank you for your time. Goodbye!' },
  policy: { maxDurationMs: (call) => (interviewOf(call).maxDurationSeconds ?? 900) * 1000 },
  hangUp: { normal: 'delete-room', failure: 'delete-room' },
  logFields: (call) => ({ candidate: { pii: interviewOf(call).candidate } }),
  reports: [
    webhook({
      fromMetadata: {
        field: 'webhookURL',
        path: '/ai-interview/livekit/session/end',
        allow: (env['REPORT_URLS'] ?? 'https://*.example.com/*').split(' '),
      },
      allowPrivate: env['REPORT_PRIVATE'] === 'yes',
      ...(env['REPORT_SECRET'] && { secret: env['REPORT_SECRET'] }),
    }),
    ...(env['ENVIRONMENT'] === 'local' ? [] : [stdout()]),
  ],
  alerts: env['SLACK_URL']
    ? [
        slack({
          url: env['SLACK_URL'],
          text: '*Interview failed* {room} · test {metadata.testId} · company {metadata.companyId} · {metadata.email}\n{reason}: {detail}',
        }),
      ]
    : [],
});

runWorker(import.meta.url, { agentName: env['LIVEKIT_AGENT_NAME'] ?? 'interview-agent' });
