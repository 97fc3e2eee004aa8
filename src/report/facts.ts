/** Transcript, tools, errors, participants, usage and latencies: lists that are read off the journal. Pure. */
import type { Entry, Json } from '../journal/entry.ts';
import { toJson } from '../journal/json.ts';
import type { Chapter } from './chapters.ts';
import { durationOf, listOf, oneOf, recordOf, textMapOf, textOf, timeOf } from './lenient.ts';
import type { Report } from './schema.ts';

export const transcriptOf = (entries: readonly Entry[]): Report['transcript'] => {
  // An item that is committed again (cut short, corrected, taken over by a successor) keeps its place.
  const items = new Map<string, Report['transcript'][number]>();
  for (const { kind, at, seq, data: raw } of entries) {
    if (kind !== 'item') continue;
    const data = recordOf(raw);
    const id = textOf(data['id']) ?? `entry-${seq}`;
    const createdAt = typeof data['createdAt'] === 'number' ? data['createdAt'] : at;
    items.set(id, {
      id,
      role: textOf(data['role']) ?? 'system',
      text: textOf(data['text']) ?? '',
      interrupted: data['interrupted'] === true,
      agent: textOf(data['agent']),
      at: timeOf(createdAt) ?? timeOf(at),
    });
  }
  // In the order in which things were said: some are written down later than what answers them.
  return [...items.values()].sort((a, b) => ((a.at ?? '') < (b.at ?? '') ? -1 : Number((a.at ?? '') > (b.at ?? ''))));
};

type Tool = Report['tools'][number];

const toolsIn = ({ epoch, entries, isClosed }: Chapter): Tool[] => {
  const tools = new Map<string, { tool: Tool; isRunning: boolean; since: number }>();
  for (const { kind, at, seq, data: raw } of entries) {
    if (kind !== 'tool') continue;
    const data = recordOf(raw);
    const call = textOf(data['call']) ?? `${epoch}-${seq}`;
    const before = tools.get(call);
    const known = before?.tool;
    const status = oneOf(['settled', 'failed', 'abandoned'], data['status']);
    const isStart = data['status'] === 'started';
    const tool: Tool = {
      call,
      name: textOf(data['name']) ?? known?.name ?? '',
      status: status ?? known?.status ?? 'unknown',
      agent: textOf(data['agent']) ?? known?.agent ?? null,
      args: data['args'] === undefined ? (known?.args ?? null) : toJson(data['args']),
      output: data['output'] === undefined ? (known?.output ?? null) : toJson(data['output']),
      error: textOf(data['error']) ?? known?.error ?? null,
      background: data['isBackground'] === true || known?.background === true,
      startedAt: known?.startedAt ?? (isStart ? timeOf(at) : null),
      ms: durationOf(data['ms']) ?? (before && !isStart ? durationOf(at - before.since) : null),
    };
    tools.set(call, { tool, isRunning: status === null && before?.isRunning !== false, since: before?.since ?? at });
  }
  // Did it book the table or not? Only a process that lived to close its journal can say that it gave up waiting.
  return [...tools.values()].map(({ tool, isRunning }) =>
    isRunning ? { ...tool, status: isClosed ? 'abandoned' : 'unknown' } : tool,
  );
};

export const toolsOf = (jobs: readonly Chapter[]): Tool[] => jobs.flatMap(toolsIn);

export const transfersOf = (jobs: readonly Chapter[]): Report['transfers'] =>
  jobs.flatMap(({ entries }) => {
    const transfers = new Map<string, Report['transfers'][number]>();
    for (const { kind, at, data: raw } of entries) {
      if (kind !== 'transfer') continue;
      const data = recordOf(raw);
      const id = textOf(data['id']) ?? '';
      transfers.set(id, {
        how: textOf(data['how']) ?? '',
        to: textOf(data['to']) ?? '',
        outcome: textOf(data['outcome']) ?? 'unknown',
        detail: textOf(data['detail']),
        startedAt: transfers.get(id)?.startedAt ?? timeOf(at),
        ms: durationOf(data['ms']),
      });
    }
    return [...transfers.values()];
  });

export const errorsOf = (chapters: readonly Chapter[]): Report['errors'] =>
  chapters.flatMap(({ epoch, entries }) =>
    entries.flatMap(({ kind, at, data: raw }) => {
      if (kind !== 'error') return [];
      const data = recordOf(raw);
      return {
        component: textOf(data['component']) ?? 'unknown',
        message: textOf(data['message']) ?? '',
        code: textOf(data['code']),
        label: textOf(data['label']),
        recoverable: data['recoverable'] === true,
        at: timeOf(at),
        epoch,
      };
    }),
  );

/** `came`: the first that is known of them as the caller; a telephone joins when it is dialled, and comes when picked up. */
export type Person = Report['participants'][number] & { joined?: number; came?: number; left?: number };

export const peopleOf = (entries: readonly Entry[]): Person[] => {
  const people = new Map<string, Person>();
  for (const { kind, at, data: raw } of entries) {
    if (kind !== 'participant') continue;
    const data = recordOf(raw);
    const identity = textOf(data['identity']) ?? '';
    const sid = textOf(data['sid']);
    let person = people.get(identity);
    if (!person) {
      const nothing = { sids: [], kind: null, joinedAt: null, leftAt: null, leftReason: null, metadata: null };
      person = { identity, ...nothing, sids: [], isCaller: false, timesLost: 0, attributes: {} };
      people.set(identity, person);
    }
    if (sid !== null && !person.sids.includes(sid)) person.sids.push(sid);
    person.kind = textOf(data['kind']) ?? person.kind;
    if (data['isCaller'] === true) {
      for (const other of people.values()) other.isCaller = other === person; // the last one counts
      const isThere = data['change'] !== 'left' && data['change'] !== 'lost' && data['isRinging'] !== true;
      // Who was there before it was known that they are the caller came when they came.
      if (isThere) person.came ??= data['change'] === 'linked' ? (person.joined ?? at) : at;
    }
    person.metadata = textOf(data['metadata']) ?? person.metadata;
    // A change names only what changed.
    const before = data['change'] === 'attributes' ? person.attributes : {};
    if (data['attributes'] !== undefined) person.attributes = { ...before, ...textMapOf(data['attributes']) };
    switch (data['change']) {
      case 'joined':
      case 'returned':
        person.joined ??= at;
        delete person.left;
        person.leftReason = null;
        break;
      case 'lost':
        person.timesLost += 1;
        person.left = at;
        person.leftReason = textOf(data['reason']);
        break;
      case 'left':
        person.left = at;
        person.leftReason = textOf(data['reason']);
        break;
      default:
    }
  }
  return [...people.values()];
};

export const participantsOf = (people: readonly Person[]): Report['participants'] =>
  people.map(({ joined, came: _came, left, ...person }) => ({
    ...person,
    joinedAt: timeOf(joined),
    leftAt: timeOf(left),
  }));

/** Cumulative by contract, so the last entry says it all. */
export const usageOf = (entries: readonly Entry[]): Report['usage'] => {
  const last = entries.findLast(({ kind }) => kind === 'usage');
  return listOf(recordOf(last?.data)['models']).map((model) => {
    const known = recordOf(toJson(model));
    const word = (name: string) => textOf(known[name]) ?? '';
    return { ...known, type: word('type'), provider: word('provider'), model: word('model') };
  });
};

export const latencyOf = (entries: readonly Entry[]): Report['latency'] => {
  const measured = (measure: string): number[] =>
    entries.flatMap(({ kind, data }) => {
      const ms = kind === 'latency' && recordOf(data)['measure'] === measure ? durationOf(recordOf(data)['ms']) : null;
      return ms === null ? [] : [ms];
    });
  const turns = measured('turn').sort((one, other) => one - other);
  const at = (share: number): number => turns[Math.max(0, Math.ceil(turns.length * share) - 1)] ?? 0;
  return {
    greetingMs: measured('greeting')[0] ?? null,
    turns:
      turns.length === 0
        ? null
        : {
            count: turns.length,
            minMs: at(0),
            p50Ms: at(0.5),
            p90Ms: at(0.9),
            p95Ms: at(0.95),
            p99Ms: at(0.99),
            maxMs: at(1),
          },
  };
};

export const providerSwitchesOf = (entries: readonly Entry[]): Report['providerSwitches'] =>
  entries.flatMap(({ kind, at, data: raw }) => {
    if (kind !== 'provider') return [];
    const { component, label, available } = recordOf(raw);
    return {
      component: textOf(component) ?? '',
      label: textOf(label) ?? '',
      available: available === true,
      at: timeOf(at),
    };
  });

export const applicationOf = (entries: readonly Entry[]): Report['application'] => {
  const attached = new Map<string, Json>();
  for (const { kind, data: raw } of entries) {
    const { key, value } = recordOf(raw);
    if (kind === 'attach' && typeof key === 'string') attached.set(key, toJson(value));
  }
  const outcome = attached.get('outcome') ?? null;
  attached.delete('outcome');
  return { outcome, attachments: Object.fromEntries(attached) };
};
