/** The LiveKit server: is it there, does it take the keys, can agents be dispatched, and do its times fit ours. */
import type { Policy } from '../../machines/index.ts';
import { isServerUrl } from '../link/messages.ts';
import { type ServerTried, tryServer } from '../rooms/try-server.ts';
import { type Finding, finding, skipped } from './finding.ts';

/** A token is valid from a little before it was made: LiveKit forgives a minute. */
const SKEW_MS = 10_000;
const names = ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'] as const;
const checks = ['LiveKit', 'keys', 'dispatch', 'clock', 'departureTimeout'] as const;

/** *Effect.* */
export async function checkLiveKit(
  env: Readonly<Record<string, string | undefined>>,
  policy: Pick<Policy, 'callerGraceMs'>,
): Promise<Finding[]> {
  const missing = names.filter((name) => !env[name]);
  const rest = (why: string) => checks.slice(1).map((check) => skipped(check, why));
  if (missing.length > 0)
    return [
      finding('LiveKit', `${missing.join(', ')} not set`, 'set them in the environment or in .env'),
      ...rest('nobody to ask'),
    ];
  const [url, apiKey, apiSecret] = names.map((name) => env[name] ?? '') as [string, string, string];
  if (!isServerUrl(url))
    return [
      finding('LiveKit', 'LIVEKIT_URL is no address of a server', 'write it as wss://HOST or ws://HOST:PORT'),
      ...rest('nobody to ask'),
    ];
  return judgeServer(new URL(url).host, await tryServer({ url, apiKey, apiSecret }), policy);
}

/** *Pure.* */
export function judgeServer(
  host: string,
  { answers, keys, dispatches, departureMs, skewMs }: ServerTried,
  { callerGraceMs }: Pick<Policy, 'callerGraceMs'>,
): Finding[] {
  if (answers !== true) {
    const remedy = 'check LIVEKIT_URL, and that this machine may reach it';
    return [
      finding('LiveKit', `${host}: ${answers}`, remedy),
      ...checks.slice(1).map((check) => skipped(check, 'no server')),
    ];
  }
  return [
    finding('LiveKit', `${host} answers`),
    keys === true
      ? finding('keys', 'a room could be made')
      : finding(
          'keys',
          keys ?? 'not tried',
          'check LIVEKIT_API_KEY and LIVEKIT_API_SECRET: they belong to this server',
        ),
    judgeDispatch(dispatches),
    judgeSkew(skewMs),
    judgeDeparture(departureMs, callerGraceMs),
  ];
}

const judgeDispatch = (dispatches: ServerTried['dispatches']): Finding => {
  if (dispatches === undefined) return skipped('dispatch', 'no room');
  if (dispatches === true) return finding('dispatch', 'an agent can be dispatched');
  return finding('dispatch', dispatches, 'use a server of 1.8 or later, and keys with the grant roomAdmin');
};

const judgeSkew = (skewMs: number | undefined): Finding => {
  if (skewMs === undefined) return skipped('clock', 'the server tells no time');
  const found = `${Math.abs(skewMs) < 1_000 ? 'less than a second' : `${Math.round(Math.abs(skewMs) / 1_000)} s`} apart from the server’s`;
  return Math.abs(skewMs) <= SKEW_MS
    ? finding('clock', found)
    : finding('clock', found, 'set both by NTP: tokens are valid by the clock');
};

/** The caller's line breaks, and they are the last who were there: the room has to outlive our patience. */
const judgeDeparture = (departureMs: number | undefined, callerGraceMs: number): Finding => {
  const check = 'departureTimeout';
  if (departureMs === undefined) return skipped(check, 'no room');
  const found = `${departureMs / 1_000} s, callerGraceMs ${callerGraceMs / 1_000} s`;
  if (departureMs >= callerGraceMs) return finding(check, found);
  const remedy = `make rooms with departureTimeout: ${Math.ceil(callerGraceMs / 1_000)}, or shorten callerGraceMs`;
  return finding(check, found, remedy, 'doubtful');
};
