/**
 * A real LiveKit server for tests: found, or built once; started on free ports of loopback with keys of its own.
 *
 * Owns the processes it started and nothing else: a server that runs on this machine already is never touched.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort, freeUdpPort } from './ports.ts';

/** The newest version that `go install` accepts: later ones have `replace` lines. */
export const serverVersion = '1.13.5';
const BUILD_DEADLINE_MS = 15 * 60_000;
const START_DEADLINE_MS = 15_000;
const STOP_DEADLINE_MS = 5000;
const LAST_LINES = 40;

export type LiveKitAddress = { url: string; apiKey: string; apiSecret: string };
/** How a worker is told of it. */
export const environmentOf = ({ url, apiKey, apiSecret }: LiveKitAddress) => ({
  LIVEKIT_URL: url,
  LIVEKIT_API_KEY: apiKey,
  LIVEKIT_API_SECRET: apiSecret,
});

export interface LiveKitServer extends LiveKitAddress {
  readonly pid: number;
  /** `kill -9`: connected clients are not told. */
  kill(): Promise<void>;
  /** Starts again after `kill`, with the same address and keys. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server on ports that nobody else uses; resolves when it answers. */
export async function startLiveKitServer(): Promise<LiveKitServer> {
  const binary = await findServer();
  return startOn(binary, { http: await freePort(), tcp: await freePort(), udp: await freeUdpPort() });
}

async function startOn(binary: string, ports: { http: number; tcp: number; udp: number }): Promise<LiveKitServer> {
  const apiKey = `key${randomBytes(6).toString('hex')}`;
  const apiSecret = randomBytes(24).toString('hex');
  const config = JSON.stringify({
    port: ports.http,
    bind_addresses: ['127.0.0.1'],
    rtc: {
      tcp_port: ports.tcp,
      udp_port: ports.udp,
      node_ip: '127.0.0.1',
      use_external_ip: false,
      enable_loopback_candidate: true,
      interfaces: { includes: ['lo'] },
    },
    keys: { [apiKey]: apiSecret },
    logging: { level: 'warn' },
  });
  const url = `ws://127.0.0.1:${ports.http}`;
  let child = await launch(binary, config, ports.http);
  return {
    url,
    apiKey,
    apiSecret,
    get pid() {
      return child.pid as number;
    },
    kill: () => end(child, 'SIGKILL'),
    stop: () => end(child, 'SIGTERM'),
    restart: async () => {
      await end(child, 'SIGKILL');
      child = await launch(binary, config, ports.http);
    },
  };
}

async function launch(binary: string, config: string, port: number): Promise<ChildProcess> {
  const child = spawn(binary, ['--config-body', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      lines.push(data.toString());
      if (lines.length > LAST_LINES) lines.shift();
    });
  }
  const killIt = () => child.kill('SIGKILL');
  process.once('exit', killIt);
  child.once('exit', () => process.off('exit', killIt));
  const deadline = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if (await answers(port)) return child;
    await sleep(25);
  }
  await end(child, 'SIGKILL');
  throw new Error(
    `expected ${binary} to answer on port ${port} within ${START_DEADLINE_MS} ms; it said:\n${lines.join('')}`,
  );
}

async function answers(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await exited;
  clearTimeout(late);
}

/** LIVEKIT_SERVER, then `livekit-server` on PATH, then the cache, which is filled when empty. */
async function findServer(): Promise<string> {
  const named = process.env['LIVEKIT_SERVER'];
  if (named) {
    if (await isProgram(named)) return named;
    throw new Error(`LIVEKIT_SERVER: expected the path of a program, got "${named}"`);
  }
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter)) {
    const candidate = path.join(folder, 'livekit-server');
    if (folder && (await isProgram(candidate))) return candidate;
  }
  const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(homedir(), '.cache'), 'lastword');
  const cached = path.join(cache, `livekit-server-${serverVersion}`);
  if (!(await isProgram(cached))) await build(cache, cached);
  return cached;
}

/** Takes minutes, once. Built aside and renamed, so that two lanes that build at once do not see each other's half. */
async function build(cache: string, target: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const aside = await mkdtemp(path.join(cache, 'build-'));
  process.stderr.write(`Building LiveKit server ${serverVersion} into ${cache}, once; this takes some minutes.\n`);
  try {
    await promisify(execFile)('go', ['install', `github.com/livekit/livekit-server/cmd/server@v${serverVersion}`], {
      env: { ...process.env, GOBIN: aside },
      timeout: BUILD_DEADLINE_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    await rename(path.join(aside, 'server'), target);
  } catch (error) {
    throw new Error(
      `expected a LiveKit server: none on PATH, none in LIVEKIT_SERVER, and it could not be built with Go. ` +
        `Install livekit-server ${serverVersion} or Go 1.24 or later. ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
