/**
 * The report: one JSON document for one session. The JSON Schema that is published comes from here.
 *
 * Rules for whoever adds a field: what is unknown is null and never absent; times are ISO 8601 in UTC, durations are
 * milliseconds and end in `Ms`; nothing is renamed or removed within one `version`.
 */
import { z } from 'zod';

const text = z.string();
const time = z.string().meta({ format: 'date-time' });
const ms = z.number().min(0);
const count = z.int().min(0);
const json = z.json().meta({ id: 'Json', description: 'Any JSON value.' });

const end = z.object({
  by: z.enum(['caller', 'agent', 'operator', 'limit', 'system']).describe('Who ended it.'),
  reason: text.min(1).describe('A built-in reason, or a word of the application. Never empty.'),
  fault: z.enum(['none', 'caller', 'application', 'provider', 'platform']).describe('Whose fault it was.'),
  detail: text.nullable().describe('One line for people: an error, a disconnect reason.'),
});

const line = z.object({
  line: text.describe(
    'greeting, recovery, filler, nudge, again (asked to say it again), windDown, goodbye or apology.',
  ),
  outcome: z
    .enum(['played', 'cut', 'skipped', 'failed', 'held-back', 'unknown'])
    .describe('`unknown`: it was asked for, and the process died before it could say how it went.'),
  rung: text.nullable().describe('live (the TTS of the session) or bundled (recorded audio).'),
  text: text.nullable().describe('What was to be said; null for a recording of the user’s, and where it is not known.'),
  startedAt: time.nullable().describe('When the first audio was played; null if none was.'),
  firstAudioMs: ms.nullable().describe('From asking for the line to its first audio.'),
  heardMs: ms.nullable().describe('How much was played to somebody, never more than there was; null if unknown.'),
  plannedMs: ms.nullable().describe('How much sound there was: the whole line, unless it was cut while it was made.'),
  interrupted: z.boolean().describe('It began and was not played to its end.'),
  why: text.nullable().describe('Why it was cut, skipped, held back, or failed.'),
});

const told = z.object({
  component: text.describe('llm, tts, stt, …: the model; else where it happened: hook onEnter, room, process, …'),
  message: text.describe('In the words of whoever failed.'),
  code: text.nullable().describe('What a provider answered with, where it did: an HTTP status.'),
  label: text.nullable().describe('Which model, by its label in the SDK.'),
  recoverable: z.boolean().describe('False: nothing tried it again.'),
  times: z.int().min(1).describe('How often it was told, before there was a sign that it works.'),
  at: time.nullable().describe('The first time.'),
  epoch: count.describe('In which process; 0 is the keeper.'),
});

const percentiles = z.object({
  count: count.describe('Turns that were answered.'),
  minMs: ms.describe('The quickest.'),
  p50Ms: ms.describe('Half of them were as quick (nearest rank).'),
  p90Ms: ms.describe('Nine of ten were as quick.'),
  p95Ms: ms.describe('Nineteen of twenty.'),
  p99Ms: ms.describe('Ninety-nine of a hundred.'),
  maxMs: ms.describe('The slowest.'),
});

export const reportSchema = z
  .object({
    type: z.literal('session.report').describe('Which kind of document this is.'),
    version: z.literal(1).describe('Fields are added within it, none is renamed or removed.'),
    id: text.describe('Stable: the same in every delivery attempt, and after any crash. The `webhook-id`.'),
    timestamp: time.nullable().describe('When the session was over: the last thing its journal knows.'),

    session: text.describe('The session: the id of its first job.'),
    follows: text
      .nullable()
      .describe('The session before: LiveKit began its job again when its report was sealed. Null for any other.'),
    job: text.nullable().describe('The LiveKit job that was dispatched first.'),
    agentName: text.nullable().describe('The dispatched name; empty for automatic dispatch.'),
    room: z
      .object({ name: text.describe('Its name.'), sid: text.nullable().describe('Its id on the server.') })
      .nullable()
      .describe('The LiveKit room.'),
    policyHash: text.nullable().describe('Of the limits in force. Null if the job never opened its journal.'),
    machineHash: text.nullable().describe('Of the state machine that ran.'),
    versions: z.record(text, text).describe('Of Lastword, the SDK and Node.js.'),
    metadata: json.describe('Of the job: parsed if it is JSON, else the text; null if there was none.'),

    times: z
      .object({
        acceptedAt: time.nullable().describe('The worker took the job.'),
        openedAt: time.nullable().describe('The job began to write its journal.'),
        connectedAt: time.nullable().describe('The agent was in the room.'),
        callerJoinedAt: time.nullable().describe('The caller was there; a telephone: picked up.'),
        firstAudioAt: time.nullable().describe('The caller heard the first sound.'),
        endedAt: time.nullable().describe('The first end trigger.'),
        releasedAt: time.nullable().describe('The hang-up was done, or the caller had left.'),
        closedAt: time.nullable().describe('The journal was closed. Null if the process died before.'),
        callMs: ms.nullable().describe('The caller in the call: joined to released. Null if nobody came.'),
        totalMs: ms.describe('First to last thing that the journal knows.'),
      })
      .describe('When it came so far.'),

    end: end
      .extend({
        stage: text.describe('Where the session was at the first end trigger: connecting, greeting, conversing, …'),
      })
      .describe('Why it ended: the first reason wins.'),
    alsoTriggered: z.array(end).describe('Later reasons to end; the first one won.'),

    stages: z
      .array(z.object({ stage: text.describe('Its name.'), ms: ms.describe('How long.') }))
      .describe('How long each stage lasted, in order.'),
    path: z
      .array(
        z.object({
          machine: text.describe('session, or recovery: the keeper took the session into its hands.'),
          epoch: count.describe('The process: 1, and one more after each crash; 0 is the keeper.'),
          states: z.array(text).describe('The states that held at once, as dotted paths.'),
          event: text.describe('What led here.'),
          at: time.nullable().describe('When it was entered.'),
          ms: ms.describe('How long it lasted.'),
        }),
      )
      .describe('Each state that the machines were in.'),

    greeting: line
      .nullable()
      .describe('As in `lines`, the try that was heard most. Null if no greeting was asked for.'),
    goodbye: line.nullable().describe('As in `lines`. Null if no goodbye was asked for.'),
    apology: line.nullable().describe('As in `lines`. Null if none was due.'),
    lines: z.array(line).describe('Every line of ours, each rung tried, in order.'),
    hangUp: z
      .object({
        strategy: text.nullable().describe('delete-room, remove-sip, remove-caller or leave.'),
        outcome: z.enum(['verified', 'unverified', 'unknown']).describe('`unknown`: asked for, and the process died.'),
        attempts: count.describe('Requests to the server.'),
        left: z.array(text).describe('Who was still in the room afterwards, as the server said.'),
        by: z.enum(['session', 'recovery']).describe('The call itself, or the keeper after its process died.'),
        error: text.nullable().describe('What the server said last, where it was not verified.'),
        ms: ms.nullable().describe('How long it took.'),
        at: time.nullable().describe('When it was done.'),
      })
      .nullable()
      .describe('Null if no hang-up was tried.'),

    transcript: z
      .array(
        z.object({
          id: text.describe('Of the item, as the SDK has it.'),
          role: text.describe('user, assistant, system or handoff.'),
          source: z
            .enum(['item', 'recognition', 'keys', 'played'])
            .describe(
              '`item`: as the history of the conversation has it. `recognition`: words of the caller that no item holds (their turn was cleared, dropped, or not over). `keys`: pressed on the telephone. `played`: words of the agent that no item holds, as far as they were heard (the process died before they were over, or they were kept out of the history).',
            ),
          text: text.describe('Personal data. Of an interrupted utterance: what was played of it.'),
          interrupted: z.boolean().describe('It was cut short.'),
          heard: z
            .boolean()
            .nullable()
            .describe(
              'Of the assistant’s: was any of it played while the caller was there? False: written only, silent, or said to nobody. Null: not known, or not the assistant’s.',
            ),
          agent: text.nullable().describe('Who spoke, or whom a handoff led to.'),
          at: time.nullable().describe('When it was said: its beginning, or the end of a turn that was recognised.'),
        }),
      )
      .describe('In the order in which it was said.'),
    tools: z
      .array(
        z.object({
          call: text.describe('Id of the call, as the model has it.'),
          name: text.describe('Of the tool.'),
          status: z
            .enum(['settled', 'failed', 'abandoned', 'unknown'])
            .describe('`abandoned`: still running when the session closed. `unknown`: the process died while it ran.'),
          agent: text.nullable().describe('Whose tool it is.'),
          args: json.describe('What the model called it with. Personal data.'),
          output: json.describe('What it gave. Personal data.'),
          error: text.nullable().describe('Why it failed or was given up.'),
          background: z
            .boolean()
            .describe('It went on beside the conversation (`ctx.update`); its result was spoken later.'),
          startedAt: time.nullable().describe('When it was called.'),
          ms: ms.nullable().describe('How long it ran.'),
        }),
      )
      .describe('Every tool that was called, in order.'),
    transfers: z
      .array(
        z.object({
          how: text.describe('refer: the caller’s leg was moved. warm: somebody came into the room.'),
          to: text.describe('A number or an identity. Personal data.'),
          outcome: text.describe('transferred, busy, declined, no_answer, gone, failed, or unknown.'),
          detail: text.nullable().describe('One line for people.'),
          startedAt: time.nullable().describe('When it was asked for.'),
          ms: ms.nullable().describe('How long it took.'),
        }),
      )
      .describe('Each attempt to hand the caller to somebody else.'),
    errors: z.array(told).describe('What failed, one entry for one cause. Empty in a healthy call.'),
    warnings: z
      .array(told)
      .describe(
        'What ended nothing: a try that was followed by a better one, a provider that another replaced, a caller without a microphone.',
      ),
    usage: z
      .array(
        z.looseObject({
          type: text.describe(
            'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage: it says which measures follow.',
          ),
          provider: text.describe('By its own name; `unknown` if it has none.'),
          model: text.describe('By its own name; `unknown` if it has none.'),
        }),
      )
      .describe(
        'For each model, each request once, under the names of the SDK’s `ModelUsage`: inputTokens, outputTokens, charactersCount, audioDurationMs, …',
      ),
    latency: z
      .object({
        greetingMs: ms
          .nullable()
          .describe('From the caller’s coming to the first sound of the greeting. Null: none was heard.'),
        turns: percentiles
          .nullable()
          .describe('From the caller’s last sound to the first audio of the answer. Null: no turns.'),
      })
      .describe('How quick it was.'),
    participants: z
      .array(
        z.object({
          identity: text.describe('As the room has it. Personal data.'),
          sids: z.array(text).describe('More than one after a reconnection.'),
          kind: text.nullable().describe('standard, sip, agent, …'),
          isCaller: z.boolean().describe('The one whom the call was for.'),
          joinedAt: time.nullable().describe('When they were seen first.'),
          leftAt: time.nullable().describe('Null if still there at the end.'),
          leftReason: text
            .nullable()
            .describe('LiveKit’s reason by name; `ROOM_DELETED` or `PARTICIPANT_REMOVED` of whom we sent away.'),
          timesLost: count.describe('Connections lost without leaving.'),
          attributes: z.record(text, text).describe('The last that were known. Personal data.'),
          metadata: text.nullable().describe('The last that was known. Personal data.'),
        }),
      )
      .describe('Everybody in the room but ourselves.'),
    providerSwitches: z
      .array(
        z.object({
          component: text.describe('llm, tts or stt.'),
          label: text.describe('In the SDK.'),
          provider: text.nullable().describe('By its own name.'),
          model: text.nullable().describe('By its own name.'),
          available: z.boolean().describe('False: given up for the next one. True: it works again.'),
          at: time.nullable().describe('When.'),
        }),
      )
      .describe('What a fallback adapter lost and found again.'),
    application: z
      .object({
        outcome: json.describe('What the application gave to `call.end`; null if nothing.'),
        attachments: z.record(text, json).describe('What it attached with `call.attach`.'),
      })
      .describe('What the application’s own code says.'),

    completeness: z
      .object({
        status: z
          .enum(['closed', 'recovered'])
          .describe('`closed`: the session wrote its own last entry. `recovered`: the keeper finished the report.'),
        noticed: z
          .array(
            z.object({
              what: text.describe(
                'closed, died, frozen, unopened, gone, or lost: its journal was removed or replaced.',
              ),
              epoch: count.describe('Which process.'),
              detail: text.nullable().describe('One line for people.'),
              at: time.nullable().describe('When.'),
            }),
          )
          .describe('Why the keeper took the session into its hands.'),
        epochs: z
          .array(
            z.object({
              epoch: count.describe('1, and one more after each crash.'),
              job: text.nullable().describe('Its LiveKit job. Null if it wrote no first entry.'),
              lastSeq: count.describe('Number of its last entry.'),
              entries: count.describe('Entries that went into this report.'),
              ignored: count.describe('Entries after the point where a successor took over.'),
              opened: z.boolean().describe('It wrote its first entry.'),
              closed: z.boolean().describe('It wrote its last entry.'),
              torn: z.boolean().describe('A line was lost or damaged, usually the last.'),
              lost: count.describe(
                'Entries that were written and could not be read: missing numbers, and damaged lines at the end.',
              ),
              passedOver: count.describe(
                'Entries left out because the journal was too long: attributes, metadata, recognised words, requests, log lines, attachments; of one still longer also others, its moves and its end never before them.',
              ),
            }),
          )
          .describe('Each process of the session.'),
        gaps: z
          .array(
            z.object({
              fromEpoch: count.describe('The process that died.'),
              toEpoch: count.nullable().describe('The one by which the caller heard the agent again. Null: by none.'),
              ms: ms
                .nullable()
                .describe(
                  'From when the keeper noticed it to the first sound of the agent after it. Some tenths of a second that were buffered were still heard. Null: there was none.',
                ),
              cause: text.describe(
                'died, frozen, gone or lost, as in `noticed[].what`. What froze had been silent before it was noticed.',
              ),
            }),
          )
          .describe('How long the caller heard nothing, for each death that another process followed.'),
        keeperSeq: count.describe('Number of the keeper’s last entry.'),
        keeperLost: count.describe('Entries of the keeper that could not be read.'),
        keeperPassedOver: count.describe('Entries of the keeper that were left out.'),
        clockMovedMs: z
          .number()
          .nullable()
          .describe(
            'How far the machine’s clock was set in the meantime (or the machine slept): the most, ahead of how it began, negative: back; 0: by no more than 2 s. Times are as that clock said, durations do not depend on it. Null: not known, the journal is of an earlier version.',
          ),
        withheld: z
          .array(
            z.object({
              part: text.describe(
                'caller, participants (attributes, metadata), presence, room, words, history (the SDK’s own JSON of items), images, heard (who is heard when), requests (what models were asked), keys, tools, errors, failures, attachments, usage or notes.',
              ),
              identity: text.nullable().describe('Whose, where that is one participant. Personal data.'),
              entries: count.describe('How many were not written when they came.'),
              bytes: count.describe('Their size.'),
            }),
          )
          .describe(
            'What came in such numbers that the journal did not take all of it. Of attributes, metadata, attachments and usage the last values are here all the same. Empty in an ordinary call.',
          ),
        leftOut: z
          .array(
            z.object({
              part: text.describe('Which field: `path`, `tools.output`, `transcript`, …; `texts`: long ones anywhere.'),
              entries: count.describe('Of how many elements something is left out, or all.'),
              bytes: count.describe('Their size.'),
            }),
          )
          .describe('What the journal has and the report, which is at most 4 MiB, has not. Empty in an ordinary call.'),
      })
      .describe('Is this all there is?'),
  })
  .meta({ title: 'Lastword session report', description: 'What happened in one voice session.' });

export type Report = z.infer<typeof reportSchema>;
