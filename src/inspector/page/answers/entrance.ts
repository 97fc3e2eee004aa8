/**
 * How a page is let in: the one-time code of its address for the token, which is kept for this tab, and asked of other
 * tabs. Never in a cookie (cookies know no ports) and never in an address that stays.
 */
import { codeIn } from '../place/page-address.ts';

const KEY = 'lastword-token';
const CHANNEL = 'lastword';
/** Another tab answers at once, or there is none. */
const ASK_MS = 300;

export type Entrance = {
  token: () => string;
  /** What it was told when it was not let in; undefined: it was. */
  problem: string | undefined;
};

/** *Effect.* The address bar loses the code, also when it is a wrong one. */
export async function enter(): Promise<Entrance> {
  let token = sessionStorage.getItem(KEY) ?? '';
  let problem: string | undefined;
  const channel = new BroadcastChannel(CHANNEL);
  const code = codeIn(location.hash);
  if (code !== undefined) {
    history.replaceState(null, '', `${location.pathname}#/`);
    try {
      const headers = { 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify({ code }), signal: AbortSignal.timeout(10_000) };
      const response = await fetch('/api/token', init);
      const body = (await response.json()) as { token?: string; error?: { message?: string } };
      if (typeof body.token === 'string') token = body.token;
      else if (token === '') problem = body.error?.message ?? 'The code of this address was refused.';
    } catch {
      problem = 'The inspector does not answer. Is it still running?';
    }
  }
  if (token === '') token = await askOthers(channel);
  if (token !== '') sessionStorage.setItem(KEY, token);
  channel.addEventListener('message', ({ data }) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel knows its own origin only
    if (data === 'who has a token?' && token !== '') channel.postMessage({ token });
  });
  if (token === '')
    problem ??= 'Open the address that stands in the terminal of lastword inspect: it lets a browser in once.';
  return { token: () => token, problem: token === '' ? problem : undefined };
}

const askOthers = (channel: BroadcastChannel): Promise<string> =>
  new Promise((resolve) => {
    const take = ({ data }: MessageEvent<{ token?: unknown }>) => {
      if (typeof data.token === 'string') done(data.token);
    };
    const done = (token: string) => {
      clearTimeout(timer);
      channel.removeEventListener('message', take);
      resolve(token);
    };
    const timer = setTimeout(() => done(''), ASK_MS);
    channel.addEventListener('message', take);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel knows its own origin only
    channel.postMessage('who has a token?');
  });
