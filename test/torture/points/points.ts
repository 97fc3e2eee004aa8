/**
 * The places of a call's life at which its processes are killed, in their order: K1, K2, … as in docs/guarantees.md,
 * which is compared with this. What each holds is the text of an entry, of a message, of a request.
 */
import type { Words } from '../one-call.ts';
import type { Blow, Place, Victim } from './blow.ts';

/**
 * `answered`: the agent was called for again, and the call is as any other. `unharmed`: the caller hears nothing of it.
 * `goes on`: the caller hears the agent again. `released`: they are let go, and know it. `either`: one of these two, as
 * there is a process for them or not. `ended`: the call was at its end; it stays what it was.
 */
export type Outcome = 'answered' | 'unharmed' | 'goes on' | 'released' | 'either' | 'ended';

export type Point = {
  id: string;
  /** Where, in the words of the table. */
  where: string;
  dies: string;
  outcome: Outcome;
  blows: readonly Blow[];
  /** Default: small talk. */
  words?: Words;
  /** The caller says nothing until all is struck; `heard`: and until they hear somebody. */
  stays?: 'struck' | 'heard';
};

type Aim = (side: Blow['side'], place: Place, ...holds: string[]) => Blow;
const by =
  (who: Blow['who']): Aim =>
  (side, place, ...holds) => ({ who, place, side, holds });
const [keeper, worker, job] = [by('keeper'), by('worker'), by('job')];
const kills = (blow: Blow, ...victims: Victim[]): Blow => ({ ...blow, kills: victims });

const kind = (name: string) => `"kind":"${name}"`;
const type = (name: string) => `"type":"${name}"`;
const asked = (name: string) => [kind('effect'), `"name":"${name}"`, '"phase":"requested"'];
const line = (name: string) => `"line":"${name}"`;
const opened = job('after', 'writes', kind('session.opened'));
const spoke = (text: string) => [kind('item'), '"role":"assistant"', `"text":"${text}`];
/** Between two turns: nobody owes anything. */
const idle = job('after', 'writes', ...spoke('Hello, this is Ada'));
/** Only waited for. */
const greeted = kills(idle);
const inReply = job('after', 'writes', kind('audible'), '"change":"goes-on"', 'Very');
const closed = job('after', 'writes', kind('session.closed'));
const workerDies = kills(idle, 'worker');
const handedOver = job('after', 'writes', kind('handed.over'));
const HOURS: Words = {
  question: 'What are your opening hours?',
  answer: 'We are open from nine to five, Monday to Friday.',
};

type Row = Omit<Point, 'id'>;
const at = (where: string, dies: string, outcome: Outcome, blows: readonly Blow[], more: Partial<Row> = {}): Row => ({
  where,
  dies,
  outcome,
  blows,
  ...more,
});
/** In the middle of a recovery, after a death between two turns. */
const recovering = (where: string, dies: string, outcome: Outcome, ...blows: Blow[]): Row =>
  at(where, dies, outcome, [idle, ...blows], { stays: 'heard' });

const rows: readonly Row[] = [
  // The offer.
  at('the offer is not passed on yet', 'worker', 'answered', [worker('before', 'says', type('job.offered'))]),
  at('before `session.accepted`', 'keeper', 'answered', [keeper('before', 'writes', kind('session.accepted'))]),
  at('`session.accepted` is durable', 'keeper', 'unharmed', [keeper('after', 'writes', kind('session.accepted'))]),
  at('`job.recorded` is said', 'keeper', 'unharmed', [keeper('after', 'says', type('job.recorded'))]),
  at('`job.recorded` is not heard yet', 'worker', 'released', [worker('before', 'hears', type('job.recorded'))]),
  at('a process has the job', 'job', 'released', [job('before', 'gets', 'startJobRequest')]),
  at('before `session.opened`', 'job', 'released', [job('before', 'writes', kind('session.opened'))]),
  // The start.
  at('`session.opened` is durable', 'job', 'goes on', [opened]),
  at('`session.opened` is durable', 'job and keeper', 'goes on', [kills(opened, 'keeper', 'itself')]),
  at('`session.opened` is durable', 'job and worker', 'either', [kills(opened, 'worker', 'itself')]),
  at('in its room, before that is written', 'job', 'goes on', [
    job('before', 'writes', kind('room'), '"change":"connected"'),
  ]),
  at('the greeting is asked for', 'job', 'goes on', [job('after', 'writes', ...asked('speak'), line('greeting'))]),
  at('the first audio, before it is written', 'job', 'goes on', [
    job('before', 'writes', type('line.audible'), line('greeting')),
  ]),
  // A turn.
  at('before the caller’s words are an item', 'job', 'goes on', [
    job('before', 'writes', kind('item'), '"role":"user"'),
  ]),
  at('the model is asked', 'job', 'goes on', [greeted, job('after', 'writes', kind('request'))]),
  at('a reply begins to be heard', 'job', 'goes on', [
    greeted,
    job('after', 'writes', kind('audible'), '"change":"begins"', '"speech"'),
  ]),
  at('in the middle of a reply', 'job', 'goes on', [inReply]),
  at('in the middle of a reply', 'keeper', 'unharmed', [kills(inReply, 'keeper')]),
  at('in the middle of a reply', 'job and keeper', 'goes on', [kills(inReply, 'keeper', 'itself')]),
  at('in the middle of a reply', 'job, worker and keeper', 'either', [kills(inReply, 'worker', 'keeper', 'itself')]),
  at('a reply was heard, before it is an item', 'job', 'goes on', [job('before', 'writes', ...spoke('Very well'))]),
  at('a tool is about to run', 'job', 'goes on', [job('after', 'writes', kind('tool'), '"status":"started"')], {
    words: HOURS,
  }),
  at(
    'a tool has run, before that is written',
    'job',
    'goes on',
    [job('before', 'writes', kind('tool'), '"status":"settled"')],
    { words: HOURS },
  ),
  // A recovery.
  recovering(
    'before `keeper.noticed`',
    'job, then keeper',
    'goes on',
    keeper('before', 'writes', kind('keeper.noticed')),
  ),
  recovering('the ghost is removed', 'job, then keeper', 'goes on', keeper('after', 'asks', 'RemoveParticipant')),
  recovering('the dispatch is asked for', 'job, then keeper', 'goes on', keeper('after', 'says', 'CreateDispatch')),
  recovering('the dispatch is answered', 'job, then keeper', 'goes on', keeper('after', 'asks', 'CreateDispatch')),
  recovering(
    '`keeper.dispatched` is durable',
    'job, then keeper',
    'goes on',
    keeper('after', 'writes', kind('keeper.dispatched')),
  ),
  recovering(
    'the next job is offered, before `keeper.succeeded`',
    'job, then keeper',
    'goes on',
    keeper('before', 'writes', kind('keeper.succeeded')),
  ),
  recovering('the next job is recorded', 'job, then keeper', 'goes on', keeper('after', 'says', type('job.recorded'))),
  recovering('the next job is offered', 'job, then worker', 'either', worker('before', 'says', type('job.offered'))),
  recovering(
    'before its `session.opened`',
    'job, then the next job',
    'goes on',
    job('before', 'writes', kind('session.opened')),
  ),
  recovering('its `session.opened` is durable', 'job, then the next job', 'goes on', opened),
  recovering(
    'its first audio, before it is written',
    'job, then the next job',
    'goes on',
    job('before', 'writes', type('line.audible'), line('recovery')),
  ),
  recovering(
    'its first audio, before it is written',
    'job, then the next job and the keeper',
    'goes on',
    kills(job('before', 'writes', type('line.audible'), line('recovery')), 'keeper', 'itself'),
  ),
  recovering(
    '`job.heard` is not heard yet',
    'job, then keeper',
    'goes on',
    keeper('before', 'hears', type('job.heard')),
  ),
  recovering(
    'before `keeper.resumed`',
    'job, then keeper',
    'goes on',
    keeper('before', 'writes', kind('keeper.resumed')),
  ),
  // A worker that died, and the hand-over.
  at(
    '`job.orphaned` is not heard yet',
    'worker, then keeper',
    'unharmed',
    [workerDies, keeper('before', 'hears', type('job.orphaned'))],
    { stays: 'struck' },
  ),
  at(
    '`hand.over` is said',
    'worker, then keeper',
    'unharmed',
    [workerDies, keeper('after', 'says', type('hand.over'))],
    { stays: 'struck' },
  ),
  at('`handed.over` is durable', 'worker, then job', 'unharmed', [workerDies, handedOver], { stays: 'struck' }),
  at(
    '`handed.over` is durable',
    'worker, then job and keeper',
    'unharmed',
    [workerDies, kills(handedOver, 'keeper', 'itself')],
    { stays: 'struck' },
  ),
  // The end.
  at('the goodbye is asked for', 'job', 'ended', [job('after', 'writes', ...asked('speak'), line('goodbye'))]),
  at('the hang-up is asked for', 'job', 'ended', [job('after', 'writes', ...asked('hangUp'))]),
  at('the room’s deletion is sent', 'job', 'ended', [job('after', 'says', 'RoomService/DeleteRoom')]),
  at('the room is deleted, before that is written', 'job', 'ended', [job('before', 'writes', kind('hangup'))]),
  at('before `session.closed`', 'job', 'ended', [job('before', 'writes', kind('session.closed'))]),
  at('`session.closed` is durable', 'job', 'ended', [closed]),
  at('`session.closed` is durable', 'job and keeper', 'ended', [kills(closed, 'keeper', 'itself')]),
  at('`job.closed` is not heard yet', 'keeper', 'ended', [keeper('before', 'hears', type('job.closed'))]),
];

export const points: readonly Point[] = rows.map((row, index) => ({ id: `K${index + 1}`, ...row }));

/**
 * Those that each run of the tests goes through: a second death while the agent is being brought back, and the keeper in
 * the middle of it, is where two processes have to agree on who speaks.
 */
export const inLane: readonly string[] = ['K28'];
