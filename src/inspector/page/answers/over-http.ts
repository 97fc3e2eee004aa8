/**
 * Answers of the inspector's server.
 *
 *   H1  Each request has a deadline; a stream that was silent for longer than two of the server's comments is begun anew.
 *   H2  A stream goes on behind the last id that came: no entry twice, and none left out.
 *   H3  Whoever is not let in is told what to do, and asks no more.
 */
import type { Calls } from '../../../reads/answers.ts';
import { eventLines } from '../place/event-lines.ts';
import { AnswerProblem, type Follower, type HeardSound, type PageAnswers, type SessionNews } from './page-answers.ts';

const READ_MS = 30_000;
/** The server says something each 15 s. */
const SILENT_MS = 40_000;
const AGAIN_MS = [250, 500, 1_000, 2_000, 4_000] as const;

export function answersOverHttp(token: () => string, letIn: () => void): PageAnswers {
  const send = async (path: string, init: RequestInit): Promise<Response> => {
    const headers = { ...(init.headers as Record<string, string> | undefined), authorization: `Bearer ${token()}` };
    let response: Response;
    try {
      response = await fetch(path, { cache: 'no-store', ...init, headers });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new AnswerProblem(0, 'The inspector does not answer. Is it still running?');
    }
    if (response.ok) return response;
    if (response.status === 401) letIn(); // H3
    throw new AnswerProblem(response.status, await problemIn(response));
  };

  const follow = <News>(path: (last: string) => string, from: string, event: string, follower: Follower<News>) => {
    const ended = new AbortController();
    let last = from;
    const go = async () => {
      for (let failed = 0; !ended.signal.aborted; failed += 1) {
        const watchdog = new AbortController();
        try {
          if (failed > 0) follower.tell('connecting');
          const signal = AbortSignal.any([ended.signal, watchdog.signal]);
          const response = await send(path(last), { signal });
          follower.tell('open');
          for await (const text of textOf(response, watchdog)) {
            failed = 0;
            for (const one of text) {
              if (one.id !== '') last = one.id; // H2
              if (one.event === event) follower.take(JSON.parse(one.data) as News);
            }
          }
        } catch (error) {
          if (ended.signal.aborted) return;
          const isFinal = error instanceof AnswerProblem && [400, 401, 404].includes(error.status);
          if (isFinal) return follower.tell('refused', error.message);
          follower.tell('connecting', error instanceof AnswerProblem ? error.message : undefined);
        }
        await pause(AGAIN_MS[Math.min(failed, AGAIN_MS.length - 1)] ?? 4_000, ended.signal);
      }
    };
    void go();
    return () => ended.abort();
  };

  const post = async (path: string, body: object): Promise<void> => {
    const signal = AbortSignal.timeout(READ_MS);
    const headers = { 'content-type': 'application/json' };
    await send(path, { method: 'POST', body: JSON.stringify(body), headers, signal });
  };

  return {
    isLive: true,
    async read(name, asked, signal) {
      const deadline = AbortSignal.timeout(READ_MS); // H1
      const both = signal ? AbortSignal.any([signal, deadline]) : deadline;
      const path = `/api/read/${name}?asked=${encodeURIComponent(JSON.stringify(asked))}`;
      try {
        const response = await send(path, { signal: both });
        return await response.json();
      } catch (error) {
        if (deadline.aborted && !signal?.aborted)
          throw new AnswerProblem(0, `No answer within ${READ_MS / 1_000} s; ask for less, or ask again.`);
        throw error;
      }
    },
    followCalls: (asked, follower) => {
      const path = () => `/api/stream/calls?asked=${encodeURIComponent(JSON.stringify(asked))}`;
      return follow<Calls>(path, '', 'calls', follower);
    },
    followSession: (session, from, follower) => {
      const path = (last: string) => `/api/stream/session/${session}${last === '' ? '' : `?from=${last}`}`;
      return follow<SessionNews>(path, from, 'entries', follower);
    },
    chart: async (machine) => await (await send(`/chart/${machine}.svg`, { cache: 'no-cache' })).text(),
    async played() {
      try {
        const response = await send('/api/play', { signal: AbortSignal.timeout(READ_MS) });
        const played = (await response.json()) as { session: string | null; microphoneRate: number | null };
        return played.session === null ? undefined : { ...played, session: played.session };
      } catch {
        return undefined; // nobody plays with what does not answer
      }
    },
    play: (what) => post('samples' in what ? '/api/play/voice' : '/api/play', what),
    followSound: (follower) => follow<HeardSound>(() => '/api/stream/sound', '', 'sound', follower),
    act: (name, body) => post(`/api/act/${name}`, body),
  };
}

/** H1: what comes, as events; the watchdog is let loose when nothing comes. */
async function* textOf(response: Response, watchdog: AbortController) {
  const reader = response.body?.getReader();
  if (!reader) return;
  const decoder = new TextDecoder();
  const events = eventLines();
  for (;;) {
    const timer = setTimeout(() => watchdog.abort(), SILENT_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    yield events(decoder.decode(value, { stream: true }));
  }
}

async function problemIn(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: { message?: unknown } };
    if (typeof body.error?.message === 'string') return body.error.message;
  } catch {
    // no answer of ours
  }
  return `The inspector answered with ${response.status}.`;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
