/** `npm start` as a stranger runs it, in a directory of its own: real processes, no key, no server. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isAlive, ownerOf } from '../../src/journal/owner.ts';
import { readSession } from '../../src/journal/read.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import type { Report } from '../../src/report/schema.ts';
import { openStore } from '../../src/store/open.ts';
import { assertReport } from '../contract/check-report.ts';
import { compiled, root } from '../e2e/harness/compiled.ts';

export const RUN_MS = 50_000;

/** What is sent once something is seen: a line, a signal, or a line that has to wait for something else. */
export type Step = { sees: RegExp; send: string | (() => Promise<string>) };
export type Run = { code: number | null; output: string; ms: number };
const isSignal = (text: string): text is NodeJS.Signals => text.startsWith('SIG');

export const environmentOf = (directory: string, more: Record<string, string> = {}): NodeJS.ProcessEnv => {
  const names = /^(LIVEKIT|LASTWORD|OPENAI|CARTESIA)_|^NO_COLOR$|^FORCE_COLOR$/;
  const inherited = Object.entries(process.env).filter(([name]) => !names.test(name));
  return { ...Object.fromEntries(inherited), LASTWORD_DIR: directory, ...more };
};

export async function openStart() {
  compiled('src/cli/start-here.ts');
  const directory = await mkdtemp(join(tmpdir(), 'lastword-start-'));
  const children = new Set<ChildProcess>();
  return {
    directory,

    /** Runs it to its end; each step waits for what it sees, from where the one before had got to. */
    async start({
      typed,
      npm = false,
      longestMs = RUN_MS,
    }: {
      typed?: Step[];
      npm?: boolean;
      longestMs?: number;
    }): Promise<Run> {
      const [command, args] = npm
        ? ['npm', ['start', '--silent', '--ignore-scripts']] // a build in the middle of the tests would change what others run
        : [process.execPath, [compiled('src/cli/start-here.ts')]];
      const begun = performance.now();
      const child = spawn(command, args, {
        cwd: root,
        env: environmentOf(directory, typed && { LASTWORD_TERMINAL: '1' }),
        stdio: [typed ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      });
      children.add(child);
      const steps = [...(typed ?? [])];
      let output = '';
      let seenTo = 0;
      const take = (part: Buffer) => {
        output += part.toString();
        for (let step = steps[0]; step; step = steps[0]) {
          const found = step.sees.exec(output.slice(seenTo));
          if (!found) return;
          seenTo += found.index + found[0].length;
          steps.shift();
          const { send } = step;
          if (typeof send === 'function') void send().then((line) => child.stdin?.write(`${line}\n`));
          else if (isSignal(send)) child.kill(send);
          else child.stdin?.write(`${send}\n`);
        }
      };
      child.stdout?.on('data', take);
      child.stderr?.on('data', take);
      const late = setTimeout(() => child.kill('SIGKILL'), longestMs);
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
      clearTimeout(late);
      children.delete(child);
      expect(
        steps.map(({ sees }) => sees.source),
        `never seen; what was:\n${output}`,
      ).toEqual([]);
      return { code, output, ms: performance.now() - begun };
    },

    /** The newest report on disk, checked as every report is. */
    async lastReport(): Promise<Report> {
      const names = (await readdir(join(directory, 'reports'))).filter((name) => name.endsWith('.json')).sort();
      const report: unknown = JSON.parse(await readFile(join(directory, 'reports', names.at(-1) ?? 'none'), 'utf8'));
      assertReport(report);
      return report;
    },

    /** How each delivery of this session's report stands. */
    async deliveriesOf(session: string): Promise<string[]> {
      const store = await openStore(`sqlite:${join(directory, 'lastword.db')}`);
      const all = await store.deliveries({ limit: 10, session: sessionIdOf(session) });
      await store.close();
      return all.map(({ state }) => state);
    },

    /** The processes that a run started, by what they themselves wrote down: keepers, hosts and jobs. */
    async expectNothingRuns({ session }: Report): Promise<void> {
      const { epochs } = await readSession(directory, sessionIdOf(session));
      const opened = epochs.flatMap(({ entries }) => entries.filter(({ kind }) => kind === 'session.opened'));
      const log = await readFile(join(directory, 'start.log'), 'utf8');
      const written = (line: RegExp) => Array.from(log.matchAll(line), ([, pid]) => Number(pid));
      const hosts = written(/"workerPid":(\d+)[^\n]*"msg":"worker started"/g);
      const pids = [
        ...written(/"pid":(\d+)[^\n]*"msg":"worker (?:started|adopted)"/g),
        ...hosts,
        ...opened.flatMap((entry) => (entry.kind === 'session.opened' ? [entry.data.owner.pid] : [])),
      ];
      expect(hosts.length).toBeGreaterThan(0);
      expect(opened.length).toBeGreaterThan(0);
      // One whose parent was killed is a zombie until the system's first process looks after it: that is dead.
      for (const pid of pids) expect(await isAlive(await ownerOf(pid)), `process ${pid}`).toBe('dead');
    },

    async remove(): Promise<void> {
      for (const child of children) child.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}
