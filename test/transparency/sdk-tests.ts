/** Runs the SDK's own tests in several settings, and tells what passes in one and fails in another. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
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
export type Outcome = {
  setting: Setting;
  file: string;
  test: string;
  isPassed: boolean;
  isSkipped?: boolean;
  why: string;
};
/** `stray`: errors that no test caught. */
export type Outcomes = { outcomes: Outcome[]; stray: { message: string; stack: string }[] };

/**
 * @param files parts of file names below `dist/voice`; none for all
 * @throws when the run gave no outcomes: it could not begin, or was killed.
 */
export async function runSdkTests(settings: readonly Setting[], files: readonly string[] = []): Promise<Outcomes> {
  const folder = await mkdtemp(join(tmpdir(), 'lastword-transparency-'));
  const path = join(folder, 'outcomes.json');
  const arguments_ = ['vitest', 'run', '--config', 'test/transparency/tests.vitest.config.ts', ...files];
  let said = '';
  try {
    const child = spawn('npx', arguments_, {
      env: { ...process.env, LASTWORD_SETTINGS: settings.join(), LASTWORD_OUTCOMES: path },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => (said = `${said}${text}`.slice(-4000)));
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
    return JSON.parse(await readFile(path, 'utf8')) as Outcomes;
  } catch (error) {
    throw new Error(`the SDK's tests could not be run; vitest said:\n${said}`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
