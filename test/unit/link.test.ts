import { chmod, mkdtemp, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectLink, type Link, type LinkOptions } from '../../src/link/client.ts';
import type { FromKeeper, JobHello, ToKeeper } from '../../src/link/messages.ts';
import { MAX_SOCKET_PATH_BYTES, socketPath } from '../../src/link/path.ts';
import { openAdmission } from '../../src/link/admission.ts';
import { openSecret, tokenOf } from '../../src/link/secret.ts';
import { LinkInUseError, listen, type LinkServer, type Peer } from '../../src/link/server.ts';
import { MAX_LINE, parseToKeeper, readLines } from '../../src/link/wire.ts';
import { firstJob, jobIdOf, sessionIdOf } from '../../src/journal/ids.ts';

const owner = { host: 'here', bootId: 'boot', pidNamespace: '1', pid: 4242, startTicks: '99' };
const hello: JobHello = { type: 'hello.job', ...firstJob(jobIdOf('AJ_1')), owner, identity: 'agent-1' };
const facts = { ...firstJob(jobIdOf('AJ_1')), agentName: 'ada', room: { name: 'room', sid: 'RM_1' }, metadata: '' };

/** A keeper that notes what it hears, and answers as it is told. */
type Heard = { peer: number; message: ToKeeper };
class FakeKeeper {
  readonly heard: Heard[] = [];
  readonly peers = new Map<number, Peer>();
  closed: number[] = [];
  answer: (message: ToKeeper) => FromKeeper | undefined = () => undefined;
  #changed: (() => void)[] = [];
  #server: LinkServer | undefined;

  async start(path: string): Promise<this> {
    this.#server = await listen({
      path,
      onPeer: (peer) => {
        this.peers.set(peer.id, peer);
        this.#notify();
        return {
          onMessage: (message) => {
            this.heard.push({ peer: peer.id, message });
            const answer = this.answer(message);
            if (answer) peer.send(answer);
            this.#notify();
          },
          onClose: () => {
            this.peers.delete(peer.id);
            this.closed.push(peer.id);
            this.#notify();
          },
        };
      },
    });
    return this;
  }
  /** Bounded by the test's own deadline. */
  async until(condition: (keeper: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }
  types(): string[] {
    return this.heard.map(({ message }) => message.type);
  }
  async stop(): Promise<void> {
    await this.#server?.close();
  }
  #notify() {
    for (const wake of this.#changed.splice(0)) wake();
  }
}

let folder: string;
let path: string;
const keepers: FakeKeeper[] = [];
const links: Link[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lastword-link-'));
  path = socketPath(folder);
});
afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await Promise.all(keepers.splice(0).map((keeper) => keeper.stop()));
  await rm(folder, { recursive: true, force: true });
});

const startKeeper = async () => {
  const keeper = new FakeKeeper();
  keepers.push(keeper);
  return await keeper.start(path);
};
const startLink = (options: Partial<LinkOptions> = {}) => {
  const received: FromKeeper[] = [];
  const link = connectLink({ path, hello: () => [hello], onMessage: (message) => received.push(message), ...options });
  links.push(link);
  return { link, received };
};
const raw = async () => {
  const socket = connect(path).resume(); // or it would never see the end of what it was told
  sockets.push(socket);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
};
/** All that comes until the other end closes. */
const said = async (socket: Socket) => {
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  await closed(socket);
  return text;
};
const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

describe('the path', () => {
  test('is the same for the same directory, and inside it', () => {
    expect(socketPath('/var/lib/lastword')).toBe('/var/lib/lastword/keeper.sock');
    expect(socketPath('/var/lib/../lib/lastword/')).toBe(socketPath('/var/lib/lastword'));
  });
  test('of a deep directory is short enough for a socket, and differs between two of them', () => {
    const deep = `/${'directory/'.repeat(20)}`;
    expect(Buffer.byteLength(socketPath(deep))).toBeLessThanOrEqual(MAX_SOCKET_PATH_BYTES);
    expect(socketPath(`${deep}a`)).not.toBe(socketPath(`${deep}b`));
    expect(socketPath(deep)).toBe(socketPath(deep));
  });
  test('of a deep directory is in XDG_RUNTIME_DIR when that is ours alone, and not when others may write there', async () => {
    const deep = join(folder, 'directory/'.repeat(20));
    const env = { XDG_RUNTIME_DIR: folder };
    expect(socketPath(deep, env)).toMatch(new RegExp(`^${folder}/lastword-[0-9a-f]{16}/keeper\\.sock$`));
    await chmod(folder, 0o777);
    expect(socketPath(deep, env)).toBe(socketPath(deep, {}));
    expect(socketPath(deep, { XDG_RUNTIME_DIR: 'relative' })).toBe(socketPath(deep, {}));
    expect(socketPath(deep, { XDG_RUNTIME_DIR: join(folder, 'nowhere') })).toBe(socketPath(deep, {}));
  });
  test('of a deep directory, where somebody has planted a link, is refused', async () => {
    path = socketPath(join(folder, 'directory/'.repeat(20)));
    await symlink(folder, dirname(path));
    await expect(startKeeper()).rejects.toThrow(/expected a directory of user \d+, .*, got a link; remove it/);
    await unlink(dirname(path));
  });
  test('of a deep directory can really be listened on', async () => {
    path = socketPath(join(folder, 'directory/'.repeat(20)));
    const keeper = await startKeeper();
    startLink();
    await keeper.until(({ heard }) => heard.length === 1);
    await rm(join(path, '..'), { recursive: true, force: true });
  });
});

describe('the server', () => {
  test('opens its socket to its owner alone', async () => {
    await startKeeper();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
  test('refuses to take the place of a keeper that lives, and leaves it alone', async () => {
    const first = await startKeeper();
    await expect(startKeeper()).rejects.toThrow(LinkInUseError);
    startLink();
    await first.until(({ heard }) => heard.length === 1);
  });
  test('replaces the socket file of a keeper that died', async () => {
    // What SIGKILL leaves: a bound socket whose file nobody removed.
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(`${path}.other`, resolve));
    const { rename } = await import('node:fs/promises');
    await rename(`${path}.other`, path);
    await new Promise((resolve) => dead.close(resolve));
    expect((await stat(path)).isSocket()).toBe(true);
    const keeper = await startKeeper();
    startLink();
    await keeper.until(({ heard }) => heard.length === 1);
  });
  test('replaces a file that is no socket', async () => {
    await writeFile(path, '');
    await startKeeper();
  });
  test.each([
    ['no JSON', 'good morning'],
    ['an unknown type', '{"type":"hello.stranger"}'],
    ['an id that climbs out of its folder', JSON.stringify({ ...hello, session: '../../etc' })],
    ['a wrong field', JSON.stringify({ ...hello, epoch: 'one' })],
    ['a policy that is none', JSON.stringify({ type: 'hello.worker', pid: 1, policy: 5 })],
  ])('disconnects a peer that sends %s, tells it why in one line, and disconnects no other', async (_what, line) => {
    const keeper = await startKeeper();
    const { link } = startLink();
    await keeper.until(({ heard }) => heard.length === 1);
    const bad = await raw();
    bad.write(`${line}\n`);
    expect(await said(bad)).toMatch(/^\{"type":"refused","why":"[^\n]*expected[^\n]*"\}\n$/i);
    link.send({ type: 'beat', session: sessionIdOf('AJ_1') });
    await keeper.until(({ heard }) => heard.length === 2);
    expect(keeper.types()).toEqual(['hello.job', 'beat']);
  });
  test('disconnects a peer whose line never ends', async () => {
    const keeper = await startKeeper();
    const bad = await raw();
    bad.on('error', () => undefined).resume(); // a socket with unread bytes never closes
    bad.write(`${JSON.stringify(hello)}\n`); // known by then, so it is not its silence that ends it
    await keeper.until(({ heard }) => heard.length === 1);
    bad.write('x'.repeat(MAX_LINE + 1));
    await closed(bad);
  });
  test('looks at each piece of a long line once, however small the pieces are', () => {
    const socket = new Socket();
    const lines: number[] = [];
    readLines(socket, { onLine: ({ length }) => lines.push(length), onProblem: () => lines.push(-1) });
    const cost = (size: number) => {
      const before = process.cpuUsage();
      for (let sent = 0; sent + size <= MAX_LINE; sent += size) socket.emit('data', 'x'.repeat(size));
      socket.emit('data', '\n');
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    };
    // Each piece looked at again with all before it: gigabytes for the small ones, seconds.
    expect(cost(128)).toBeLessThan(cost(65_536) + 300);
    expect(lines).toEqual([MAX_LINE, MAX_LINE]);
    socket.destroy();
  });
  test('puts together what arrives in pieces, also within a character', async () => {
    const keeper = await startKeeper();
    const socket = await raw();
    const bytes = Buffer.from(`${JSON.stringify({ ...hello, identity: 'agent-é-漢' })}\n`);
    for (const byte of bytes) socket.write(Uint8Array.of(byte));
    await keeper.until(({ heard }) => heard.length === 1);
    expect(keeper.heard[0]?.message).toEqual({ ...hello, identity: 'agent-é-漢' });
  });
  test('tells of a peer that is gone', async () => {
    const keeper = await startKeeper();
    const socket = await raw();
    await keeper.until(({ peers }) => peers.size === 1);
    socket.destroy();
    await keeper.until(({ closed }) => closed.length === 1);
  });
});

describe('the client', () => {
  test('says hello first, then what waited while no keeper was there, but no old beat', async () => {
    const { link } = startLink();
    link.send({ type: 'alert', session: sessionIdOf('AJ_1'), message: 'one', detail: '' });
    link.send({ type: 'beat', session: sessionIdOf('AJ_1') });
    link.send({ type: 'alert', session: sessionIdOf('AJ_1'), message: 'two', detail: '' });
    const keeper = await startKeeper();
    await keeper.until(({ heard }) => heard.length === 3);
    expect(keeper.heard.map(({ message }) => (message.type === 'alert' ? message.message : message.type))).toEqual([
      'hello.job',
      'one',
      'two',
    ]);
  });
  test('keeps the last 256 messages and no more', async () => {
    const { link } = startLink();
    for (let i = 0; i < 300; i++)
      link.send({ type: 'alert', session: sessionIdOf('AJ_1'), message: String(i), detail: '' });
    const keeper = await startKeeper();
    await keeper.until(({ heard }) => heard.length === 257);
    expect(keeper.heard[1]?.message).toMatchObject({ message: '44' });
    expect(keeper.heard.at(-1)?.message).toMatchObject({ message: '299' });
  });
  test('says hello again to the next keeper', async () => {
    const first = await startKeeper();
    const { link } = startLink();
    await first.until(({ heard }) => heard.length === 1);
    await first.stop();
    const second = await startKeeper();
    await second.until(({ heard }) => heard.length === 1);
    expect(second.types()).toEqual(['hello.job']);
    link.send({ type: 'beat', session: sessionIdOf('AJ_1') });
    await second.until(({ heard }) => heard.length === 2);
  });
  test('connects again when the keeper talks nonsense', async () => {
    const seen: Socket[] = [];
    let again: () => void = () => undefined;
    const twice = new Promise<void>((resolve) => (again = resolve));
    const liar = createServer((socket) => {
      seen.push(socket);
      socket.on('error', () => undefined);
      socket.write('{"type":"sealed"}\n');
      if (seen.length === 2) again();
    });
    await new Promise<void>((resolve) => liar.listen(path, resolve));
    startLink();
    await twice;
    for (const socket of seen) socket.destroy();
    await new Promise((resolve) => liar.close(resolve));
  });
  test('an offer with metadata of 10 MB is recorded, with what a line can hold of it, and the connection stays', async () => {
    const keeper = await startKeeper();
    keeper.answer = (message) =>
      message.type === 'job.offered' ? { type: 'job.recorded', request: message.request } : undefined;
    const { link } = startLink();
    // Line breaks and quotes are two characters in JSON, controls are six.
    const metadata = '\u0001"\n'.repeat(3_400_000);
    expect(await link.offer({ ...facts, metadata }, 5_000)).toBe(true);
    expect(keeper.closed).toEqual([]);
    const [offered] = keeper.heard.flatMap(({ message }) => (message.type === 'job.offered' ? [message.facts] : []));
    expect(offered?.room).toEqual(facts.room);
    expect(offered?.metadata).toMatch(/… \[truncated: \d+ of 10200000 characters\]$/);
  });
  test('gets its offer answered once the keeper has recorded it', async () => {
    const keeper = await startKeeper();
    keeper.answer = (message) =>
      message.type === 'job.offered' ? { type: 'job.recorded', request: message.request } : undefined;
    const { link } = startLink();
    expect(await link.offer(facts, 5_000)).toBe(true);
    expect(await link.offer({ ...facts, job: jobIdOf('AJ_2') }, 5_000)).toBe(true);
    expect(keeper.types()).not.toContain('job.withdrawn');
  });
  test('declines a job that no keeper answers for, and withdraws it', async () => {
    const keeper = await startKeeper();
    const { link } = startLink();
    expect(await link.offer(facts, 50)).toBe(false);
    await keeper.until(({ heard }) => heard.some(({ message }) => message.type === 'job.withdrawn'));
    expect(keeper.heard.at(-1)?.message).toMatchObject({ job: 'AJ_1' });
  });
  test('declines within the deadline when no keeper is there at all', async () => {
    const { link } = startLink();
    expect(await link.offer(facts, 50)).toBe(false);
  });
  test('repeats job.closed to each new keeper until one says sealed, and then never again', async () => {
    const closing: ToKeeper = { type: 'job.closed', session: sessionIdOf('AJ_1'), epoch: 1, lastSeq: 7 };
    const first = await startKeeper();
    const { link } = startLink();
    link.send(closing);
    const sealed = link.awaitSealed(sessionIdOf('AJ_1'), 20_000);
    await first.until(({ heard }) => heard.some(({ message }) => message.type === 'job.closed'));
    await first.stop();
    const second = new FakeKeeper();
    keepers.push(second);
    second.answer = (message) =>
      message.type === 'job.closed' ? { type: 'sealed', session: message.session, report: 'report-1' } : undefined;
    await second.start(path);
    expect(await sealed).toBe(true);
    expect(second.types()).toEqual(['hello.job', 'job.closed']);
    await second.stop();
    const third = await startKeeper();
    await third.until(({ heard }) => heard.length === 1);
    link.send({ type: 'alert', session: sessionIdOf('AJ_1'), message: 'after', detail: '' });
    await third.until(({ heard }) => heard.length === 2);
    expect(third.types()).toEqual(['hello.job', 'alert']);
    expect(await link.awaitSealed(sessionIdOf('AJ_1'), 1)).toBe(true);
  });
  test('stops waiting for sealed at the deadline', async () => {
    const { link } = startLink();
    expect(await link.awaitSealed(sessionIdOf('AJ_1'), 20)).toBe(false);
  });
  test('passes on what the keeper says, and survives a handler that throws', async () => {
    const keeper = await startKeeper();
    const received: string[] = [];
    let got: () => void = () => undefined;
    const both = new Promise<void>((resolve) => (got = resolve));
    startLink({
      onMessage: ({ type }) => {
        received.push(type);
        if (type === 'yield') got();
        throw new Error('planted');
      },
    });
    await keeper.until(({ heard }) => heard.length === 1);
    const [peer] = keeper.peers.values();
    peer?.send({ type: 'shutdown', graceMs: 25_000, reason: 'worker_shutdown' });
    peer?.send({ type: 'yield' });
    await both;
    expect(received).toEqual(['welcome', 'shutdown', 'yield']);
  });
  test('that is refused says why once, declines whoever waits, and is welcome when it may come', async () => {
    const secret = openSecret(folder);
    let token = 'wrong';
    const hellos: string[] = [];
    const server = await listen({
      path,
      onPeer: () => ({
        onMessage: () => undefined,
        onClose: () => undefined,
        onRefused: ({ type }) => hellos.push(type),
      }),
      admission: openAdmission(secret),
    });
    const errors: object[] = [];
    const quiet = () => undefined;
    const { link, received } = startLink({
      hello: () => [{ ...hello, token }],
      log: { debug: quiet, info: quiet, warn: quiet, error: (fields) => errors.push(fields) },
    });
    // Long after the refusal, and no answer is waited for.
    expect(await link.offer(facts, 60_000)).toBe(false);
    while (hellos.length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(errors).toEqual([{ why: expect.stringMatching(/^expected the token of the job AJ_1, got another one; /) }]);
    expect(link.isConnected).toBe(false);
    token = tokenOf(secret, 'job', 'AJ_1');
    while (!link.isConnected) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(new Set(received.map(({ type }) => type))).toEqual(new Set(['refused', 'welcome']));
    await server.close();
  });
  test('is lonely once for each time without a keeper, and not while one is there', async () => {
    let calls = 0;
    let wake: () => void = () => undefined;
    const next = () => new Promise<void>((resolve) => (wake = resolve));
    const call = () => {
      calls++;
      wake();
    };
    const lonely = next();
    startLink({ lonely: { afterMs: 30, call } });
    await lonely;
    const keeper = await startKeeper();
    await keeper.until(({ heard }) => heard.length === 1);
    expect(calls).toBe(1);
    const again = next();
    await keeper.stop();
    await again;
    expect(calls).toBe(2);
  });
  test('answers everybody at once when it is closed', async () => {
    const { link } = startLink();
    const answers = Promise.all([link.offer(facts, 60_000), link.awaitSealed(sessionIdOf('AJ_1'), 60_000)]);
    link.close();
    expect(await answers).toEqual([false, false]);
    link.send({ type: 'beat', session: sessionIdOf('AJ_1') });
    expect(await link.offer(facts, 60_000)).toBe(false);
  });
});

describe('a line', () => {
  test('keeps every field of a hello', () => {
    const parsed = parseToKeeper(JSON.stringify(hello));
    expect(parsed).toEqual({ ok: true, message: hello });
  });
  test('of the version before is read: its offer names no session, its hello no job', () => {
    const { session: _, epoch: __, ...offered } = facts;
    const offer = parseToKeeper(JSON.stringify({ type: 'job.offered', request: 1, facts: offered }));
    expect(offer).toEqual({ ok: true, message: { type: 'job.offered', request: 1, facts } });
    const { job: ___, ...greeting } = hello;
    expect(parseToKeeper(JSON.stringify(greeting))).toEqual({ ok: true, message: hello });
  });
  test('of a job that took a session over names session, epoch and job, and none is taken from another', () => {
    const second = { session: sessionIdOf('AJ_1'), epoch: 2, job: jobIdOf('AJ_2') };
    for (const message of [
      { ...hello, ...second },
      { type: 'job.offered', request: 1, facts: { ...facts, ...second } },
    ])
      expect(parseToKeeper(JSON.stringify(message))).toEqual({ ok: true, message });
  });
  test('that is refused is named by its place, never by its content', () => {
    const parsed = parseToKeeper(JSON.stringify({ ...hello, owner: { ...owner, pid: 'secret' } }));
    expect(parsed.ok).toBe(false);
    expect(JSON.stringify(parsed)).toContain('owner.pid');
    expect(JSON.stringify(parsed)).not.toContain('secret');
  });
});
