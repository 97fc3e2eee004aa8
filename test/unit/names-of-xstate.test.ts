/** XState’s internal names stay where they are translated: a report, a log or an adapter that knows one breaks with it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const repository = join(import.meta.dirname, '../..');
/** Stately's format has names of XState's own for its messages: that file translates into them. */
const isHome = (file: string) => /^(machines\/analysis|src\/session)\/|^src\/inspector\/stately\.ts$/.test(file);
const internal = /xstate\.(init|stop|after|done|error|snapshot|promise)\b/;

test('nowhere but in machines/analysis and src/session', () => {
  const files = ['machines', 'src'].flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file}`),
  );
  const knowing = files.filter((file) => internal.test(readFileSync(join(repository, file), 'utf8')));
  expect(knowing.filter(isHome).length).toBeGreaterThan(0);
  expect(knowing.filter((file) => !isHome(file))).toEqual([]);
});
