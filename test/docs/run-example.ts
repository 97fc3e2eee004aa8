/**
 * An example as its reader would run it, `lastword start FILE`: a keeper, a worker and jobs below it, the models played
 * by the provider lab, a webhook receiver that checks signatures. Disposed of, nothing of it is left.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { verifyWebhook } from '../../src/index.ts';
import type { Report } from '../../src/report/schema.ts';
import { type Lab, type LabScript, type PaceName, startLab } from '../../src/testing/index.ts';
import { assertReport } from '../contract/check-report.ts';
import {
  environmentOf,
  type Caller,
  type CallerWish,
  compiled,
  freePort,
  type LiveKitAddress,
  roomsOf,
  startCaller,
  until,
} from '../e2e/harness/index.ts';

const READY_MS = 40_000;
const STOP_MS = 40_000;
/** Of a small machine: one for each core, four at most. */
const WARM_PROCESSES = Math.min(availableParallelism(), 4);

/** So many processes of our own default would be busy with themselves while the caller talks. */
export const onSmallMachine = () => ({
  NODE_OPTIONS: `--import=${pathToFileURL(compiled('test/docs/small-machine.ts')).href}`,
});

export type Posted = { path: string; body: unknown };

export interface RunningExample {
  readonly lab: Lab;
  /** What was posted without a signature: alerts. */
  readonly posted: readonly Posted[];
  /** Where reports and alerts may be sent to. */
  readonly receiver: string;
  /** A room that calls for this agent, and a caller in it. */
  call(metadata?: string, caller?: Partial<CallerWish>): Promise<{ room: string; caller: Caller }>;
  /** The one report about a room: its signature verified, its shape checked. */
  reportOf(room: string): Promise<Report>;
  /** Where reports came in, in order. */
  readonly reportPaths: readonly string[];
  log(): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type ExampleWish = {
  /** Below docs/examples, without an ending. */
  example: string;
  server: LiveKitAddress;
  script: LabScript;
  /** How fast the models are. Default: as they are, `typical`. */
  pace?: PaceName;
  environment?: (receiver: string, lab: Lab, secret: string) => Record<string, string>;
};

let examples = 0;

/** Resolves when the worker takes calls, and its job processes are warm. */
export async function runExample({
  example,
  server,
  script,
  pace = 'typical',
  environment,
}: ExampleWish): Promise<RunningExample> {
  const directory = await mkdtemp(path.join(tmpdir(), 'lastword-docs-'));
  const logFile = path.join(directory, 'processes.log');
  const agentName = `docs-${process.pid}-${(examples += 1)}`;
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const lab = await startLab({ script, pace });
  const reports: Report[] = [];
  const reportPaths: string[] = [];
  const posted: Posted[] = [];
  const failures: Error[] = [];
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      try {
        if (request.url === '/slack') posted.push({ path: request.url, body: JSON.parse(body) as unknown });
        else {
          const verified = verifyWebhook({ headers: request.headers, body, secrets: [secret] });
          if (!verified.ok) throw new Error(`a report came unsigned: ${verified.why}`);
          const report: unknown = JSON.parse(body);
          assertReport(report);
          reports.push(report);
          reportPaths.push(request.url ?? '');
        }
        response.writeHead(204).end();
      } catch (error) {
        failures.push(error instanceof Error ? error : new Error(String(error)));
        response.writeHead(400).end();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;

  const text = () => readFile(logFile, 'utf8').catch(() => '');
  const output = await open(logFile, 'a');
  const keeper: ChildProcess = fork(compiled('src/cli/main.ts'), ['start', compiled(`docs/examples/${example}.ts`)], {
    execArgv: [],
    stdio: ['ignore', output.fd, output.fd, 'ipc'],
    env: {
      ...process.env,
      ...environmentOf(server),
      ...onSmallMachine(),
      LIVEKIT_AGENT_NAME: agentName,
      LASTWORD_DIR: directory,
      LASTWORD_PORT: String(await freePort()),
      LOG_LEVEL: 'debug', // says when a job process is warm
      LASTWORD_WEBHOOK_URL: `${origin}/reports`,
      LASTWORD_WEBHOOK_SECRET: secret,
      OPENAI_BASE_URL: lab.urls.openai,
      OPENAI_API_KEY: 'lab',
      CARTESIA_BASE_URL: lab.urls.cartesia,
      CARTESIA_API_KEY: 'lab',
      ...environment?.(origin, lab, secret),
    },
  });
  keeper.disconnect();
  const exited = once(keeper, 'exit');

  const dispose = async () => {
    if (keeper.exitCode === null && keeper.signalCode === null) {
      keeper.kill('SIGTERM');
      const late = setTimeout(() => keeper.kill('SIGKILL'), STOP_MS);
      await exited;
      clearTimeout(late);
    }
    await output.close();
    await lab.close();
    receiver.closeAllConnections();
    receiver.close();
    if (process.env['LASTWORD_KEEP'] === undefined) await rm(directory, { recursive: true, force: true });
    if (failures.length > 0) throw new AggregateError(failures, `the receiver refused: ${failures[0]?.message}`);
  };
  const lastLines = async () => (await text()).slice(-4000);
  try {
    const isReady = async () => {
      if (keeper.exitCode !== null) throw new Error(`the keeper ended with ${keeper.exitCode}:\n${await lastLines()}`);
      const lines = await text();
      // A call into a cold process would measure the machine that starts it.
      return lines.includes('the worker takes calls') && lines.split('job runner initialized').length > WARM_PROCESSES;
    };
    await until(`${example} to take calls`, isReady, READY_MS, lastLines);
  } catch (error) {
    await dispose();
    throw error;
  }

  let calls = 0;
  return {
    lab,
    posted,
    reportPaths,
    receiver: origin,
    call: async (metadata = '', wish = {}) => {
      const room = `${agentName}-${(calls += 1)}`;
      await roomsOf(server).create(room, { agentName, jobMetadata: metadata });
      return { room, caller: await startCaller({ server, room, ...wish }) };
    },
    reportOf: async (room) => {
      const found = () => reports.filter((report) => report.room?.name === room);
      await until(`a report about ${room}`, () => found().length > 0, 20_000, lastLines);
      const [report, second] = found();
      if (second) throw new Error(`two reports about ${room}`);
      return report as Report;
    },
    log: text,
    [Symbol.asyncDispose]: dispose,
  };
}
