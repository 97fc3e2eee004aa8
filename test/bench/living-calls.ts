/** So many living calls: their rows in the store, and a short journal of each. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { lineOf } from '../../src/journal/line.ts';
import { Script } from '../contract/sessions.ts';

/** *Effect.* @param directory has a migrated database */
export function putLivingCalls(directory: string, count: number): void {
  const now = Date.now();
  const writer = new DatabaseSync(join(directory, 'lastword.db'));
  writer.exec(`pragma synchronous = off; begin;
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
    insert into sessions (session, epoch, job, room, agent_name, accepted_at, state)
    select 'AL_' || i, 1, 'AL_' || i, 'room', 'receptionist', ${now} - i, 'open' from n; commit;`);
  writer.close();
  for (let index = 1; index <= count; index += 1) {
    const folder = join(directory, 'sessions', `AL_${index}`);
    mkdirSync(folder, { recursive: true });
    const script = new Script(now - 60_000)
      .to(1, ['live.conversing.dialogue.active.quiet'], 'start')
      .add(index, 'audible', { who: 'agent', change: 'begins', speech: 's' })
      .add(1, 'audible', { who: 'agent', change: index % 2 ? 'ends' : 'goes-on', speech: 's' });
    writeFileSync(join(folder, '1.jsonl'), script.entries.map((entry) => lineOf(entry)).join(''));
  }
}
