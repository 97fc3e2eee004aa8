/**
 * What a torture run has broken, from three accounts that know nothing of each other: what callers heard, what the
 * receiver got, and which rooms are left. Pure.
 *
 *   T1  One report for each call in which an agent was heard, and never two for one session.
 *   T2  Nobody is left alone: a caller who was heard is answered, or let go.
 *   T3  A call that the caller did not end has a reason that the kills explain.
 *   T4  No room is left.
 */
import type { Report } from '../../src/report/schema.ts';

export type Told = {
  name: string;
  heardAgent: boolean;
  /** Questions that were answered. */
  turns: number;
  /** From their last word to the next sound of ours, for each that was answered. */
  waitsMs: number[];
  ended: 'goodbye' | 'let go' | 'silent' | 'unanswered';
  trouble?: string | undefined;
};

export type Accounts = { told: readonly Told[]; reports: readonly Report[]; rooms: readonly string[] };
export type Verdict = {
  calls: number;
  answeredTurns: number;
  /** Ended by their caller's goodbye. */
  whole: number;
  /** Of these, how many had lost a process in between. */
  resumed: number;
  letGo: Record<string, number>;
  /** No agent came before they hung up. */
  unanswered: number;
  broken: string[];
};

/** Deaths within a minute after which a call is not taken over again. */
const RESUMES = 2;
/** What a kill of the worker, the keeper or LiveKit may end a call with. */
const explained = new Set(['worker_lost', 'worker_shutdown', 'agent_lost', 'caller_lost', 'startup_failed']);

export function verdictOf({ told, reports, rooms }: Accounts): Verdict {
  const broken: string[] = [];
  const letGo: Record<string, number> = {};
  const of = (name: string) => reports.filter(({ room }) => room?.name === name);
  let resumed = 0;
  for (const { name, heardAgent, ended, turns } of told) {
    const [report, second] = of(name);
    if (second) broken.push(`${name}: ${of(name).length} reports`);
    if (heardAgent && !report) broken.push(`${name}: no report, after ${turns} turns`);
    if (ended === 'silent')
      broken.push(`${name}: left alone after ${turns} turns (${report?.end.reason ?? 'no report'})`);
    if (report && report.completeness.epochs.length > 1 && ended === 'goodbye') resumed += 1;
    if (ended === 'let go') {
      const reason = report?.end.reason ?? 'no report';
      letGo[reason] = (letGo[reason] ?? 0) + 1;
      const deaths = report?.completeness.noticed.length ?? 0;
      const isCrash = reason === 'process_crashed' && deaths > RESUMES;
      if (report && !isCrash && !explained.has(reason))
        broken.push(`${name}: let go as ${reason} after ${deaths} deaths`);
    }
  }
  for (const room of rooms) broken.push(`${room}: the room is left`);
  return {
    calls: told.length,
    answeredTurns: told.reduce((sum, { turns }) => sum + turns, 0),
    whole: told.filter(({ ended }) => ended === 'goodbye').length,
    resumed,
    letGo,
    unanswered: told.filter(({ ended }) => ended === 'unanswered').length,
    broken,
  };
}
