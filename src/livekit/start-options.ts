/**
 * What `start(call)` returned, read once. An option that Lastword would have to overrule is refused in one line, with
 * what to use instead; what an option says anyway is taken.
 */
import { ParticipantKind } from '@livekit/rtc-node';
import { z } from 'zod';
import { anObject, expected, fields, linesOf } from '../errors/expected.ts';
import type { HangUpPolicy } from '../journal/entry.ts';
import type { CallerWish } from './caller/choice.ts';
import type { StartOptions } from './definition.ts';

const whatExpected = 'options of AgentSession.start()';
const programAdvice = 'a program has no AgentSession to start';
const identityExpected = expected('the identity of the caller, or nothing');
const kindsExpected = expected('a list of ParticipantKind, not empty, or nothing');
const ofCaller = {
  participantIdentity: z.string(identityExpected).min(1, identityExpected).optional(),
  participantKinds: z
    .array(z.enum(ParticipantKind, expected('a ParticipantKind')), kindsExpected)
    .min(1, kindsExpected)
    .optional(),
};
const optionsOfProgram = fields(
  { inputOptions: fields(ofCaller, { adviceOnUnknown: programAdvice }).optional() },
  { what: whatExpected, adviceOnUnknown: programAdvice },
);
/** `deletes`: what `hangUp` says of the room. */
const optionsOfSession = (deletes: boolean) => {
  const closes = `true or nothing: the call ends when its caller hangs up, and who was lost may come back within policy.callerGraceMs`;
  const stays = `${deletes} or nothing: what becomes of the room is said by hangUp: { normal: '${deletes ? 'leave' : 'delete-room'}' }`;
  return fields(
    {
      inputOptions: anObject
        .extend({
          ...ofCaller,
          closeOnDisconnect: z.custom((value) => value !== false, expected(closes)).optional(),
          deleteRoomOnClose: z.custom((value) => value !== !deletes, expected(stays)).optional(),
        })
        .optional(),
      outputOptions: anObject.optional(),
      record: z.unknown().optional(),
    },
    { what: whatExpected, adviceOnUnknown: 'agent and room are given by Lastword' },
  );
};

/** Undefined when it can be done as it says. */
export const startProblem = (
  value: unknown,
  { hangUp, program }: { hangUp: HangUpPolicy; program?: unknown },
): string | undefined =>
  linesOf(program ? optionsOfProgram : optionsOfSession(hangUp.normal === 'delete-room'), value, 'start(call)')[0];

export const callerWishOf = ({ inputOptions }: StartOptions): CallerWish => {
  const { participantIdentity: identity, participantKinds: kinds } = inputOptions ?? {};
  return { ...(identity !== undefined && { identity }), ...(kinds !== undefined && { kinds }) };
};
