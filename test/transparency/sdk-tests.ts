/** Runs the SDK's own tests in several settings. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Nothing of ours; all that a job attaches; and two observers that do harm, to see that harm is seen. */
export type Setting = 'bare' | 'attached' | 'swallows' | 'closes-late';

/** What runs before the tests of each file. */
export const setupOf: Readonly<Record<Setting, string[]>> = {
  bare: ['test/transparency/setup-logger.ts'],
  attached: ['test/transparency/setup-logger.ts', 'test/transparency/setup-attached.ts'],
  swallows: ['test/transparency/setup-logger.ts', 'test/transparency/setup-swallows.ts'],
  'closes-late': ['test/transparency/setup-logger.ts', 'test/transparency/setup-closes-late.ts'],
};

/** `test` is empty for a file that could not be run at all. */
export type Outcome = { setting: Setting; file: string; test: string; isPassed: boolean; why: string };
/** `stray`: errors that no test caught. */
export type Outcomes = { outcomes: Outcome[]; stray: { message: string; stack: string }[] };

export const VOICE = 'node_modules/@livekit/agents/dist/voice';

/** Those in which an AgentSession is started: in all others nobody meets us. */
export async function filesWithSessions(): Promise<string[]> {
  const all = (await readdir(VOICE, { recursive: true })).filter((name) => name.endsWith('.test.js'));
  const texts = await Promise.all(all.map((name) => readFile(join(VOICE, name), 'utf8')));
  return all.filter((_name, index) => texts[index]?.includes('.start('));
}

/**
 * @param files names below `dist/voice`; none for all
 * @throws when the run gave no outcomes: it could not begin, or was killed.
 */
export async function runSdkTests(settings: readonly Setting[], files: readonly string[] = []): Promise<Outcomes> {
  const folder = await mkdtemp(join(tmpdir(), 'lastword-transparency-'));
  const path = join(folder, 'outcomes.json');
  const paths = files.map((name) => join(VOICE, name));
  const vitest = ['vitest', 'run', '--config', 'test/transparency/tests.vitest.config.ts', ...paths];
  let said = '';
  try {
    const child = spawn('npx', vitest, {
      env: { ...process.env, LASTWORD_SETTINGS: settings.join(), LASTWORD_OUTCOMES: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const hear = (text: unknown) => (said = `${said}${String(text)}`.slice(-4000));
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
    return JSON.parse(await readFile(path, 'utf8')) as Outcomes;
  } catch (error) {
    throw new Error(`the SDK's tests could not be run; vitest said:\n${said}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
