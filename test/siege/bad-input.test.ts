/** What is wrong around a keeper at its start: one line with what was expected, what came and what to do, and its code. */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { describe, expect, test } from 'vitest';
import { readSecret } from '../../src/link/secret.ts';
import { until } from '../e2e/harness/index.ts';
import { Siege, type KeeperOptions } from './harness/siege.ts';

const asRoot = process.getuid?.() === 0 && process.platform === 'linux';
const CONFIGURATION = 78;
const NOBODY = 65_534;

/** Another LASTWORD_DIR, for the keeper and for its stand-ins. */
function moveTo({ scenario }: Siege, directory: string): void {
  scenario.directory = directory;
  writeFileSync(join(scenario.scratch, 'scenario.json'), JSON.stringify(scenario));
}

/** What a keeper is started with, to see a folder of its own as on a disk that is mounted read-only. */
const readOnly = (folder: string): string[] => {
  const mount = `mount --bind '${folder}' '${folder}' && mount -o remount,bind,ro '${folder}' && exec "$@"`;
  return ['unshare', '--mount', 'sh', '-c', mount, 'sh'];
};

type Row = {
  what: string;
  /** Makes it so. @returns how the keeper is started */
  lay: (directory: string) => KeeperOptions | void;
  /** Another LASTWORD_DIR than the siege's own. */
  directory?: (scratch: string) => string;
  expected: RegExp;
  needsRoot?: boolean;
};
const rows: Row[] = [
  {
    what: 'a directory of another user',
    lay: (directory) => {
      mkdirSync(directory, { mode: 0o700 });
      chownSync(directory, NOBODY, NOBODY);
    },
    expected: /LASTWORD_DIR: expected a directory of user 0, got .*, which belongs to user 65534; chown it/,
    needsRoot: true,
  },
  {
    what: 'a directory that is open to others and has other files in it',
    lay: (directory) => {
      mkdirSync(directory);
      chmodSync(directory, 0o755);
      writeFileSync(join(directory, 'letter.txt'), '');
    },
    expected:
      /LASTWORD_DIR: expected a directory that is open to its owner alone, got .*, which has mode 0755 and other files in it; name/,
  },
  {
    what: 'a directory below one where everybody may write',
    lay: (directory) => {
      mkdirSync(dirname(directory));
      chmodSync(dirname(directory), 0o777);
    },
    directory: (scratch) => join(scratch, 'shared', 'lastword'),
    expected:
      /LASTWORD_DIR: expected a directory that nobody else can rename, got .*, below .*shared, .*0777\); chmod o-w/,
  },
  {
    what: 'a file',
    lay: (directory) => writeFileSync(directory, ''),
    expected: /LASTWORD_DIR: expected a directory that can be written, got .*lastword, which is a file; let this user/,
  },
  {
    what: 'a path through a file',
    lay: (directory) => writeFileSync(dirname(directory), ''),
    directory: (scratch) => join(scratch, 'file', 'lastword'),
    expected: /LASTWORD_DIR: expected a directory that can be written, got .*, of which a part is a file; let/,
  },
  {
    what: 'a path in /proc',
    lay: () => undefined,
    directory: () => '/proc/x',
    expected: /LASTWORD_DIR: expected a directory that can be written, got \/proc\/x, which cannot be made there; let/,
  },
  {
    what: 'a name that is too long',
    lay: () => undefined,
    directory: (scratch) => join(scratch, 'x'.repeat(300)),
    expected: /LASTWORD_DIR: expected a directory that can be written, got .*, which is too long for a path; let/,
  },
  {
    what: 'a mount that is read-only',
    lay: (directory) => {
      mkdirSync(directory, { mode: 0o700 });
      return {
        wrapped: ['unshare', '--mount', 'sh', '-c', `mount -t tmpfs -o ro none '${directory}' && exec "$@"`, 'sh'],
      };
    },
    expected: /LASTWORD_DIR: expected a directory that can be written, got .*, whose file system is read-only; let/,
    needsRoot: true,
  },
  {
    what: 'a secret that is a link',
    lay: (directory) => {
      mkdirSync(directory, { mode: 0o700 });
      symlinkSync('/etc/hostname', join(directory, 'secret'));
    },
    expected: /secret: expected a file, got a link; remove it and start again/,
  },
  {
    what: 'a secret that is none',
    lay: (directory) => {
      mkdirSync(directory, { mode: 0o700 });
      writeFileSync(join(directory, 'secret'), 'wrong', { mode: 0o600 });
    },
    expected: /secret: expected 64 hexadecimal digits, got 5 characters that are something else; remove it/,
  },
  {
    what: 'a database that is damaged',
    lay: (directory) => {
      mkdirSync(directory, { mode: 0o700 });
      writeFileSync(join(directory, 'lastword.db'), randomBytes(20_000));
    },
    expected: /lastword\.db.*; /,
  },
  {
    what: 'a folder in the place of the database',
    lay: (directory) => mkdirSync(join(directory, 'lastword.db'), { recursive: true, mode: 0o700 }),
    expected: /lastword\.db.*; /,
  },
  {
    what: 'a database that a newer version has written',
    lay: (directory) => {
      mkdirSync(directory, { mode: 0o700 });
      const database = new DatabaseSync(join(directory, 'lastword.db'));
      database.exec('pragma user_version = 99');
      database.close();
    },
    expected: /expected a database of version \d+ or older, got 99: a newer Lastword has written it; update this one/,
  },
  {
    what: 'a database that is read-only',
    lay: (directory) => {
      const store = join(dirname(directory), 'store');
      mkdirSync(directory, { mode: 0o700 });
      mkdirSync(store, { mode: 0o700 });
      new DatabaseSync(join(store, 'calls.db')).close();
      return {
        env: { LASTWORD_STORE: `sqlite:${join(store, 'calls.db')}` },
        wrapped: readOnly(store),
      };
    },
    expected: /calls\.db.*read-only.*; let this user write there, or set/,
    needsRoot: true,
  },
];

describe('a keeper does not start, and says why in one line with exit code 78, on', () => {
  for (const { what, lay, directory, expected, needsRoot = false } of rows) {
    test.skipIf(needsRoot && !asRoot)(what, async () => {
      await using siege = await Siege.lay();
      if (directory) moveTo(siege, directory(siege.scenario.scratch));
      const options = lay(siege.directory) ?? {};
      const keeper = siege.start(options);
      expect(await keeper.ended, siege.errors).toBe(CONFIGURATION);
      await until('a line', () => siege.errors.includes('\n'), 5_000);
      expect(siege.errors.trim().split('\n')).toHaveLength(1);
      expect(siege.errors).toMatch(expected);
    });
  }
});

describe('a keeper starts all the same', () => {
  test('on a directory of ours that was open to others: it is closed, and said', async () => {
    await using siege = await Siege.lay();
    mkdirSync(siege.directory);
    chmodSync(siege.directory, 0o775);
    await siege.keeper();
    await siege.logged('was open to others (mode 0775); it is closed now');
    expect(statSync(siege.directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(siege.directory, 'secret')).mode & 0o777).toBe(0o600);
    expect(await (await siege.call('AJ_1')).close()).toEqual({ isSealed: true });
  });

  test.skipIf(!asRoot)('on a volume that its platform made for a group, as Kubernetes does: it is said', async () => {
    await using siege = await Siege.lay();
    mkdirSync(siege.directory, { mode: 0o700 });
    const mount = `mount -t tmpfs -o mode=2770,uid=${NOBODY},gid=0 none '${siege.directory}' && exec "$@"`;
    await siege.keeper({ wrapped: ['unshare', '--mount', 'sh', '-c', mount, 'sh'] });
    await siege.logged('is a volume of user 65534 with mode 02770');
    expect(await (await siege.call('AJ_1')).close()).toEqual({ isSealed: true });
  });

  test('with a secret that its volume has opened to a group: it is closed again, and stays the same', async () => {
    await using siege = await Siege.lay();
    const first = await siege.keeper();
    const secret = readSecret(siege.directory);
    first.process.kill('SIGTERM');
    await first.ended;
    chmodSync(join(siege.directory, 'secret'), 0o660);
    await siege.keeper();
    expect(statSync(join(siege.directory, 'secret')).mode & 0o777).toBe(0o600);
    expect(readSecret(siege.directory)).toBe(secret);
  });

  test('on a path that is longer than that of a socket may be', async () => {
    await using siege = await Siege.lay();
    moveTo(siege, join(siege.scenario.scratch, 'deep/'.repeat(30)));
    await siege.keeper();
    expect(existsSync(join(siege.directory, 'keeper.sock'))).toBe(false);
    expect(await (await siege.call('AJ_1')).close()).toEqual({ isSealed: true });
  });

  test('with a clock that is 30 days ahead: running calls go on, nothing is called dead, nothing is given up', async () => {
    await using siege = await Siege.lay();
    const first = await siege.keeper();
    const call = await siege.call('AJ_running');
    expect(await siege.offer('AJ_waiting', { isStarted: false })).toBe(true);
    first.process.kill('SIGKILL');
    await first.ended;
    const from = siege.lines.length;
    const ahead = 'const now = Date.now; Date.now = () => now() + 30 * 86_400_000;';
    await siege.keeper({ nodeFlags: ['--import', `data:text/javascript,${encodeURIComponent(ahead)}`] });
    await siege.logged('following the job', { session: 'AJ_running', from });
    expect(await call.close()).toEqual({ isSealed: true });
    await siege.logged('report delivered', { session: 'AJ_running', from });
    expect(siege.lines.slice(from).filter(({ what }) => what !== undefined)).toEqual([]);
    expect(siege.livekit.rooms.get('room-AJ_waiting')).toHaveLength(2);
  });
});
