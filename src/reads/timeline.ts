/** A session's journal as lines for people: on the screen while it runs, and in `lastword show`. Pure. */
import type { Entry, Json } from '../journal/entry.ts';
import type { JournalName } from '../journal/folder.ts';
import { oneLine } from '../output/for-people.ts';
import { spellMs } from '../output/spell-ms.ts';
import type { Tone } from './answers.ts';

export type TimelineRow = {
  /** Milliseconds since the epoch. */
  at: number;
  what: string;
  text: string;
  tone: Tone;
  /** Beside the text, and less important. */
  aside?: string;
};

const named: Record<string, string> = {
  waiting: 'the caller waits',
  idle: 'idle',
  suspended: 'the caller is lost',
  running: 'a tool runs',
  overdue: 'a tool is overdue',
  windingDown: 'winding down',
};

/** *Pure.* The state in the words of its diagram: `conversing: the caller waits, a tool runs`; `exiting: saying`. */
export const stateName = (leaves: readonly string[]): string => {
  const paths = leaves.map((leaf) => leaf.split('.').slice(leaf.startsWith('live.') ? 1 : 0));
  const stage = paths[0]?.[0] ?? '';
  const inner = stage === 'conversing' ? paths.map((path) => named[path[2] ?? '']) : [paths[0]?.[1]];
  // Several regions have a word for one thing, which is said once.
  const said = [...new Set(inner)].filter((word) => word !== undefined && word !== '');
  return said.length === 0 ? stage : `${stage}: ${said.join(', ')}`;
};

const brief = (value: Json | undefined): string => {
  const text = oneLine(JSON.stringify(value ?? null));
  return text.length > 120 ? `${text.slice(0, 119)}…` : text;
};
const inMs = (ms: number | undefined): string =>
  ms === undefined ? '' : ` (${Math.round(ms).toLocaleString('en-US')} ms)`;
const because = (why: string | undefined): string => (why === undefined || why === '' ? '' : `: ${oneLine(why)}`);

/** *Pure.* How one line of ours went. */
export const heardOf = (spoken: {
  outcome: string;
  heardMs: number | null;
  plannedMs?: number | null;
  why?: string | null;
}): string => {
  const { outcome, heardMs, plannedMs, why } = spoken;
  const number = (ms: number) => Math.round(ms).toLocaleString('en-US');
  const of = typeof plannedMs === 'number' ? ` of ${number(plannedMs)}` : '';
  const heard = heardMs === null ? '' : heardMs > 0 || outcome === 'played' ? `, ${number(heardMs)}${of} ms heard` : '';
  return `${outcome}${heard}${because(why ?? undefined)}`;
};

/**
 * Makes rows of entries, one session in order. It remembers the state, to say how long it lasted; entries that say
 * nothing new make no row.
 */
export function timeline(): (entry: Entry, file?: JournalName) => TimelineRow | undefined {
  const since = new Map<string, { name: string; at: number }>();
  /** A long call is in the same few states again and again. */
  const names = new Map<string, string>();
  const nameOf = (leaves: readonly string[]): string => {
    const key = leaves.join();
    const name = names.get(key) ?? stateName(leaves);
    names.set(key, name);
    return name;
  };

  return (entry, file = 1) => {
    const row = (what: string, text: string, tone: Tone = 'plain'): TimelineRow => ({
      at: entry.at,
      what,
      text: oneLine(text), // whatever went into it
      tone,
    });
    switch (entry.kind) {
      case 'session.accepted':
        return row(
          'keeper',
          `the job is taken, room "${oneLine(entry.data.room.name)}"${entry.data.follows ? `; LiveKit began it again after the seal of ${entry.data.follows}` : ''}`,
          'quiet',
        );
      case 'session.opened':
        return row('job', `${entry.data.job}, process ${entry.data.owner.pid}, epoch ${entry.data.epoch}`, 'quiet');
      case 'handed.over':
        return row(
          'job',
          entry.data.why === 'session_lost'
            ? 'its session is over: left to the next job'
            : `its worker is gone: left to the next job${entry.data.isCalm ? '' : ', at its last moment'}`,
        );
      case 'session.withdrawn':
        return row('keeper', `no session after all${because(entry.data.why)}`, 'quiet');
      case 'transition': {
        if (entry.data.machine === 'supervision') return undefined;
        const key = `${entry.data.machine} ${file}`;
        const name = nameOf(entry.data.to);
        const before = since.get(key);
        if (before?.name === name) return undefined;
        since.set(key, { name, at: entry.at });
        const moved = row(entry.data.machine === 'recovery' ? 'recover' : 'state', name, 'state');
        return before ? { ...moved, aside: `after ${spellMs(entry.at - before.at)} of ${before.name}` } : moved;
      }
      case 'item': {
        const { role, text, interrupted, agent } = entry.data;
        if (role === 'handoff') return row('handoff', `to ${agent ?? 'another agent'}`);
        if (role === 'system' || role === 'tool') return undefined;
        return row(
          role === 'user' ? 'caller' : 'agent',
          `${oneLine(text)}${interrupted ? ' (interrupted)' : ''}`,
          role === 'user' ? 'caller' : 'agent',
        );
      }
      case 'tool': {
        const { name, status, args, output, error, ms, isBackground } = entry.data;
        if (status === 'started' && isBackground) return row('tool', `${name} goes on in the background`);
        if (status === 'started') return row('tool', `${name} ${brief(args)} …`);
        if (status === 'settled') return row('tool', `${name} → ${brief(output)}${inMs(ms)}`);
        return row('tool', `${name} ${status}${because(error)}${inMs(ms)}`, 'bad');
      }
      case 'spoken':
        return row(
          'line',
          `${entry.data.line} (${entry.data.rung}) ${heardOf(entry.data)}`,
          entry.data.outcome === 'failed' ? 'bad' : 'quiet',
        );
      case 'transfer': {
        const { to, status, outcome = 'unknown', detail, ms } = entry.data;
        if (status === 'asked') return row('handed', `to ${oneLine(to)} …`);
        const tone = outcome === 'transferred' ? 'plain' : 'bad';
        return row('handed', `to ${oneLine(to)}: ${outcome}${because(detail)}${inMs(ms)}`, tone);
      }
      case 'hangup': {
        const { strategy, verified, left = [], error, ms } = entry.data;
        const result = verified ? 'verified' : `not verified, left: ${left.map(oneLine).join(', ') || 'unknown'}`;
        return row('hang-up', `${strategy}, ${result}${because(error)}${inMs(ms)}`, verified ? 'quiet' : 'bad');
      }
      case 'error': {
        const { component, message, recoverable } = entry.data;
        return row('error', `${component}: ${oneLine(message)}${recoverable ? '' : ' (for good)'}`, 'bad');
      }
      case 'participant': {
        const { identity, change, reason, isCaller } = entry.data;
        if (change === 'attributes' || change === 'metadata')
          return row('room', `${change} of ${oneLine(identity)} changed`, 'quiet');
        return row(
          'room',
          `${isCaller === true ? 'the caller' : oneLine(identity)} ${change}${because(reason)}`,
          'quiet',
        );
      }
      case 'key':
        return row('room', 'the caller pressed a key', 'quiet');
      case 'room':
        return row('room', `${entry.data.change}${because(entry.data.reason)}`, 'quiet');
      case 'provider':
        return row(
          'model',
          `${entry.data.component} ${oneLine(entry.data.label)} ${entry.data.available ? 'is back' : 'is given up for another'}`,
        );
      case 'effect': {
        const { machine, name, phase, line, error, ms } = entry.data;
        if (machine === 'supervision') return undefined;
        if (phase !== 'failed' && phase !== 'late') return undefined;
        return row('effect', `${name}${line ? ` ${line}` : ''} ${phase}${because(error)}${inMs(ms)}`, 'quiet');
      }
      case 'attach':
        return row('attach', `${oneLine(entry.data.key)} = ${brief(entry.data.value)}`, 'quiet');
      case 'log':
        return entry.data.level === 'debug' ? undefined : row('log', oneLine(entry.data.message), 'quiet');
      case 'withheld': {
        const { part, identity, entries, bytes } = entry.data;
        const whose = identity === undefined ? '' : ` of ${oneLine(identity)}`;
        const number = (count: number) => count.toLocaleString('en-US');
        const message = `${part}${whose}: ${number(entries)} entries, ${number(bytes)} bytes were too many, and are not here`;
        return row('journal', message, 'bad');
      }
      case 'session.closed': {
        const { end, alsoTriggered } = entry.data;
        const also =
          alsoTriggered.length === 0
            ? ''
            : `; later also ${alsoTriggered.map(({ reason }) => oneLine(reason)).join(', ')}`;
        return row('end', `${oneLine(end.reason)}, by ${end.by}${because(end.detail)}${also}`, 'strong');
      }
      case 'keeper.noticed':
        return row('keeper', `noticed that the job ${noticed[entry.data.what]}${because(entry.data.detail)}`, 'bad');
      case 'keeper.dispatched':
        return row('keeper', `the next job is called for (${oneLine(entry.data.dispatch)})`, 'quiet');
      case 'keeper.succeeded':
        return row('keeper', `${entry.data.job} takes the call over, as epoch ${entry.data.epoch}`);
      case 'keeper.resumed':
        return row('keeper', `the call goes on: epoch ${entry.data.epoch} is heard${inMs(entry.data.ms)}`, 'strong');
      case 'keeper.sealed':
        return row('keeper', `report sealed, ${entry.data.bytes.toLocaleString('en-US')} bytes`, 'quiet');
      case 'machine.began':
      case 'event':
      case 'limit':
      case 'again':
      case 'step':
      case 'fact':
      case 'transcript':
      case 'audible':
      case 'request':
      case 'blob':
      case 'trace':
      case 'usage':
      case 'latency':
      case 'snapshot':
        return undefined;
    }
  };
}

const noticed = {
  closed: 'closed its journal',
  died: 'died',
  frozen: 'froze',
  unopened: 'never began',
  gone: 'is gone with its host',
  lost: 'lost its journal',
} as const;
