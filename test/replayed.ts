/**
 * Every journal that a test writes is replayed, in every lane: what the machines of this process write, as they write
 * it; and whatever files lie in a folder of a test, of this process and of others, before the folder is removed. A
 * digest that is not the one of the replay fails the test.
 */
import fs, { existsSync, readdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterAll, afterEach, vi } from 'vitest';
import { differences, replay, type ReplayEntry } from '../machines/index.ts';
import { journalNameOf } from '../src/journal/folder.ts';
import { entryOf } from '../src/journal/line.ts';
import { build } from '../src/session/machines-build.ts';

type Written = { where: string; entries: ReplayEntry[]; isOver: boolean };
type Kept = {
  written: Written[];
  found: string[];
  /** Folders that this file's tests have made, and not removed yet. */
  folders: Set<string>;
  lookedAt: number;
};
/**
 * Of the process, and not of a test file: where a process is kept for the next file (`isolate: false`), this module runs
 * again, and what the first one mocked and wrapped stays. Each with a list of its own, only the first file of a process
 * was looked at, and a folder was replayed once for each file before it.
 */
const ofProcess = globalThis as { lastwordReplayed?: Kept };
const isWrapped = ofProcess.lastwordReplayed !== undefined;
const kept = (ofProcess.lastwordReplayed ??= { written: [], found: [], folders: new Set(), lookedAt: 0 });
const { written, found, folders } = kept;

/** How many runs of a machine were over, and replayed, so far. */
export const lookedAt = (): number => kept.lookedAt;

/** What is wrong with one file: a line each. A journal of another build would prove nothing. */
export const problemsOf = (where: string, entries: readonly ReplayEntry[]): string[] => {
  const replayed = replay(entries, build);
  const foreign = replayed.flatMap(({ refused }) => (refused?.kind === 'another-build' ? refused.why : []));
  return [...foreign, ...differences(entries, replayed)].map((problem) => `${where}: ${problem}`);
};

const journalsBelow = (folder: string, depth = 6): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((each) => {
    const path = join(folder, each.name);
    if (each.isDirectory()) return depth > 0 && each.name !== 'node_modules' ? journalsBelow(path, depth - 1) : [];
    return each.isFile() && journalNameOf(each.name) !== undefined ? [path] : [];
  });

/** *Effect.* Of all journals below a folder. */
export const problemsBelow = (folder: string): string[] =>
  existsSync(folder)
    ? journalsBelow(folder).flatMap((path) => {
        const lines = readFileSync(path).toString('utf8').split('\n');
        return problemsOf(
          path,
          lines.flatMap((line) => entryOf(Buffer.from(line)) ?? []),
        );
      })
    : [];

vi.mock('../src/session/run-machine.ts', async (original) => {
  const module = await original<typeof import('../src/session/run-machine.ts')>();
  const runMachine: typeof module.runMachine = (options) => {
    const run: Written = { where: options.machine, entries: [], isOver: false };
    written.push(run);
    return module.runMachine({
      ...options,
      note: (kind, data) => {
        run.entries.push({ seq: run.entries.length + 1, kind, data });
        return options.note(kind, data);
      },
      onDone: (snapshot) => {
        run.isOver = true;
        options.onDone(snapshot);
      },
    });
  };
  return { ...module, runMachine };
});

const look = () => {
  for (const run of written.splice(0)) {
    found.push(...problemsOf(run.where, run.entries));
    if (run.isOver) kept.lookedAt += 1;
    else written.push(run);
  }
};
const tell = () => {
  const problems = found.splice(0);
  if (problems.length > 0) throw new Error(`a journal does not replay:\n${problems.slice(0, 10).join('\n')}`);
};
const beforeRemoval = (path: fs.PathLike) => {
  folders.delete(String(path));
  found.push(...problemsBelow(String(path)));
  tell();
};

function wrap(): void {
  const { rm, mkdtemp } = fs.promises;
  const { rmSync, mkdtempSync } = fs;
  Object.assign(fs.promises, {
    rm: async (path: fs.PathLike, options?: fs.RmOptions) => {
      try {
        if (options?.recursive) beforeRemoval(path);
      } finally {
        await rm(path, options);
      }
    },
    mkdtemp: async (prefix: string) => {
      const folder = await mkdtemp(prefix);
      folders.add(folder);
      return folder;
    },
  });
  Object.assign(fs, {
    rmSync: (path: fs.PathLike, options?: fs.RmOptions) => {
      try {
        if (options?.recursive) beforeRemoval(path);
      } finally {
        rmSync(path, options);
      }
    },
    mkdtempSync: (prefix: string) => {
      const folder = mkdtempSync(prefix);
      folders.add(folder);
      return folder;
    },
  });
  syncBuiltinESMExports();
}
if (!isWrapped) wrap();

/** Far more than it takes beside other work. */
const LOOK_MS = 120_000;
afterEach(() => {
  look();
  tell();
}, LOOK_MS);
afterAll(() => {
  look();
  for (const folder of folders) found.push(...problemsBelow(folder));
  folders.clear();
  written.length = 0; // what is not over yet is nothing of the next file's
  tell();
}, LOOK_MS);
