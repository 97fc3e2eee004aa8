import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commands, help, helpFor, runCommandLine } from '../../src/cli/command-line.ts';
import { openStore } from '../../src/store/open.ts';
import { openJournal } from '../../src/journal/write.ts';
import { type SessionId, firstJob, sessionIdOf } from '../../src/journal/ids.ts';
import { defaultPolicy } from '../../machines/index.ts';

const SESSION = sessionIdOf('AJ_8sRJzQaTVhRC');
const RUNNING = sessionIdOf('AJ_running');
const body = JSON.stringify({ session: SESSION });
let folder: string;
let directory: string;

const run = async (given: string[], env: Record<string, string> = {}) => {
  const said = { out: '', err: '' };
  const code = await runCommandLine(given, {
    env: { LASTWORD_DIR: directory, ...env },
    isTTY: false,
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  });
  return { code, ...said };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lastword-cli-'));
  directory = join(folder, 'store');
  const store = await openStore(`sqlite:${join(directory, 'lastword.db')}`);
  const row = {
    ...firstJob(SESSION),
    room: 'lobby',
    agentName: '',
    acceptedAt: 1_000,
    state: 'sealed' as const,
  };
  const delivery = { session: SESSION, report: `rep_${SESSION}`, kind: 'report' as const, body, nextAt: 2_000 };
  await store.seal(
    { ...row, endedAt: 61_000, by: 'caller', reason: 'caller_hung_up' },
    { session: SESSION, report: `rep_${SESSION}`, sealedAt: 2_000, body },
    [
      { ...delivery, delivery: 'one', destination: 'https://example.com/hook' },
      { ...delivery, delivery: 'two', destination: 'file:/reports' },
    ],
  );
  await store.close();
  const facts = { ...firstJob(RUNNING), agentName: '', room: { name: 'lobby', sid: 'RM_1' }, metadata: '' };
  const hangUp = { normal: 'delete-room', failure: 'delete-room', transfer: 'leave' } as const;
  const journal = await openJournal({
    directory,
    session: RUNNING,
    file: 'keeper',
    first: { kind: 'session.accepted', data: { ...facts, worker: 'w', hangUp, policy: defaultPolicy } },
  });
  await journal.close();
  await writeFile(join(folder, 'policy.json'), '{"maxDurationMs": 60000}');
  await writeFile(join(folder, 'wrong.json'), '{"idle": 5}');
  await writeFile(join(folder, 'broken.json'), '{');
  await writeFile(join(folder, 'agent.ts'), '');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('wrong input', () => {
  it.each<[string[], number, RegExp, Record<string, string>?]>([
    [[], 2, /expected a command, got nothing/],
    [['sesions'], 2, /got "sesions"; did you mean sessions\?/],
    [['frobnicate'], 2, /got "frobnicate"; lastword --help lists them/],
    [['toString'], 2, /got "toString"/],
    [['sessions', 'all'], 2, /sessions: expected no argument, got "all"/],
    [['sessions', '--bogus'], 2, /sessions: .*--bogus.*lastword sessions --help/],
    [['sessions', '--limit', '0'], 2, /--limit: expected a whole number from 1 to 10000, got "0"/],
    [['sessions', '--limit'], 2, /sessions: .*--limit/],
    [['sessions', '--state', 'opne'], 2, /--state: expected open, recovering, sealed, got "opne"; did you mean open\?/],
    [['show'], 2, /show: expected ID, got nothing; write lastword show ID/],
    [['show', 'a', 'b'], 2, /show: expected one ID, got 2/],
    [['show', 'AJ_8sRJzQaTVhCR'], 3, /did you mean AJ_8sRJzQaTVhRC/],
    [['show', '../../etc'], 3, /got "\.\.\/\.\.\/etc"/],
    [['show', SESSION], 3, /its journal is gone, its report is not; lastword report/],
    [['report', 'AJ_nobody-at-all'], 3, /`lastword sessions` lists those there are/],
    [['report', RUNNING], 3, /expected a sealed report, got none yet/],
    [['deliveries', '--state', 'deaf'], 2, /did you mean dead\?/],
    [['redeliver'], 2, /expected at least one ID, got nothing/],
    [['redeliver', SESSION, 'AJ_nobody-at-all'], 3, /got "AJ_nobody-at-all"/],
    [['machine', 'sesion'], 2, /did you mean session\?/],
    [['machine', 'session', 'recovery'], 2, /expected one of session, recovery, supervision, delivery, got 2 names/],
    [['machine', '--format', 'svg'], 2, /--format: expected mermaid, dot, table, json, got "svg"/],
    [['machine', 'delivery', '--format', 'dot'], 2, /expected table or json, got "dot"/],
    [['machine', '--policy', 'FOLDER/none.json'], 78, /--policy: expected a file that can be read/],
    [['machine', '--policy', 'FOLDER/broken.json'], 78, /--policy: expected a file of JSON/],
    [['machine', '--policy', 'FOLDER/wrong.json'], 78, /idle: expected a field of the policy, perhaps idleMs/],
    [['start'], 2, /start: expected FILE, got nothing/],
    [['start', '--log-level', 'debug'], 2, /expected the agent file first, got "--log-level"/],
    [['start', 'FOLDER/none.js'], 78, /FILE: expected an agent file, got .*none\.js, which does not exist/],
    [['start', 'FOLDER/none.js', '--metrics-port', 'x'], 2, /--metrics-port: expected a port from 0 to 65535, got "x"/],
    [['inspect', 'AJ_1'], 2, /inspect: expected no argument, got "AJ_1"/],
    [['inspect', '--port', '70000'], 2, /--port: expected a port from 0 to 65535, got "70000"/],
    [['inspect', '--port', '-1'], 2, /inspect: .*--port/],
    [['inspect', '--host', 'a b'], 2, /--host: expected an address or a name of this machine, got "a b"/],
    [['inspect', '--host', '192.0.2.1', '--port', '0'], 78, /expected a place to listen, got 192\.0\.2\.1 0/],
    [['sessions'], 78, /LASTWORD_STORE: expected sqlite:PATH/, { LASTWORD_STORE: 'mysql://x' }],
    [['sessions'], 78, /Postgres is not built yet/, { LASTWORD_STORE: 'postgres://user:hidden@host/x' }],
    [['sessions'], 78, /BAD_ADDRESS|UNWRITABLE|FAILED/, { LASTWORD_STORE: 'sqlite:' }],
  ])('%j is refused with %i and a line that says what to do', async (given, code, message, env = {}) => {
    const answer = await run(
      given.map((word) => word.replace('FOLDER', folder)),
      env,
    );
    expect(answer).toMatchObject({ code, out: '' });
    expect(answer.err).toMatch(/^lastword: /);
    expect(answer.err).toMatch(message);
    expect(answer.err).not.toMatch(/\n {4}at /); // a stack
    expect(answer.err).not.toContain('hidden');
  });

  it('a LASTWORD_DIR below a file is named, with what to do', async () => {
    await writeFile(join(folder, 'agent.js'), '');
    const answer = await run(['start', join(folder, 'agent.js')], { LASTWORD_DIR: join(folder, 'policy.json', 'x') });
    expect(answer).toMatchObject({ code: 78 });
    expect(answer.err).toMatch(/LASTWORD_DIR: expected a directory that can be written, got .*policy\.json/);
  });
});

describe('reading what is on disk while no keeper runs', () => {
  it('sessions lists what is sealed and what only a journal knows', async () => {
    const { out, code } = await run(['sessions', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject([
      { session: RUNNING, state: 'open' },
      { session: SESSION, state: 'sealed' },
    ]);
    expect((await run(['sessions'])).out).toMatch(/AJ_8sRJzQaTVhRC {2}sealed .*caller_hung_up \(caller\)/);
    expect((await run(['sessions', '--state', 'sealed', '--json'])).out).not.toContain(RUNNING);
  });

  it('a look into a directory that does not exist makes none', async () => {
    const nowhere = join(folder, 'nowhere');
    expect(await run(['sessions'], { LASTWORD_DIR: nowhere })).toMatchObject({
      code: 0,
      out: `no sessions in ${nowhere}\n`,
    });
    expect(await run(['deliveries', '--json'], { LASTWORD_DIR: nowhere })).toMatchObject({ code: 0, out: '[]\n' });
    expect(await run(['show', 'x'], { LASTWORD_DIR: nowhere })).toMatchObject({ code: 3 });
    expect(await readdir(folder)).not.toContain('nowhere');
  });

  it('show tells what a running session has so far', async () => {
    const { out, code } = await run(['show', RUNNING]);
    expect(code).toBe(0);
    expect(out).toMatch(/the job is taken, room "lobby"/);
    expect(out).toMatch(/not over yet/);
    expect(JSON.parse((await run(['show', RUNNING, '--json'])).out)).toMatchObject({
      session: RUNNING,
      timeline: [{ what: 'keeper' }],
    });
  });

  it('report --json is the sealed bytes, by the id of the session or of the report', async () => {
    expect((await run(['report', SESSION, '--json'])).out).toBe(`${body}\n`);
    expect((await run(['report', `rep_${SESSION}`, '--json'])).out).toBe(`${body}\n`);
    expect((await run(['report', SESSION])).out).toBe(`${JSON.stringify(JSON.parse(body), null, 2)}\n`);
  });

  it('deliveries shows no bodies', async () => {
    const { out } = await run(['deliveries', '--json', '--state', 'due']);
    expect((JSON.parse(out) as object[]).map((each) => Object.keys(each).includes('body'))).toEqual([false, false]);
    expect((await run(['deliveries', '--session', 'x'])).out).toMatch(/no such deliveries/);
  });
});

describe('redeliver', () => {
  const count = async () => (JSON.parse((await run(['deliveries', '--json'])).out) as object[]).length;

  it('queues nothing when one of the ids is unknown', async () => {
    const before = await count();
    expect((await run(['redeliver', SESSION, RUNNING])).code).toBe(3);
    expect(await count()).toBe(before);
  });

  it('queues the same bytes for every destination once more, under the same webhook-id', async () => {
    const before = await count();
    expect(await run(['redeliver', `rep_${SESSION}`, SESSION])).toMatchObject({ code: 0 });
    expect(await count()).toBe(before + 2);
    const store = await openStore(`sqlite:${join(directory, 'lastword.db')}`);
    const rows = await store.deliveries({ limit: 2 });
    const bodies = await Promise.all(rows.map(({ delivery }) => store.body(delivery)));
    await store.close();
    expect(bodies).toEqual([body, body]);
    expect(new Set(rows.map(({ destination }) => destination))).toEqual(
      new Set(['file:/reports', 'https://example.com/hook']),
    );
    for (const row of rows) expect(row).toMatchObject({ report: `rep_${SESSION}`, state: 'due' });
  });

  it('queues for each destination once, however often it was asked', async () => {
    const before = await count();
    await run(['redeliver', SESSION]);
    expect(await count()).toBe(before + 2);
  });
});

describe('machine', () => {
  it('prints the numbers of a policy, startBound with a cold process and with a warm one', async () => {
    const numbersOf = async (...more: string[]) => {
      const { out } = await run(['machine', '--json', ...more]);
      return (JSON.parse(out) as { numbers: Record<string, number> }).numbers;
    };
    const defaults = await numbersOf();
    const numbers = await numbersOf('--policy', join(folder, 'policy.json'));
    expect(Object.keys(numbers)).toEqual([
      'bound',
      'releaseBound',
      'startBound',
      'warmStartBound',
      'silenceBound',
      'detection',
      'starvedDetection',
      'lostDetection',
    ]);
    expect(numbers['bound']).toBeLessThan(defaults['bound'] ?? 0);
    expect((await run(['machine'])).out).toMatch(/silenceBound +10,000 ms/);
  });

  it.each([
    [['machine', 'session', '--format', 'mermaid'], /^stateDiagram-v2/],
    [['machine', 'recovery', '--format', 'dot'], /^digraph "recovery"/],
    [['machine', 'recovery'], /^\| state \|/],
    [['machine', 'delivery'], /# Delivery/],
  ])('%j', async (given, beginning) => {
    const { out, code } = await run(given);
    expect(code).toBe(0);
    expect(out).toMatch(beginning);
  });
});

describe('help', () => {
  it('names every command, and every command has one of its own', async () => {
    expect(await run(['--help'])).toEqual({ code: 0, out: `${help()}\n`, err: '' });
    for (const command of commands) {
      expect(help()).toContain(`  ${command.name} `);
      expect(await run([command.name, '--help'])).toEqual({ code: 0, out: `${helpFor(command)}\n`, err: '' });
    }
  });

  it('says which version this is', async () => {
    expect((await run(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('purge', () => {
  const store = () => openStore(`sqlite:${join(directory, 'lastword.db')}`);
  const seal = async (session: SessionId, deliveries = 0) => {
    const open = await store();
    const row = { ...firstJob(session), room: 'lobby', agentName: '', acceptedAt: 1_000, state: 'sealed' as const };
    const sealed = JSON.stringify({ session, participants: [{ identity: `+4930${session}` }] });
    const to = {
      session,
      report: `rep_${session}`,
      kind: 'report' as const,
      body: sealed,
      nextAt: Number.MAX_SAFE_INTEGER,
    };
    const list = Array.from({ length: deliveries }, (_, at) => ({
      ...to,
      delivery: `${session}-${at}`,
      destination: 'x',
    }));
    const sealedAt = new Date(2026, 1, 3, 12).getTime();
    await open.seal({ ...row, bytes: 1_500 }, { session, report: `rep_${session}`, sealedAt, body: sealed }, list);
    await open.close();
  };
  const isKept = async (session: string) => (await run(['report', session])).code === 0;

  it('forgets what it is told by id, says what went, and notes it', async () => {
    await seal(sessionIdOf('AJ_p1'));
    await seal(sessionIdOf('AJ_p2'));
    const { code, out } = await run(['purge', 'rep_AJ_p1']);
    expect([code, out]).toEqual([0, expect.stringContaining('forgotten: 1 sessions, 0 deliveries')]);
    expect([await isKept('AJ_p1'), await isKept('AJ_p2')]).toEqual([false, true]);
    const noted = await readFile(join(directory, 'purged.jsonl'), 'utf8');
    expect(JSON.parse(noted.trim().split('\n').at(-1) ?? '')).toMatchObject({ why: 'asked for', named: ['AJ_p1'] });
  });

  it('forgets by participant and by day, and shows first what would go', async () => {
    await seal(sessionIdOf('AJ_p3'));
    const dry = await run(['purge', '--participant', '+4930AJ_p3', '--dry-run']);
    expect([dry.code, dry.out]).toEqual([0, expect.stringContaining('nothing was changed (--dry-run)')]);
    expect(dry.out).toContain('AJ_p3');
    expect(await isKept('AJ_p3')).toBe(true);
    expect((await run(['purge', '--participant', '+4930AJ_p3', '--before', '2026-02-03'])).out).toContain(
      'no such sealed',
    );
    expect(
      (await run(['purge', '--participant', '+4930AJ_p3', '--from', '2026-02-03', '--before', '2026-02-04'])).code,
    ).toBe(0);
    expect(await isKept('AJ_p3')).toBe(false);
  });

  it('leaves what is still owed, unless it is forced', async () => {
    await seal(sessionIdOf('AJ_p4'), 2);
    const { code, out } = await run(['purge', 'AJ_p4']);
    expect([code, out]).toEqual([1, expect.stringContaining('2 still owed')]);
    expect(await isKept('AJ_p4')).toBe(true);
    expect(await run(['purge', 'AJ_p4', '--force'])).toMatchObject({ code: 0 });
    expect(await isKept('AJ_p4')).toBe(false);
  });

  it('leaves a session whose caller may still be on the line: somebody has to know whom to hang up on', async () => {
    await seal(sessionIdOf('AJ_p6'));
    const open = await store();
    const room = { server: 'wss://x.example', room: 'lobby', roomSid: 'RM_1', strategy: 'delete-room' as const };
    await open.owe({ session: sessionIdOf('AJ_p6'), ...room, since: 1_000, nextAt: 2_000 });
    await open.close();
    const { code, out } = await run(['purge', 'AJ_p6']);
    expect([code, out]).toEqual([1, expect.stringContaining('1 still owed: deliveries, or a hang-up')]);
    expect(await isKept('AJ_p6')).toBe(true);
  });

  it('forgets more than fit into one transaction', async () => {
    const open = await store();
    const sealedAt = new Date(2025, 1, 3, 12).getTime();
    const ids = Array.from({ length: 250 }, (_, at) => sessionIdOf(`AJ_many_${at}`));
    for (const session of ids) {
      const row = { ...firstJob(session), room: 'lobby', agentName: '', acceptedAt: 1_000, state: 'sealed' as const };
      await open.seal(row, { session, report: `rep_${session}`, sealedAt, body: '{}' }, []);
    }
    await open.close();
    const { code, out } = await run(['purge', '--from', '2025-01-01', '--before', '2025-12-31']);
    expect([code, out]).toEqual([0, expect.stringContaining('forgotten: 250 sessions')]);
  });

  it("removes the file of a file destination, and no file that is somebody else's", async () => {
    const reports = join(folder, 'reports');
    await mkdir(reports, { recursive: true });
    await seal(sessionIdOf('AJ_p5'));
    const open = await store();
    const ask = { names: [`file:${reports}`], each: 9, owner: 'test', now: 9, limit: 9, leaseMs: 9 };
    const body = '{}';
    const row = {
      session: sessionIdOf('AJ_p5'),
      report: 'rep_AJ_p5',
      destination: `file:${reports}`,
      kind: 'report' as const,
      body,
      nextAt: 0,
    };
    await open.enqueue([{ ...row, delivery: 'AJ_p5-file' }]);
    for (const { delivery, lease } of await open.claim(ask))
      await open.settle(delivery, lease, { kind: 'delivered', at: 9 });
    await open.close();
    const file = join(reports, 'AJ_p5.json');
    await writeFile(file, '{"session":"another"}');
    expect((await run(['purge', 'AJ_p5', '--dry-run', '--json'])).out).toContain('"files": []');
    await writeFile(file, '{"session":"AJ_p5"}');
    expect((await run(['purge', 'AJ_p5'])).out).toContain('1 report files');
    expect(existsSync(file)).toBe(false);
  });

  it('forgets nothing by accident', async () => {
    expect(await run(['purge'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected ids, or --participant') as string,
    });
    expect(await run(['purge', 'AJ_p2', '--before', '2026-01-01'])).toMatchObject({ code: 2 });
    expect(await run(['purge', '--before', '2026-02-30'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('a day such as') as string,
    });
    expect(await run(['purge', 'AJ_nobody'])).toMatchObject({ code: 3 });
    expect(await run(['purge', RUNNING])).toMatchObject({ code: 3 });
    expect(await isKept('AJ_p2')).toBe(true);
  });
});
