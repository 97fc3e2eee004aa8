/** This machine: Node, the SDK beside it, the directory, how long its disk takes, how many files may be open. */
import { randomBytes } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { messageOf } from '../errors/thrown.ts';
import { ownFolder } from '../keeper/owned-folder.ts';
import { type Finding, finding, skipped } from './finding.ts';

/** What the tests of this version ran with. A later one of the same number before the first dot may do as well. */
export const testedSdk = '1.9.0';
const LEAST_NODE = [20, 19] as const;

/** Of a file that is read by nobody; the journal waits as long for what has to be durable. */
const FLUSHES = 24;
/** From here on a caller notices: a goodbye waits for one of them. */
const SLOW_FLUSH_MS = 30;
/** Journal, socket, and what the SDK opens for one call; and what keeper and worker need themselves. */
const FILES_OF_CALL = 4;
const FILES_BESIDES = 200;

const numbersOf = (version: string): number[] => version.split('.').map((part) => Number.parseInt(part, 10) || 0);

/** *Pure.* */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = numbersOf(version);
  const isNew = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  return isNew
    ? finding('node', version)
    : finding('node', `${version}, and ${LEAST_NODE.join('.')} or later is needed`, 'install Node 22 or 24');
}

/** *Effect.* The SDK that the agent file would import. @param from its path, or that of the folder one stands in */
export async function checkSdk(from: string): Promise<Finding> {
  const check = '@livekit/agents';
  try {
    const entry = createRequire(resolve(from, 'package.json')).resolve(check);
    const root = entry.slice(0, entry.lastIndexOf(join('@livekit', 'agents')) + join('@livekit', 'agents').length);
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return judgeSdk(check, version);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? messageOf(error);
    return finding(check, `not found from ${resolve(from)} (${code})`, `npm install ${check}@${testedSdk}`);
  }
}

/** *Pure.* */
export function judgeSdk(check: string, version: string): Finding {
  const [major = 0, minor = 0] = numbersOf(version);
  const [wantedMajor = 0, wantedMinor = 0] = numbersOf(testedSdk);
  if (version === testedSdk) return finding(check, `${version}, as tested`);
  if (major !== wantedMajor || minor < wantedMinor)
    return finding(check, `${version}, and ^${testedSdk} is needed`, `npm install ${check}@${testedSdk}`);
  const advice = `if a call misbehaves, try ${testedSdk} before anything else`;
  return finding(check, `${version}; tested with ${testedSdk}`, advice, 'doubtful');
}

/** *Effect.* Ours, or made ours; and what an `fdatasync` takes there. */
export async function checkDirectory(directory: string): Promise<Finding[]> {
  const check = 'LASTWORD_DIR';
  let warnings: string[];
  try {
    warnings = await ownFolder(directory);
  } catch (error) {
    return [finding(check, messageOf(error), 'as it says'), skipped('disk', 'there is no directory to write to')];
  }
  const [first] = warnings;
  const own = first === undefined ? finding(check, directory) : finding(check, directory, first, 'doubtful');
  return [own, judgeFlush(await flushTimes(directory))];
}

async function flushTimes(directory: string): Promise<number[]> {
  const path = join(directory, `.doctor-${randomBytes(6).toString('hex')}`);
  const file = await open(path, 'wx', 0o600);
  try {
    const times: number[] = [];
    for (let count = 0; count < FLUSHES; count += 1) {
      await file.write('a line of a journal, about as long as one of them is when it says little\n');
      const begun = performance.now();
      await file.datasync();
      times.push(performance.now() - begun);
    }
    return times.sort((one, other) => one - other);
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

/** *Pure.* @param times sorted, in milliseconds */
export function judgeFlush(times: readonly number[]): Finding {
  const [median = 0, worst = 0] = [times[times.length >> 1], times.at(-1)];
  const text = `fdatasync: ${median.toFixed(1)} ms in the middle, ${worst.toFixed(1)} ms at worst`;
  if (median <= SLOW_FLUSH_MS) return finding('disk', text);
  return finding('disk', text, 'put LASTWORD_DIR on a local disk: a goodbye waits for this', 'doubtful');
}

/** *Effect.* @param calls at once */
export async function checkFiles(calls: number): Promise<Finding> {
  const text = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  return soft === undefined ? skipped('open files', 'this system does not tell') : judgeFiles(soft, calls);
}

/** *Pure.* */
export function judgeFiles(soft: string, calls: number): Finding {
  const needed = calls * FILES_OF_CALL + FILES_BESIDES;
  const limit = soft === 'unlimited' ? Infinity : Number(soft);
  const found = `at most ${soft}; ${calls} calls at once need ${needed}`;
  return limit >= needed ? finding('open files', found) : finding('open files', found, `ulimit -n ${needed}`);
}
