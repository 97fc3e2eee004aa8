import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Owner } from '../../src/journal/entry.ts';
import { isAlive, isGroupAlive, ownerOf, thisProcess } from '../../src/journal/owner.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const child = async (command: string, args: string[]): Promise<{ child: ChildProcess; owner: Owner }> => {
  const started = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(started);
  await once(started, 'spawn');
  return { child: started, owner: await ownerOf(started.pid ?? 0) };
};

describe('the owner of a journal', () => {
  it('is this process, and it lives', async () => {
    const owner = await thisProcess();
    expect(owner).toMatchObject({
      pid: process.pid,
      host: expect.stringMatching(/./),
      bootId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(owner.pidNamespace).toMatch(/^\d+$/);
    expect(owner.startTicks).toMatch(/^\d+$/);
    expect(await isAlive(owner)).toBe('alive');
  });

  it('is alive while its process runs and dead after kill -9', async () => {
    const { child: started, owner } = await child('sleep', ['60']);
    expect(await isAlive(owner)).toBe('alive');
    started.kill('SIGKILL');
    await once(started, 'exit');
    expect(await isAlive(owner)).toBe('dead');
  });

  it('is dead as a zombie, and so is a group of zombies', async () => {
    // The shell starts a child, in a group of its own, that ends at once and then becomes something that never waits for it.
    const { child: started } = await child('bash', ['-c', 'set -m; sleep 0.5 & echo $!; exec sleep 60']);
    const [bytes] = (await once(started.stdout!, 'data')) as [Buffer];
    const pid = Number(bytes.toString().trim());
    const owner = await ownerOf(pid);
    expect(await isGroupAlive(pid)).toBe(true);
    const deadline = Date.now() + 10_000;
    const isZombie = async () => / Z /.test((await readFile(`/proc/${pid}/stat`, 'utf8')).split(')').at(-1) ?? '');
    while (!(await isZombie())) if (Date.now() > deadline) throw new Error('it never became a zombie');
    expect(await isAlive(owner)).toBe('dead');
    expect(await isGroupAlive(pid)).toBe(false);
  });

  it('is no group when nobody has it', async () => {
    expect(await isGroupAlive(4_194_303)).toBe(false);
  });

  it.each<[string, Partial<Owner>, string]>([
    ['a pid that is somebody else’s now', { startTicks: '1' }, 'dead'],
    ['a pid that nobody has', { pid: 4_194_303 }, 'dead'],
    ['another boot', { bootId: '00000000-0000-0000-0000-000000000000' }, 'dead'],
    ['another pid namespace', { pidNamespace: '1' }, 'unknown'],
    ['another host', { host: 'elsewhere' }, 'unknown'],
    ['another host after another boot', { host: 'elsewhere', bootId: '0' }, 'unknown'],
    ['a pid that is none', { pid: -1 }, 'unknown'],
    ['a system that could not say which boot', { bootId: '' }, 'unknown'],
    ['a system that could not say, and the pid is free', { bootId: '', pid: 4_194_303 }, 'dead'],
  ])('%s', async (_, change, expected) => {
    expect(await isAlive({ ...(await thisProcess()), ...change })).toBe(expected);
  });
});
