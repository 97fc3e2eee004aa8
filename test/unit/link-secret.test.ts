import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors/config-error.ts';
import { jobToken, mendSecret, openSecret, secretPath, takeWorkerToken, tokenOf } from '../../src/link/secret.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lastword-secret-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const modeOf = async (path: string) => (await stat(path)).mode & 0o777;

describe('the secret of a directory', () => {
  test('is made once, is readable by its owner alone, and outlives the keeper that made it', async () => {
    const made = openSecret(folder);
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(openSecret(folder)).toBe(made);
    expect(await modeOf(secretPath(folder))).toBe(0o600);
    expect(await readdir(folder)).toEqual(['secret']);
  });
  test('differs between two directories', async () => {
    const other = await mkdtemp(join(tmpdir(), 'lastword-secret-'));
    expect(openSecret(folder)).not.toBe(openSecret(other));
    await rm(other, { recursive: true });
  });
  test('that a volume opened to its group is closed again', async () => {
    const made = openSecret(folder);
    await chmod(secretPath(folder), 0o660);
    expect(openSecret(folder)).toBe(made);
    expect(await modeOf(secretPath(folder))).toBe(0o600);
  });
  test('is not read through a link', async () => {
    await writeFile(join(folder, 'planted'), 'a'.repeat(64));
    await symlink(join(folder, 'planted'), secretPath(folder));
    expect(() => openSecret(folder)).toThrow(ConfigError);
    expect(() => openSecret(folder)).toThrow(/expected a file, got a link; remove it/);
  });
  test('that is a pipe is refused, and nobody waits for it', async () => {
    await once(spawn('mkfifo', [secretPath(folder)]), 'exit');
    expect(() => openSecret(folder)).toThrow(/expected a file, got something else; remove it/);
  });
  test.each(['', 'a'.repeat(63), 'z'.repeat(64), `${'a'.repeat(64)}\n`])(
    'that is %j is refused and stays as it is',
    async (text) => {
      await writeFile(secretPath(folder), text, { mode: 0o600 });
      expect(() => openSecret(folder)).toThrow(/expected 64 hexadecimal digits, got .*; remove it/);
      expect(await readFile(secretPath(folder), 'utf8')).toBe(text);
    },
  );
  test('comes back when it was removed, replaced by another one, or by a link', async () => {
    const made = openSecret(folder);
    expect(mendSecret(folder, made)).toBe(false);
    await unlink(secretPath(folder));
    expect(mendSecret(folder, made)).toBe(true);
    await writeFile(secretPath(folder), 'b'.repeat(64));
    expect(mendSecret(folder, made)).toBe(true);
    await unlink(secretPath(folder));
    await writeFile(join(folder, 'planted'), 'c'.repeat(64));
    await symlink(join(folder, 'planted'), secretPath(folder));
    expect(mendSecret(folder, made)).toBe(true);
    expect(openSecret(folder)).toBe(made);
    expect(await readFile(join(folder, 'planted'), 'utf8')).toBe('c'.repeat(64));
  });
});

describe('a token', () => {
  test('is another one for each role and each session', () => {
    const secret = openSecret(folder);
    const all = [tokenOf(secret, 'worker'), tokenOf(secret, 'job', 'AJ_1'), tokenOf(secret, 'job', 'AJ_2')];
    expect(new Set(all).size).toBe(3);
    expect(jobToken(folder, sessionIdOf('AJ_1'))).toBe(tokenOf(secret, 'job', 'AJ_1'));
  });
  test('is none where the secret cannot be read, and a job does not fail for it', () => {
    expect(jobToken(join(folder, 'nowhere'), sessionIdOf('AJ_1'))).toBeUndefined();
  });
  test('of a worker is taken out of the environment that its jobs inherit', () => {
    const environment = { LASTWORD_TOKEN: 'token', OTHER: 'stays' };
    expect(takeWorkerToken(environment)).toBe('token');
    expect(environment).toEqual({ OTHER: 'stays' });
  });
});
