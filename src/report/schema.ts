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
  line: text.describe('greeting, recovery, filler, nudge, windDown, goodbye or apology.'),
  outcome: z
    .enum(['played', 'cut', 'skipped', 'failed', 'held-back', 'unknown'])
    .describe('`unknown`: it was asked for, and the process died before it could say how it went.'),
  rung: text.nullable().describe('live (the TTS of the session) or bundled (recorded audio).'),
  text: text.nullable(),
  startedAt: time.nullable().describe('When the first audio was played; null if none was.'),
  firstAudioMs: ms.nullable().describe('From asking for the line to its first audio.'),
  heardMs: ms.nullable().describe('How much was played to somebody; null if unknown.'),
  plannedMs: ms.nullable().describe('Length of the whole line, where it is known.'),
  interrupted: z.boolean().describe('It began and was not played to its end.'),
  why: text.nullable().describe('Why it was cut, skipped, held back, or failed.'),
});

const percentiles = z.object({
  count: count,
  minMs: ms,
  p50Ms: ms,
  p90Ms: ms,
  p95Ms: ms,
  p99Ms: ms,
  maxMs: ms,
});

export const reportSchema = z
  .object({
    type: z.literal('session.report'),
    version: z.literal(1),
    id: text.describe('Stable: the same in every delivery attempt, and after any crash. The `webhook-id`.'),
    timestamp: time.nullable().describe('When the session was over: the last thing its journal knows.'),

    session: text,
    job: text.nullable(),
    agentName: text.nullable().describe('The dispatched name; empty for automatic dispatch.'),
    room: z.object({ name: text, sid: text.nullable() }).nullable(),
    policyHash: text.nullable().describe('Of the limits in force. Null if the job never opened its journal.'),
    machineHash: text.nullable().describe('Of the state machine that ran.'),
    versions: z.record(text, text),
    metadata: json.describe('Of the job: parsed if it is JSON, else the text; null if there was none.'),

    times: z.object({
      acceptedAt: time.nullable().describe('The worker took the job.'),
      openedAt: time.nullable().describe('The job began to write its journal.'),
      connectedAt: time.nullable().describe('The agent was in the room.'),
      callerJoinedAt: time.nullable(),
      firstAudioAt: time.nullable().describe('The caller heard the first sound.'),
      endedAt: time.nullable().describe('The first end trigger.'),
      releasedAt: time.nullable().describe('The hang-up was done, or the caller had left.'),
      closedAt: time.nullable().describe('The journal was closed. Null if the process died before.'),
      callMs: ms.nullable().describe('The caller in the call: joined to released. Null if nobody came.'),
      totalMs: ms.describe('First to last thing that the journal knows.'),
    }),

    end: end.extend({
      stage: text.describe('Where the session was at the first end trigger: connecting, greeting, conversing, …'),
    }),
    alsoTriggered: z.array(end).describe('Later reasons to end; the first one won.'),

    stages: z.array(z.object({ stage: text, ms })).describe('How long each stage lasted, in order.'),
    path: z
      .array(
        z.object({
          machine: text.describe('session, or recovery: the keeper took the session into its hands.'),
          epoch: count.describe('The process: 1, and one more after each crash; 0 is the keeper.'),
          states: z.array(text).describe('The states that held at once, as dotted paths.'),
          event: text.describe('What led here.'),
          at: time.nullable(),
          ms,
        }),
      )
      .describe('Each state that the machines were in.'),

    greeting: line.nullable().describe('Null if no greeting was asked for.'),
    goodbye: line.nullable().describe('Null if no goodbye was asked for.'),
    apology: line.nullable().describe('Null if none was due.'),
    lines: z.array(line).describe('Every line of ours, each rung tried, in order.'),
    hangUp: z
      .object({
        strategy: text.nullable(),
        outcome: z.enum(['verified', 'unverified', 'unknown']).describe('`unknown`: asked for, and the process died.'),
        attempts: count,
        left: z.array(text).describe('Who was still in the room afterwards, as the server said.'),
        by: z.enum(['session', 'recovery']),
        error: text.nullable(),
        ms: ms.nullable(),
        at: time.nullable(),
      })
      .nullable()
      .describe('Null if no hang-up was tried.'),

    transcript: z
      .array(
        z.object({
          id: text,
          role: text.describe('user, assistant, system or handoff.'),
          text: text.describe('Personal data. Of an interrupted utterance: what was played of it.'),
          interrupted: z.boolean(),
          agent: text.nullable(),
          at: time.nullable(),
        }),
      )
      .describe('In the order in which the conversation has it.'),
    tools: z.array(
      z.object({
        call: text,
        name: text,
        status: z
          .enum(['settled', 'failed', 'abandoned', 'unknown'])
          .describe('`abandoned`: still running when the session closed. `unknown`: the process died while it ran.'),
        agent: text.nullable(),
        args: json,
        output: json,
        error: text.nullable(),
        background: z
          .boolean()
          .describe('It went on beside the conversation (`ctx.update`); its result was spoken later.'),
        startedAt: time.nullable(),
        ms: ms.nullable(),
      }),
    ),
    transfers: z
      .array(
        z.object({
          how: text.describe('refer: the caller’s leg was moved. warm: somebody came into the room.'),
          to: text.describe('A number or an identity. Personal data.'),
          outcome: text.describe('transferred, busy, declined, no_answer, gone, failed, or unknown.'),
          detail: text.nullable(),
          startedAt: time.nullable(),
          ms: ms.nullable(),
        }),
      )
      .describe('Each attempt to hand the caller to somebody else.'),
    errors: z.array(
      z.object({
        component: text,
        message: text,
        code: text.nullable(),
        label: text.nullable(),
        recoverable: z.boolean(),
        at: time.nullable(),
        epoch: count,
      }),
    ),
    usage: z
      .array(z.looseObject({ type: text, provider: text, model: text }))
      .describe('For each model; the measures differ by type (tokens, characters, audio milliseconds).'),
    latency: z.object({
      greetingMs: ms.nullable().describe('Caller there to first sound.'),
      turns: percentiles.nullable().describe('End of the caller’s turn to first audio of the answer. Null: no turns.'),
    }),
    participants: z.array(
      z.object({
        identity: text,
        sids: z.array(text).describe('More than one after a reconnection.'),
        kind: text.nullable(),
        isCaller: z.boolean(),
        joinedAt: time.nullable(),
        leftAt: time.nullable().describe('Null if still there at the end.'),
        leftReason: text.nullable(),
        timesLost: count.describe('Connections lost without leaving.'),
        attributes: z.record(text, text),
        metadata: text.nullable(),
      }),
    ),
    providerSwitches: z
      .array(z.object({ component: text, label: text, available: z.boolean(), at: time.nullable() }))
      .describe('What a fallback adapter lost and found again.'),
    application: z.object({
      outcome: json.describe('What the application gave to `call.end`; null if nothing.'),
      attachments: z.record(text, json).describe('What it attached with `call.attach`.'),
    }),

    completeness: z.object({
      status: z
        .enum(['closed', 'recovered'])
        .describe('`closed`: the session wrote its own last entry. `recovered`: the keeper finished the report.'),
      noticed: z
        .array(z.object({ what: text, epoch: count, detail: text.nullable(), at: time.nullable() }))
        .describe('Why the keeper took the session into its hands.'),
      epochs: z.array(
        z.object({
          epoch: count,
          lastSeq: count,
          entries: count.describe('Entries that went into this report.'),
          ignored: count.describe('Entries after the point where a successor took over.'),
          opened: z.boolean(),
          closed: z.boolean(),
          torn: z.boolean().describe('A line was lost or damaged, usually the last.'),
        }),
      ),
      keeperSeq: count,
    }),
  })
  .meta({ title: 'Lastword session report', description: 'What happened in one voice session.' });

export type Report = z.infer<typeof reportSchema>;
