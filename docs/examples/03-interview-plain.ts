/**
 * The same with the bare SDK. Everything that outlives a sentence is by hand: the clock, the reason, the farewell, the
 * report and its retries, the allow-list, the alert, the room.
 *
 * Not covered: reports of calls whose process died (there are none); a second delivery after a restart; private
 * addresses behind an allowed name; what was heard of the goodbye; apologies when no model answers.
 */
import { createHmac } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { cli, defineAgent, type JobContext, llm, log, ServerOptions, stt, tts, voice } from '@livekit/agents';
import * as openai from '@livekit/agents-plugin-openai';
import { z } from 'zod';
import { loadVad, models } from './models.ts';

const { env } = process;
const backup = { baseURL: env['BACKUP_BASE_URL'] ?? 'https://api.openai.com/v1', apiKey: env['BACKUP_API_KEY'] ?? '' };
const DRAIN_MS = 2000;
const GOODBYE_MS = 8000;
const CLOSE_MS = 3000;
const DELIVERY_MS = 10_000;
const ATTEMPTS = 3;

const REPORT_PATH = '/ai-interview/livekit/session/end';

type Metadata = {
  candidate?: string;
  instructions?: string;
  maxDurationSeconds?: number;
  endWords?: string;
  webhookURL?: string;
  testId?: string;
  companyId?: string;
  email?: string;
};
type Ending = (reason: string, outcome?: { hire: boolean }) => void;

class Interviewer extends voice.Agent {
  constructor({ candidate, instructions }: Metadata, notes: Map<string, string>, end: Ending) {
    super({
      instructions: `You interview ${candidate ?? 'the candidate'} and note each answer. ${instructions ?? 'Ask one short question at a time.'}`,
      tools: [
        llm.tool({
          name: 'decline',
          description: 'The candidate does not want to be interviewed.',
          execute: async () => end('candidate_declined', { hire: false }),
        }),
        llm.tool({
          name: 'note_answer',
          description: 'Keeps what the candidate answered.',
          parameters: z.object({ question: z.string(), answer: z.string() }),
          execute: async ({ question, answer }) => {
            notes.set(question, answer);
            return 'Noted.';
          },
        }),
      ],
    });
  }

  override async onEnter(): Promise<void> {
    this.session.generateReply({
      instructions: 'Begin by welcoming the candidate, and go on as "Start with" in your instructions says.',
      toolChoice: 'none',
    });
  }
}

const parsed = (text: string): Metadata => {
  try {
    return JSON.parse(text) as Metadata;
  } catch {
    return { instructions: text };
  }
};

const pause = (ms: number) =>
  new Promise<void>((resolve) => {
    setTimeout(resolve, ms).unref();
  });
const within = (ms: number, work: Promise<unknown>) => Promise.race([work.catch(() => undefined), pause(ms)]);

const isAllowed = (url: string): boolean => {
  const patterns = (env['REPORT_URLS'] ?? 'https://*.example.com/*').split(' ');
  return patterns.some((pattern) => {
    const expression = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^?#]*');
    return new RegExp(`^${expression}$`).test(url);
  });
};

const signed = (id: string, body: string): Record<string, string> => {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp };
  const secret = env['REPORT_SECRET'];
  if (!secret) return headers;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
};

async function deliver(url: string | undefined, id: string, report: object): Promise<void> {
  if (url === undefined || !isAllowed(url)) return log().error({ url }, 'the report has nowhere to go');
  const body = JSON.stringify(report);
  if (env['ENVIRONMENT'] !== 'local') log().info(body);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: signed(id, body),
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(DELIVERY_MS),
      });
      if (response.ok) return;
      log().warn({ status: response.status, attempt }, 'the report was not taken');
    } catch (error) {
      log().warn({ error: String(error), attempt }, 'the report was not delivered');
    }
    await pause(1000 * 2 ** attempt);
  }
  log().error('the report is lost');
}

async function alert(text: string): Promise<void> {
  const url = env['SLACK_URL'];
  if (!url) return;
  try {
    const headers = { 'content-type': 'application/json' };
    const signal = AbortSignal.timeout(DELIVERY_MS);
    await fetch(url, { method: 'POST', headers, body: JSON.stringify({ text }), signal });
  } catch (error) {
    log().error({ error: String(error) }, 'Slack was not told');
  }
}

export default defineAgent({
  prewarm: loadVad,
  entry: async (context: JobContext) => {
    const { job } = context;
    const metadata = parsed(job.metadata);
    const first = models(context);
    const longestMs = (metadata.maxDurationSeconds ?? 900) * 1000;
    const session = new voice.AgentSession({
      ...first,
      tools: [
        llm.tool({
          name: 'end_session',
          description: `Ends the interview. Use it when you have said: ${metadata.endWords ?? 'the interview is over'}.`,
          execute: async () => end('interview_completed'),
        }),
      ],
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
        turnDetection: 'vad',
        endpointing: { minDelay: 1400, maxDelay: 7000 },
        interruption: { enabled: true, minDuration: 1200, falseInterruptionTimeout: 1500 },
        preemptiveGeneration: { enabled: false },
      },
      userAwayTimeout: 20,
      useTtsAlignedTranscript: true,
    });
    const notes = new Map<string, string>();
    const errors: string[] = [];
    const begun = Date.now();
    let ended: { reason: string; outcome?: { hire: boolean } } | undefined;
    let isGone = false;

    const finish = async () => {
      session.input.setAudioEnabled(false);
      if (!isGone && ended?.reason !== 'failed') {
        const speech = session.currentAgent?.getActivityOrThrow().currentSpeech;
        if (speech) await within(DRAIN_MS, speech.waitForPlayout());
        await within(500, session.interrupt({ force: true }).await);
        const farewell = session.say('Thank you for your time. Goodbye!', {
          allowInterruptions: false,
        });
        await within(GOODBYE_MS, farewell.waitForPlayout());
      }
      await context.deleteRoom();
      await within(CLOSE_MS, session.close());
      context.shutdown(ended?.reason ?? '');
    };
    const end: Ending = (reason, outcome) => {
      if (ended) return;
      ended = { reason, ...(outcome && { outcome }) };
      // Not awaited: a tool that waits for the close it asked for waits for ever.
      finish().catch((error: unknown) => log().error({ error: String(error) }, 'the ending failed'));
    };

    session.on(voice.AgentSessionEventTypes.Error, ({ error }) => {
      errors.push(String('error' in error ? error.error : error));
      if (!error.recoverable)
        void alert(
          `*Interview failed* ${job.room?.name} · test ${metadata.testId} · company ${metadata.companyId} · ${metadata.email}\n${errors.at(-1)}`,
        );
    });
    session.on(voice.AgentSessionEventTypes.Close, ({ reason }) => {
      isGone = true;
      end(reason === 'error' ? 'failed' : 'caller_hung_up');
    });
    const base = metadata.webhookURL?.replace(/\/+$/, '');
    context.addShutdownCallback(() =>
      deliver(base && `${base}${REPORT_PATH}`, job.id, {
        job: job.id,
        room: job.room?.name,
        metadata,
        end: ended,
        ms: Date.now() - begun,
        transcript: session.history.toJSON({ excludeTimestamp: false }),
        usage: session.usage.modelUsage,
        notes: Object.fromEntries(notes),
        errors,
      }),
    );
    try {
      await context.connect();
      await context.waitForParticipant();
      await session.start({
        agent: new Interviewer(metadata, notes, end),
        room: context.room,
      });
    } catch (error) {
      await alert(`Interview ${job.id} did not start: ${String(error)}`);
      await context.deleteRoom();
      throw error;
    }
    setTimeout(
      () => {
        if (!ended) session.say('We have to come to an end soon.');
      },
      longestMs - Math.min(30_000, longestMs / 2),
    ).unref();
    setTimeout(() => end('max_duration'), longestMs).unref();
  },
});

cli.runApp(
  new ServerOptions({
    agent: fileURLToPath(import.meta.url),
    agentName: env['LIVEKIT_AGENT_NAME'] ?? 'interview-agent',
    port: Number(env['LASTWORD_PORT'] ?? 8081),
  }),
);
