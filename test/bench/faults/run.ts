/** One row on one side: a call, its fault, and what the caller and the backend got. */
import type { Report } from '../../../src/report/schema.ts';
import { type Caller, roomsOf, silences, startCaller, until } from '../../e2e/harness/index.ts';
import { GOODBYE, GREETING } from './plan.ts';
import type { Measured, Outcome, Row, Scene } from './row.ts';
import { ANSWERS, script } from './script.ts';

const CUT_MS = 60_000;
const BITE_MS = 40_000;
/** A report, and the end of an empty room, may be later than the release. */
const LATER_MS = 12_000;
/** A click is no word. */
const WORD_MS = 200;
const LIVE_APOLOGY = 'Sorry, something went wrong. Please try again later.';

export type World = Pick<Scene, 'side' | 'server' | 'receiver' | 'door'>;
/** One at a time: what is measured begins with a start, and a start takes a whole core. */
export type Turn = <Value>(work: () => Promise<Value>) => Promise<Value>;

export async function runRow(row: Row, name: string, world: World, turn: Turn): Promise<Measured> {
  const { side, server, receiver } = world;
  const rooms = roomsOf(server);
  const lab = side.lab.channel(name);
  lab.play(script(side.name, row.script));
  row.prepare?.({ lab, receiver });
  const parts: { caller?: Caller } = {};
  try {
    const begun = await turn(async () => {
      if (row.wish?.prewarm === undefined && row.wish?.import === undefined) await side.warm();
      const dispatch = { agentName: side.agentName, jobMetadata: JSON.stringify(row.plan ?? {}) };
      // The call makes the room, as a web client's does: an agent that deletes it at once meets its caller there.
      if (row.caller === false) await rooms.create(name, dispatch);
      else parts.caller = await startCaller({ server, room: name, ...dispatch, ...row.caller });
      const scene = {
        ...world,
        room: name,
        lab,
        rooms,
        caller: parts.caller as Caller,
        bites: () => bite(world, name),
      };
      return { scene, from: await row.scene(scene) };
    });
    const from = (await row.later?.(begun.scene, begun.from)) ?? begun.from;
    const isThere = async () => (await rooms.names()).includes(name);
    const { outcome, at } = await outcomeOf(row, parts.caller, lab, from, isThere);
    const heard = await heardBy(parts.caller, lab, from);
    const spoken = parts.caller
      ? silenceOf(parts.caller, outcome === 'answered' && row.repeats !== true, from, at)
      : { silenceMs: null, longestMs: null };
    if (row.repeats) spoken.silenceMs = spoken.longestMs;
    if (outcome === 'answered') await parts.caller?.leave();
    if (outcome !== 'left alone') await sooner(async () => !(await isThere()));
    const isRoomLeft = await isThere();
    await sooner(() => Promise.resolve(receiver.taken(name).length > 0));
    const reports = receiver.taken(name);
    return {
      outcome,
      ...(row.waits === false ? { silenceMs: null, longestMs: null } : spoken),
      heard,
      isRoomLeft,
      reports: reports.length,
      ...judge(row, world, outcome, reports[0]),
    };
  } finally {
    await parts.caller?.[Symbol.asyncDispose]();
    await rooms.delete(name).catch(() => {}); // a server that was killed may not be back
  }
}

const bite = (world: World, room: string): Promise<number> =>
  until(
    'the fault to strike',
    async () => Number(new RegExp(`^bites: ${room} (\\d+)`, 'm').exec(await world.side.log())?.[1] ?? 0) || undefined,
    BITE_MS,
  );

const sooner = (look: () => Promise<boolean>): Promise<boolean> => until('it', look, LATER_MS).catch(() => false);

async function outcomeOf(
  row: Row,
  caller: Caller | undefined,
  lab: Scene['lab'],
  from: number,
  isThere: () => Promise<boolean>,
): Promise<{ outcome: Outcome; at: number }> {
  const cutAt = from + (row.cutMs ?? CUT_MS);
  const leftMs = Math.max(0, cutAt - Date.now());
  if (!caller || row.waits === false) {
    const isOver = await until('the end of the room', async () => !(await isThere()), leftMs).catch(() => false);
    return { outcome: isOver ? 'released' : 'left alone', at: Date.now() };
  }
  const answer = () =>
    ANSWERS.flatMap((line) => caller.line(lab, line)).find(({ firstAt, share }) => firstAt > from && share > 0.75);
  const look = () => {
    const gone = caller.find('disconnected');
    if (gone) return { outcome: 'released' as const, at: gone.at };
    const heard = answer();
    return heard && { outcome: 'answered' as const, at: heard.firstAt };
  };
  return caller.until('an outcome', look, leftMs).catch(() => ({ outcome: 'left alone' as const, at: cutAt }));
}

function silenceOf(
  caller: Caller,
  asksLater: boolean,
  from: number,
  at: number,
): { silenceMs: number; longestMs: number } {
  const own = caller.events
    .filter((event) => event.kind === 'said')
    .map(({ from: since, to }) => ({ from: since, to, codedMs: 0 }));
  const heard = caller.sounds().filter((sound) => sound.to - sound.from >= WORD_MS);
  // A call that goes on has heard the caller's next words first.
  const began = asksLater ? Math.max(from, ...own.map(({ to }) => Math.min(to, at))) : from;
  const speaking = heard.find((sound) => sound.from <= began && sound.to > began);
  const since = Math.min(speaking?.to ?? began, at);
  const next = heard.find((sound) => sound.from > since)?.from ?? at;
  const [longest] = silences([...heard, ...own], since, at);
  return { silenceMs: Math.min(next, at) - since, longestMs: longest?.ms ?? 0 };
}

async function heardBy(caller: Caller | undefined, lab: Scene['lab'], from: number): Promise<string> {
  if (!caller) return '';
  const recordings = await caller.recordings().catch(() => []);
  const isAfter = (line: string) => caller.line(lab, line).find(({ lastAt }) => lastAt > from + WORD_MS);
  const goodbye = isAfter(GOODBYE);
  return [
    isAfter(GREETING) && 'greeting',
    ANSWERS.some(isAfter) && 'answer',
    (isAfter(LIVE_APOLOGY) || recordings.some(({ name, at }) => name === 'apology' && at > from)) && 'apology',
    goodbye && `goodbye ${Math.round(100 * Math.min(1, goodbye.share))} %`,
  ]
    .filter((each) => typeof each === 'string')
    .join(', ');
}

function judge(row: Row, { side }: World, outcome: Outcome, posted: unknown): { reason: string; isTrue: boolean } {
  if (posted === undefined) return { reason: '', isTrue: false };
  if (side.name === 'lastword') {
    const { reason, detail } = (posted as Report).end;
    const wanted = outcome === 'answered' ? ['caller_hung_up'] : [row.truth.reason].flat();
    return { reason: detail === undefined ? reason : `${reason}: ${detail}`, isTrue: wanted.includes(reason as never) };
  }
  const { room: _room, job: _job, ...facts } = posted as Record<string, unknown>;
  const text = JSON.stringify(facts);
  const wanted = outcome === 'answered' ? /CLIENT_INITIATED|participant_disconnected/ : row.truth.bare;
  return { reason: text, isTrue: wanted.test(text) };
}
