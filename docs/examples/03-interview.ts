/**
 * The interview agent: end reasons of its own, fallback models, a longest duration with a warning and a goodbye, the
 * report with its usage summary to the address that the dispatcher wrote into the job's metadata (if it is on the
 * list), an alert to Slack when something breaks, and the room deleted at the end.
 *
 * Dispatched with metadata such as {"candidate":"Sam","report":{"url":"https://hr.example.com/interviews/17"}}.
 */
import { llm, stt, tts, voice } from '@livekit/agents';
import * as openai from '@livekit/agents-plugin-openai';
import { type Call, currentCall, defineSession, endSessionTool, runWorker, slack, webhook } from 'lastword';
import { z } from 'zod';
import { loadVad, models } from './models.ts';

const { env } = process;
const backup = { baseURL: env['BACKUP_BASE_URL'] ?? 'https://api.openai.com/v1', apiKey: env['BACKUP_API_KEY'] ?? '' };

class Interviewer extends voice.Agent {
  constructor(candidate: string) {
    super({
      instructions: `You interview ${candidate}. Ask one short question at a time and note each answer.`,
      tools: [
        endSessionTool({ reason: 'interview_completed', description: 'Ends the interview when it is complete.' }),
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
    return {
      ...first,
      llm: new llm.FallbackAdapter({ llms: [first.llm, new openai.LLM({ model: 'gpt-4o-mini', ...backup })] }),
      stt: new stt.FallbackAdapter({
        vad: first.vad,
        sttInstances: [first.stt, new openai.STT({ model: 'whisper-1', useRealtime: false, ...backup })],
      }),
      tts: new tts.FallbackAdapter({ ttsInstances: [first.tts, new openai.TTS(backup)], maxRetryPerTTS: 0 }),
    };
  },
  agent: (call) => new Interviewer((call.metadata as { candidate?: string }).candidate ?? 'the candidate'),
  greeting: { say: 'Welcome to your interview. Shall we begin?' },
  windDown: { say: 'We have to come to an end soon.' },
  goodbye: { say: 'Thank you for your time, we will call you. Goodbye.' },
  policy: {
    maxDurationMs: Number(env['INTERVIEW_MS'] ?? 900_000),
    windDownMs: Number(env['WIND_DOWN_MS'] ?? 60_000),
  },
  hangUp: { normal: 'delete-room', failure: 'delete-room' },
  reports: [
    webhook({
      fromMetadata: { field: 'report.url', allow: (env['REPORT_URLS'] ?? 'https://*.example.com/*').split(' ') },
      allowPrivate: env['REPORT_PRIVATE'] === 'yes',
      ...(env['REPORT_SECRET'] && { secret: env['REPORT_SECRET'] }),
    }),
  ],
  alerts: env['SLACK_URL'] ? [slack({ url: env['SLACK_URL'] })] : [],
});

runWorker(import.meta.url);
