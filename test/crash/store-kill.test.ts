import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqlite } from '../../src/store/sqlite.ts';
import { newDelivery, sealedReport, sessionRow } from '../contract/store-rows.ts';
import { compile } from './compile.ts';
import { sessionIdOf } from '../../src/journal/ids.ts';

const program = 'test/crash/store-sealer.ts';
let compiled: Awaited<ReturnType<typeof compile>>;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lastword-seal-'));
  compiled = await compile(program);
});
afterAll(async () => {
  await compiled.clean();
  rmSync(directory, { recursive: true });
});

describe('a store whose writer is killed with -9 in the middle of a seal', () => {
  it('has every seal that was acknowledged, whole, and nothing of the one that was not', async () => {
    const path = join(directory, 'store.db');
    for (let round = 0; round < 4; round += 1) {
      const from = round * 100;
      const seals = round * 3;
      const child = spawn(process.execPath, [compiled.path(program), path, `${from}`, `${seals}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const deadline = setTimeout(() => child.kill('SIGTERM'), 20_000);
      let said = '';
      child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
      const [, signal] = (await once(child, 'close')) as [number | null, string | null];
      clearTimeout(deadline);
      expect(signal).toBe('SIGKILL');

      const acknowledged = said.split('\n').slice(0, -1);
      expect(acknowledged).toHaveLength(seals);
      const store = await openSqlite(path);
      for (const session of acknowledged.map(sessionIdOf)) {
        expect(await store.report(session)).toEqual(sealedReport(session));
        expect((await store.session(session))?.state).toBe('sealed');
        expect(await store.deliveries({ session, limit: 10 })).toHaveLength(2);
      }
      const fatal = sessionIdOf(`s${from + seals}`);
      expect(await store.report(fatal)).toBeUndefined();
      expect((await store.session(fatal))?.state).toBe('open');
      expect(await store.deliveries({ session: fatal, limit: 10 })).toEqual([]);
      // and whoever comes next can seal it
      expect(await store.seal(sessionRow(fatal), sealedReport(fatal), [newDelivery(`${fatal}-a`, fatal)])).toBe(true);
      await store.close();
    }
    const database = new DatabaseSync(path);
    expect(database.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' });
    database.close();
  });
});
