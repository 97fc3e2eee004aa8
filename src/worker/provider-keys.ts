/**
 * The keys of the deployed worker, tried once before it takes calls: a wrong one would otherwise be noticed by the first
 * caller. Only a clear "no" refuses; a provider that is slow or away today may be back when the first call comes.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeValue } from '../errors/config-error.ts';
import { openRooms } from '../rooms/server-api.ts';
import { RoomsError } from '../rooms/rooms-error.ts';
import { messageOf } from '../errors/thrown.ts';

/** For each probe; they run side by side. */
const PROBE_MS = 3_000;
/** EX_CONFIG of sysexits: a keeper does not start such a worker again. */
const REFUSED = 78;

type Environment = Readonly<Record<string, string | undefined>>;
type Finding = { kind: 'refused' | 'unknown'; line: string };

type Probe = {
  /** The variable that is wrong when the provider says no. */
  names: string;
  provider: string;
  /** @returns the status of the answer; rejects when there is none */
  ask: (signal: AbortSignal) => Promise<number>;
};

/** An empty variable is none. */
const valueOf = (env: Environment, name: string): string | undefined => env[name] || undefined;

/** Ends in no slash, as the plugins want it, too. */
const baseOf = (env: Environment, name: string, otherwise: string): string =>
  (valueOf(env, name) ?? otherwise).replace(/\/+$/, '');

const get = async (url: string, headers: Record<string, string>, signal: AbortSignal): Promise<number> => {
  const response = await fetch(url, { headers, signal });
  await response.body?.cancel();
  return response.status;
};

const openai = (env: Environment, key: string): Probe => ({
  names: 'OPENAI_API_KEY',
  provider: 'OpenAI',
  ask: (signal) =>
    get(
      `${baseOf(env, 'OPENAI_BASE_URL', 'https://api.openai.com/v1')}/models`,
      { authorization: `Bearer ${key}` },
      signal,
    ),
});

const cartesia = (env: Environment, key: string): Probe => ({
  names: 'CARTESIA_API_KEY',
  provider: 'Cartesia',
  ask: (signal) =>
    get(
      `${baseOf(env, 'CARTESIA_BASE_URL', 'https://api.cartesia.ai')}/voices?limit=1`,
      { 'x-api-key': key, 'cartesia-version': '2025-04-16' },
      signal,
    ),
});

const livekit = (url: string, apiKey: string, apiSecret: string): Probe => ({
  names: 'LIVEKIT_API_KEY, LIVEKIT_API_SECRET',
  provider: 'LiveKit',
  ask: async (signal) => {
    try {
      await openRooms({ url, apiKey, apiSecret }, { attemptMs: PROBE_MS }).sidOf('lastword-key-probe', signal);
      return 200;
    } catch (error) {
      if (error instanceof RoomsError && error.status !== undefined) return error.status;
      throw error;
    }
  },
});

async function find({ names, provider, ask }: Probe): Promise<Finding | undefined> {
  const unknown = (why: string): Finding => ({
    kind: 'unknown',
    line: `${names}: could not be tried at ${provider} (${why}); starting all the same`,
  });
  try {
    const status = await ask(AbortSignal.timeout(PROBE_MS));
    if (status >= 200 && status < 300) return undefined;
    if (status !== 401 && status !== 403) return unknown(`it answered ${status}`);
    return {
      kind: 'refused',
      line: `${names}: expected a key that ${provider} accepts, got ${status} for this one; set a valid one in the environment or in .env`,
    };
  } catch (error) {
    const isLate = error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return unknown(isLate ? `no answer within ${PROBE_MS} ms` : messageOf(cause));
  }
}

const urls = [
  { name: 'LIVEKIT_URL', schemes: ['wss:', 'ws:', 'https:', 'http:'], example: 'wss://example.livekit.cloud' },
  { name: 'OPENAI_BASE_URL', schemes: ['https:', 'http:'], example: 'https://api.openai.com/v1' },
  { name: 'CARTESIA_BASE_URL', schemes: ['https:', 'http:'], example: 'https://api.cartesia.ai' },
];

const wrongUrls = (env: Environment): Finding[] =>
  urls.flatMap(({ name, schemes, example }): Finding[] => {
    const value = valueOf(env, name);
    if (value === undefined || (URL.canParse(value) && schemes.includes(new URL(value).protocol))) return [];
    const line = `${name}: expected a URL such as ${example}, got ${describeValue(value)}; correct it in the environment or in .env`;
    return [{ kind: 'refused', line }];
  });

/** *Effect.* What is wrong with the keys, or cannot be told; at most 3 s. No finding holds a key. */
export async function findKeyProblems(env: Environment): Promise<Finding[]> {
  const wrong = wrongUrls(env);
  if (wrong.length > 0) return wrong;
  const keys = ['OPENAI_API_KEY', 'CARTESIA_API_KEY'] as const;
  const missing = keys.flatMap((name): Finding[] => {
    if (valueOf(env, name) !== undefined) return [];
    return [{ kind: 'refused', line: `${name}: expected a key, got nothing; set it in the environment or in .env` }];
  });
  const openaiKey = valueOf(env, 'OPENAI_API_KEY');
  const cartesiaKey = valueOf(env, 'CARTESIA_API_KEY');
  const [url, key, secret] = ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'].map((name) => valueOf(env, name));
  const probes = [
    ...(openaiKey === undefined ? [] : [openai(env, openaiKey)]),
    ...(cartesiaKey === undefined ? [] : [cartesia(env, cartesiaKey)]),
    // Where one of the three is missing, runWorker says so.
    ...(url === undefined || key === undefined || secret === undefined ? [] : [livekit(url, key, secret)]),
  ];
  const found = await Promise.all(probes.map(find));
  return [...missing, ...found.filter((finding) => finding !== undefined)];
}

/**
 * *Effect.* In the worker process of `start` and `dev` below its keeper: tries every key, says what it found, and leaves
 * with code 78 if one is refused or missing. Anywhere else (a job, a keeper to be, an import) it does nothing.
 *
 * @param agentFile import.meta.url of the agent file
 */
export async function tryProviderKeys(agentFile: string): Promise<void> {
  const { argv, env } = process;
  const isThisFile = argv[1] !== undefined && resolve(argv[1]) === resolve(fileURLToPath(agentFile));
  const isServing = argv[2] === 'start' || argv[2] === 'dev';
  if (!isThisFile || !isServing || env['LASTWORD_SOCKET'] === undefined) return;
  const findings = await findKeyProblems(env);
  for (const { line } of findings) console.error(`lastword: ${line}`);
  if (findings.some(({ kind }) => kind === 'refused')) process.exit(REFUSED);
}
