import { stageOf } from '../../machines/index.ts';
/** Tools, transfers, participants, usage and latencies: lists that are read off the journal. Pure. */
import type { Entry, Json } from '../journal/entry.ts';
import { toJson } from '../journal/json.ts';
import type { Chapter } from './chapters.ts';
import { apart, type Moment, momentOf, type Timed } from './clock.ts';
import { durationOf, listOf, knownWord, recordOf, textMapOf, textOf, textsOf, timeOf } from './lenient.ts';
import type { Report } from './schema.ts';

type Tool = Report['tools'][number];

const toolsIn = ({ epoch, entries, isClosed }: Chapter): Tool[] => {
  const tools = new Map<string, { tool: Tool; isRunning: boolean; since: Moment }>();
  for (const entry of entries) {
    const { kind, at, seq, data: raw } = entry;
    if (kind !== 'tool') continue;
    const data = recordOf(raw);
    const call = textOf(data['call']) ?? `${epoch}-${seq}`;
    const before = tools.get(call);
    const known = before?.tool;
    const status = knownWord(['settled', 'failed', 'abandoned'], data['status']);
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
      ms: durationOf(data['ms']) ?? (before && !isStart ? durationOf(apart(before.since, entry)) : null),
    };
    tools.set(call, {
      tool,
      isRunning: status === null && before?.isRunning !== false,
      since: before?.since ?? momentOf(entry),
    });
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

/** `came`: the first that is known of them as the caller; a telephone joins when it is dialled, and comes when picked up. */
export type Person = Report['participants'][number] & { joined?: Moment; came?: Moment; left?: Moment };

export const peopleOf = (entries: readonly Timed[]): Person[] => {
  const people = new Map<string, Person>();
  for (const entry of entries) {
    const { kind, data: raw } = entry;
    const moment = momentOf(entry);
    const removal = removalIn(entry);
    if (removal) removeFrom(people, removal, moment);
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
      if (isThere) person.came ??= data['change'] === 'linked' ? (person.joined ?? moment) : moment;
    }
    person.metadata = textOf(data['metadata']) ?? person.metadata;
    // A change names only what changed.
    const before = data['change'] === 'attributes' ? person.attributes : {};
    if (data['attributes'] !== undefined) person.attributes = { ...before, ...textMapOf(data['attributes']) };
    switch (data['change']) {
      case 'joined':
      case 'returned':
        person.joined ??= moment;
        delete person.left;
        person.leftReason = null;
        break;
      case 'lost':
        person.timesLost += 1;
        leave(person, moment, textOf(data['reason']));
        break;
      case 'left':
        leave(person, moment, textOf(data['reason']));
        break;
      default:
    }
  }
  return [...people.values()];
};

const leave = (person: Person, at: Moment, reason: string | null): void => {
  person.left = at;
  person.leftReason = reason;
};

const removeFrom = (people: ReadonlyMap<string, Person>, { name, of }: Removal, at: Moment): void => {
  for (const person of people.values()) if (person.left === undefined && of(person)) leave(person, at, name);
};

type Removal = { name: string; of: (person: Person) => boolean };

/** Of whom we sent away ourselves no event tells: we had left before. */
const removalIn = ({ kind, data: raw }: Entry): Removal | undefined => {
  const { verified, strategy, change, reason } = recordOf(raw);
  const isDeleted = kind === 'room' && change === 'disconnected' && reason === 'ROOM_DELETED';
  if (isDeleted || (kind === 'hangup' && verified === true && strategy === 'delete-room'))
    return { name: 'ROOM_DELETED', of: () => true };
  if (kind !== 'hangup' || verified !== true) return undefined;
  if (strategy === 'remove-caller') return { name: 'PARTICIPANT_REMOVED', of: ({ isCaller }) => isCaller };
  if (strategy === 'remove-sip') return { name: 'PARTICIPANT_REMOVED', of: (person) => person.kind === 'sip' };
  return undefined;
};

export const participantsOf = (people: readonly Person[]): Report['participants'] =>
  people.map(({ joined, came: _came, left, ...person }) => ({
    ...person,
    joinedAt: timeOf(joined?.at),
    leftAt: timeOf(left?.at),
  }));

/** Cumulative by contract, so the last entry of a process says it all; what its successor used comes on top. */
export const usageOf = (jobs: readonly Chapter[]): Report['usage'] => {
  const sums = new Map<string, Report['usage'][number]>();
  for (const model of jobs.flatMap(usageIn)) {
    const name = JSON.stringify([model.type, model.provider, model.model]);
    const before = sums.get(name);
    sums.set(name, before ? added(before, model) : model);
  }
  return [...sums.values()];
};

const usageIn = ({ entries }: Chapter): Report['usage'] => {
  const last = entries.findLast(({ kind }) => kind === 'usage');
  return listOf(recordOf(last?.data)['models']).map((model) => {
    const known = recordOf(toJson(model));
    const word = (name: string) => textOf(known[name]) ?? '';
    return { ...known, type: word('type'), provider: word('provider'), model: word('model') };
  });
};

const added = <Usage extends Report['usage'][number]>(one: Usage, other: Usage): Usage => {
  const sum: Usage = { ...one, ...other };
  for (const [name, value] of Object.entries(one)) {
    const more = other[name];
    if (typeof value === 'number' && typeof more === 'number') Object.assign(sum, { [name]: value + more });
  }
  return sum;
};

/** Sounds that answer the wait for the first words. */
const isFirstSound = (data: Record<string, unknown>): boolean =>
  data['type'] === 'agent.audible' ||
  (data['type'] === 'line.audible' && (data['line'] === 'greeting' || data['line'] === 'recovery'));

/** When the greeting was heard first, whoever gave it: a line of ours, or the agent by itself. */
const greetedAt = (entries: readonly Timed[]): Moment | undefined => {
  let isGreeting = false;
  for (const entry of entries) {
    const { kind, data: raw } = entry;
    const data = recordOf(raw);
    if (kind === 'transition' && data['machine'] === 'session')
      isGreeting = stageOf(textsOf(data['to'])) === 'greeting';
    if (kind === 'event' && isGreeting && isFirstSound(data)) return entry;
  }
  return undefined;
};

export const latencyOf = (entries: readonly Timed[], came?: Moment): Report['latency'] => {
  const heard = greetedAt(entries);
  const waitedMs = heard && came ? durationOf(apart(came, heard)) : null;
  const measured = (measure: string): number[] =>
    entries.flatMap(({ kind, data }) => {
      const ms = kind === 'latency' && recordOf(data)['measure'] === measure ? durationOf(recordOf(data)['ms']) : null;
      return ms === null ? [] : [ms];
    });
  const turns = measured('turn').sort((one, other) => one - other);
  const at = (share: number): number => turns[Math.max(0, Math.ceil(turns.length * share) - 1)] ?? 0;
  return {
    greetingMs: waitedMs ?? measured('greeting')[0] ?? null,
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
    const { component, label, provider, model, available } = recordOf(raw);
    return {
      component: textOf(component) ?? '',
      label: textOf(label) ?? '',
      provider: textOf(provider),
      model: textOf(model),
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
