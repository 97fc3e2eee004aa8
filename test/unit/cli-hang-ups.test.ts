/** Whose caller may still be on the line, as an operator sees it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import { openJournal } from '../../src/journal/write.ts';
import { firstJob, sessionIdOf } from '../../src/journal/ids.ts';
import { openStore } from '../../src/store/open.ts';
import { newHangUp, sealedReport, sessionRow } from '../contract/store-rows.ts';

const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
const sessions = ['AJ_none', 'AJ_owed', 'AJ_done', 'AJ_given-up'].map(sessionIdOf);
let directory: string;
const run = async (...given: string[]) => {
  let out = '';
  await runCommandLine(given, {
    env: { LASTWORD_DIR: directory },
    isTTY: false,
    out: (text) => void (out += text),
    err: (text) => void (out += text),
  });
  return out;
};
const lineOf = (out: string, session: string) => out.split('\n').find((line) => line.startsWith(session)) ?? '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-cli-hang-ups-'));
  const store = await openStore(`sqlite:${join(directory, 'lastword.db')}`);
  for (const session of sessions) {
    const facts = { ...firstJob(session), agentName: '', room: { name: `room-${session}`, sid: 'RM_1' }, metadata: '' };
    const data = { ...facts, worker: 'w', hangUp, policy: defaultPolicy };
    const journal = await openJournal({
      directory,
      session,
      file: 'keeper',
      first: { kind: 'session.accepted', data },
    });
    await journal.close();
    const end = { state: 'sealed', endedAt: 5_000, by: 'agent', reason: 'agent_ended' } as const;
    await store.seal(sessionRow(session, end), sealedReport(session), []);
    if (session !== 'AJ_none') await store.owe(newHangUp(session, { nextAt: 0 }));
  }
  await store.takeOwed({ server: 'wss://one.example', now: 10_000, again: 20_000, limit: 10 });
  await store.settleHangUp(sessionIdOf('AJ_owed'), { kind: 'retry', nextAt: 30_000, error: '503 planted' });
  await store.settleHangUp(sessionIdOf('AJ_done'), { kind: 'done', at: 11_000 });
  await store.settleHangUp(sessionIdOf('AJ_given-up'), { kind: 'given-up', at: 12_000, error: '503 planted' });
  await store.close();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

it('C3 the list of sessions names those whose caller may still be on the line, and no others', async () => {
  const out = await run('sessions');
  expect(lineOf(out, 'AJ_owed')).toContain('agent_ended (agent), hang-up owed');
  expect(lineOf(out, 'AJ_given-up')).toContain('agent_ended (agent), hang-up given up');
  for (const session of ['AJ_none', 'AJ_done']) expect(lineOf(out, session)).not.toContain('hang-up');
  const rows = JSON.parse(await run('sessions', '--json')) as { session: string; hangUp?: string }[];
  expect(new Map(rows.map(({ session, hangUp: state }) => [session, state]))).toEqual(
    new Map([
      ['AJ_none', undefined],
      ['AJ_owed', 'owed'],
      ['AJ_done', undefined],
      ['AJ_given-up', 'given-up'],
    ]),
  );
});

it('C3 a session says what became of its late hang-up, how often it was tried, and what LiveKit said last', async () => {
  expect(await run('show', 'AJ_owed')).toMatch(
    /late hang-up \(delete-room\) +still owed, next attempt .* 1 attempt +503 planted/,
  );
  expect(await run('show', 'AJ_given-up')).toMatch(/given up .*: look for the room +1 attempt +503 planted/);
  expect(await run('show', 'AJ_done')).toMatch(/late hang-up \(delete-room\) +done .* 1 attempt/);
  expect(await run('show', 'AJ_none')).not.toContain('late hang-up');
  const { owedHangUp } = JSON.parse(await run('show', 'AJ_owed', '--json')) as { owedHangUp: object };
  expect(owedHangUp).toMatchObject({ state: 'owed', attempts: 1, lastError: '503 planted' });
});
