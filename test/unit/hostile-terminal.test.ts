/** What a caller, a model or an error said is printed, and drives no terminal; an argument is a name and never a path. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultPolicy } from '../../machines/index.ts';
import { runCommandLine } from '../../src/cli/command-line.ts';
import type { EntryData } from '../../src/journal/entry.ts';
import { readSession } from '../../src/journal/read.ts';
import { openJournal } from '../../src/journal/write.ts';
import { firstJob, sessionIdOf } from '../../src/journal/ids.ts';
import { fold, serializeReport } from '../../src/report/fold.ts';
import { openStore } from '../../src/store/open.ts';
import { hostileText } from '../contract/hostile.ts';
import { owner } from '../contract/sessions.ts';

const SESSION = sessionIdOf('AJ_hostile');
const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
let directory: string;
let body = '';

/** Everything that a terminal would obey, or that turns a line around: all controls but the line break. */
const obeyed = /[^\P{Cc}\n]|[\p{Cf}\u2028\u2029]|\p{Surrogate}/u;

const run = async (...given: string[]) => {
  const said = { out: '', err: '' };
  const code = await runCommandLine(given, {
    env: { LASTWORD_DIR: directory },
    isTTY: false, // no colours of ours: whatever escape is left came from outside
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  });
  return { code, ...said };
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lastword-hostile-'));
  const facts = { ...firstJob(SESSION), agentName: hostileText, room: { name: hostileText, sid: hostileText } };
  const opened: EntryData['session.opened'] = {
    ...facts,
    metadata: JSON.stringify({ note: hostileText }),
    owner,
    identity: hostileText,
    policy: defaultPolicy,
    policyHash: 'none',
    machineHash: 'none',
    hangUp,
    versions: { agent: hostileText },
  };
  const journal = await openJournal({
    directory,
    session: SESSION,
    file: 1,
    first: { kind: 'session.opened', data: opened },
  });
  const end = { by: 'agent', reason: hostileText, fault: 'none', detail: hostileText } as const;
  journal.append('room', { change: 'connected', reason: hostileText });
  journal.append('participant', { change: 'joined', identity: hostileText, reason: hostileText });
  journal.append('participant', { change: 'attributes', identity: hostileText });
  journal.append('item', { id: 'a', role: 'user', text: hostileText, interrupted: false, createdAt: 1 });
  journal.append('item', { id: 'b', role: 'handoff', text: '', interrupted: false, agent: hostileText, createdAt: 1 });
  for (const status of ['started', 'settled', 'failed'] as const)
    journal.append('tool', {
      call: 'c',
      name: hostileText,
      status,
      args: hostileText,
      output: hostileText,
      error: hostileText,
    });
  journal.append('error', { component: hostileText, message: hostileText, recoverable: false });
  journal.append('effect', { machine: 'session', id: 'x', name: 'speak', phase: 'failed', error: hostileText });
  journal.append('spoken', {
    line: 'goodbye',
    rung: 'live',
    text: hostileText,
    heardMs: 0,
    outcome: 'failed',
    why: hostileText,
  });
  journal.append('hangup', {
    strategy: 'leave',
    attempts: 1,
    verified: false,
    left: [hostileText],
    error: hostileText,
    ms: 1,
  });
  journal.append('provider', { component: 'llm', label: hostileText, available: false });
  journal.append('attach', { key: hostileText, value: hostileText });
  journal.append('log', { level: 'info', message: hostileText });
  journal.append('session.closed', { end, alsoTriggered: [end], stage: hostileText });
  await journal.close();
  const report = fold(await readSession(directory, SESSION));
  body = serializeReport(report);
  const store = await openStore(`sqlite:${join(directory, 'lastword.db')}`);
  const stored = hostileText.replaceAll('\u0000', ''); // where SQLite's text ends
  const row = { ...firstJob(SESSION), room: stored, agentName: stored, acceptedAt: 1 };
  const delivery = { session: SESSION, report: report.id, kind: 'report' as const, body, nextAt: 2_000 };
  await store.seal(
    { ...row, state: 'sealed', endedAt: 2, by: 'agent', reason: stored },
    { session: SESSION, report: report.id, sealedAt: 3, body },
    [{ ...delivery, delivery: 'one', destination: `${stored} => ${stored}` }],
  );
  await store.close();
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test.each([
  ['show', SESSION],
  ['show', SESSION, '--json'],
  ['report', SESSION],
  ['sessions'],
  ['sessions', '--json'],
  ['deliveries'],
  ['deliveries', '--json'],
])('lastword %s %s %s prints nothing that a terminal would obey', async (...given) => {
  const { code, out, err } = await run(...given.filter((each) => each !== undefined));
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(obeyed.exec(out)).toBeNull();
  expect(out).toContain('Grüße 你好');
});

test('and what was escaped is the same value', async () => {
  const { out } = await run('report', SESSION);
  expect(JSON.parse(out)).toEqual(JSON.parse(body));
});

test('report --json is the bytes that were sealed, whatever is in them', async () => {
  expect((await run('report', SESSION, '--json')).out).toBe(`${body}\n`);
});

test.each([
  '../AJ_hostile', '../../etc/passwd', '/etc/passwd', 'AJ_hostile/../AJ_hostile', '.', '..', 'a\u0000b', 'C:\\x', '%2e%2e%2f',
  '~root', '$(id)', '`id`', "' OR 1=1 --", hostileText, '\u009B2J\u202Eelif\u2066', 'x'.repeat(100_000), '__proto__', 'rep_../x', '--', ' ',
])('%j is no session, and no path', async (id) => {
  for (const command of ['show', 'report', 'redeliver']) {
    const { code, out, err } = await run(command, '--', id);
    expect([2, 3], command).toContain(code);
    expect(out).toBe('');
    expect(err.length).toBeLessThan(1200);
    expect(obeyed.exec(err)).toBeNull();
  }
}); // prettier-ignore
