import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseJournal } from '../../src/journal/parse.ts';
import { openJournal } from '../../src/journal/write.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';
import { compile } from './compile.ts';

const program = 'test/crash/journal-writer.ts';
const KILLS = 10;
let compiled: Awaited<ReturnType<typeof compile>>;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-kill-'));
  compiled = await compile(program);
});
afterAll(async () => {
  await compiled.clean();
  rmSync(directory, { recursive: true });
});

/** Starts a writer, kills it after it has acknowledged `acknowledgements` times, returns the last number it said. */
const writeAndKill = async (acknowledgements: number): Promise<number> => {
  const child = spawn(process.execPath, [compiled.path(program), directory, 'one'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const deadline = setTimeout(() => child.kill('SIGKILL'), 20_000);
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
    if (said.split('\n').length > acknowledgements) child.kill('SIGKILL');
  });
  const closed = once(child, 'close');
  const [, signal] = (await exited) as [number | null, string | null];
  await closed; // what it had said is read to the end
  clearTimeout(deadline);
  expect(signal).toBe('SIGKILL');
  const lines = said.split('\n').slice(0, -1);
  expect(lines.length).toBeGreaterThanOrEqual(acknowledgements);
  return Number(lines.at(-1));
};

describe('a journal whose writer is killed with -9', () => {
  it('has every entry that was durable, without a gap, and the next writer goes on behind it', async () => {
    let acknowledged = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      acknowledged = await writeAndKill(1 + ((kill * 7) % 30));
      const { entries } = parseJournal(readFileSync(join(directory, 'sessions', 'one', 'keeper.jsonl'), 'utf8'));
      expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
      expect(entries.length).toBeGreaterThanOrEqual(acknowledged);
    }
    const journal = await openJournal({ directory, session: sessionIdOf('one'), file: 'keeper' });
    expect(journal.lastSeq).toBeGreaterThanOrEqual(acknowledged);
    await journal.close();
    const { entries, torn } = parseJournal(readFileSync(journal.path, 'utf8'));
    expect(torn).toBe(false);
    expect(entries.at(-1)?.seq).toBe(journal.lastSeq);
  });
});
