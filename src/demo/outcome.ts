/** What became of a call in the terminal, when it is over: its report, and what the receiver made of it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileNameOf } from '../delivery/send-local.ts';
import type { SessionId } from '../journal/ids.ts';
import { readSession } from '../journal/read.ts';
import { fold } from '../report/fold.ts';
import type { Report } from '../report/schema.ts';
import type { CallSummary } from '../show/summary.ts';
import type { Receipt } from './desk.ts';

/** *Effect.* @throws JournalError where neither report nor journal can be read */
export async function outcomeOf(call: {
  directory: string;
  session: SessionId;
  /** Where the file destination writes. */
  reports: string;
  receipts: readonly Receipt[];
}): Promise<CallSummary> {
  const { directory, session, reports, receipts } = call;
  const path = join(reports, `${fileNameOf(session)}.json`);
  const written = await readFile(path, 'utf8').catch(() => undefined);
  const receipt = receipts.findLast(({ body }) => body.includes(session));
  const body = written ?? receipt?.body;
  // Where nothing was delivered, the journal still tells what happened.
  const report = body === undefined ? fold(await readSession(directory, session)) : (JSON.parse(body) as Report);
  return { report, file: written === undefined ? undefined : path, delivered: receipt?.verification };
}
