/**
 * What `start(call)` returned, read once. An option that Lastword would have to overrule is refused in one line, with
 * what to use instead; what an option says anyway is taken.
 */
import { ParticipantKind } from '@livekit/rtc-node';
import { describeValue } from '../errors/config-error.ts';
import type { HangUpPolicy } from '../journal/entry.ts';
import type { CallerWish } from './caller/choice.ts';
import type { StartOptions } from './definition.ts';

const fields = ['inputOptions', 'outputOptions', 'record'];
const ofCaller = ['participantIdentity', 'participantKinds'];
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined when it can be done as it says. */
export function startProblem(
  value: unknown,
  { hangUp, program }: { hangUp: HangUpPolicy; program?: unknown },
): string | undefined {
  if (!isObject(value)) return `start(call): expected options of AgentSession.start(), got ${describeValue(value)}`;
  const unknown = Object.keys(value).find((field) => !fields.includes(field));
  if (unknown !== undefined)
    return `start(call).${unknown}: expected one of ${fields.join(', ')}; agent and room are given by Lastword`;
  for (const field of ['inputOptions', 'outputOptions'] as const) {
    const options = value[field];
    if (options !== undefined && !isObject(options))
      return `start(call).${field}: expected an object, got ${describeValue(options)}`;
  }
  const input = (value['inputOptions'] ?? {}) as Record<string, unknown>;
  const problem = (name: string, expected: string) =>
    `start(call).inputOptions.${name}: expected ${expected}, got ${describeValue(input[name])}`;
  if (program) {
    const other =
      Object.keys(input).find((name) => !ofCaller.includes(name)) ?? fields.slice(1).find((name) => name in value);
    if (other !== undefined)
      return `start(call): expected inputOptions with ${ofCaller.join(' and ')} only, got ${other}: a program has no AgentSession to start`;
  }
  const { participantIdentity: identity, participantKinds: kinds, closeOnDisconnect, deleteRoomOnClose } = input;
  if (identity !== undefined && (typeof identity !== 'string' || identity === ''))
    return problem('participantIdentity', 'the identity of the caller, or nothing');
  const isKind = (kind: unknown) => typeof kind === 'number' && ParticipantKind[kind] !== undefined;
  if (kinds !== undefined && !(Array.isArray(kinds) && kinds.length > 0 && kinds.every(isKind)))
    return problem('participantKinds', 'a list of ParticipantKind, not empty, or nothing');
  if (closeOnDisconnect === false)
    return problem(
      'closeOnDisconnect',
      'true or nothing: the call ends when its caller hangs up, and who was lost may come back within policy.callerGraceMs',
    );
  const deletes = hangUp.normal === 'delete-room';
  if (typeof deleteRoomOnClose === 'boolean' && deleteRoomOnClose !== deletes)
    return problem(
      'deleteRoomOnClose',
      `${deletes} or nothing: what becomes of the room is said by hangUp: { normal: '${deletes ? 'leave' : 'delete-room'}' }`,
    );
  return undefined;
}

export const callerWishOf = ({ inputOptions }: StartOptions): CallerWish => {
  const { participantIdentity: identity, participantKinds: kinds } = inputOptions ?? {};
  return { ...(identity !== undefined && { identity }), ...(kinds !== undefined && { kinds }) };
};
