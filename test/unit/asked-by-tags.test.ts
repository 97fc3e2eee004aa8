/** Adapters ask the machine by its tags: a state that is renamed or moved would else change what a caller gets, unseen. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const byName = /\.(leaves|matches)\(|['"`](live|ending|exiting|startupFailed|runtimeFailed|reporting)\./;

test('no adapter asks for a state by its name', () => {
  const files = ['src/livekit', 'src/job', 'src/keeper'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `${folder}/${name}`),
  );
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((file) => byName.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

test.each(["run.leaves().includes('live.greeting')", "snapshot.matches('waiting')", "state === 'exiting.hangingUp'"])(
  '%s would be found',
  (planted) => expect(byName.test(planted)).toBe(true),
);
