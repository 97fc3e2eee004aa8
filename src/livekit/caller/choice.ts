/**
 * Who of those in a room is the caller. Pure; docs/decisions/2026-11-28-who-the-caller-is.md says why.
 *
 *   K1  The user's word counts: the identity that they named, of whatever kind; or the first of the kinds.
 *   K2  Else whoever can be one: a person, a telephone, a connector; no agent, avatar or recorder, and nobody who may
 *       neither speak nor write.
 *   K3  An inbound telephone that rings is the caller already: it is picked up for our audio. One that was dialled is
 *       nobody until it is answered; only those are ever seen dialling.
 *   K4  Nobody is waited for. Of several the surest counts, and who gave no sign yet (no audio, no key, no word) makes
 *       room for who did: an ordinary caller is alone, and has nobody to make room for.
 */
import { ParticipantKind, type RemoteParticipant, TrackKind, TrackSource } from '@livekit/rtc-node';

/** What `start(call).inputOptions` says of the caller. */
export type CallerWish = { identity?: string; kinds?: readonly ParticipantKind[] };

/** What was seen of people, by identity. */
export type SeenPerson = {
  /** Gave a sign: sent audio, pressed a key, wrote, picked up. What is taken back later (a microphone) stays one. */
  acted: ReadonlySet<string>;
  /** Telephones that were dialled. */
  dialled: ReadonlySet<string>;
  /** Called for a transfer: somebody else for the caller to talk to. */
  called: ReadonlySet<string>;
};

/** How sure it is that somebody is the caller. 0: they are not. */
export type Claim = 0 | 1 | 2 | 3;

const callerKinds: readonly ParticipantKind[] = [
  ParticipantKind.STANDARD,
  ParticipantKind.SIP,
  ParticipantKind.CONNECTOR,
];
const STATUS = 'sip.callStatus';
const RULE = 'sip.ruleID';
const ON_BEHALF = 'lk.publish_on_behalf';

const kindOf = ({ info }: RemoteParticipant): ParticipantKind => info.kind ?? ParticipantKind.STANDARD;
export const kindName = (participant: RemoteParticipant): string =>
  (ParticipantKind[kindOf(participant)] ?? 'STANDARD').toLowerCase();
export const isSip = (participant: RemoteParticipant): boolean => kindOf(participant) === ParticipantKind.SIP;
const statusOf = ({ attributes }: RemoteParticipant): string | undefined => attributes?.[STATUS];

/** A telephone is somebody to speak to once it is answered, not while it rings. */
export const isAnswered = (participant: RemoteParticipant): boolean =>
  !isSip(participant) || ['active', undefined].includes(statusOf(participant));
/** On the way out: only a leg of `createSipParticipant` dials, or sends tones before it speaks. */
export const isDialling = (participant: RemoteParticipant): boolean =>
  isSip(participant) && ['dialing', 'automation'].includes(statusOf(participant) ?? '');
export const isRinging = (participant: RemoteParticipant): boolean =>
  isSip(participant) && statusOf(participant) === 'ringing';

export const hasMicrophone = ({ trackPublications }: RemoteParticipant): boolean =>
  [...trackPublications.values()].some(
    ({ kind, source }) => kind === TrackKind.KIND_AUDIO && source !== TrackSource.SOURCE_SCREENSHARE_AUDIO,
  );

/** An old server says nothing of permissions. */
const isObserver = ({ info }: RemoteParticipant): boolean => {
  const { permission } = info;
  if (!permission) return false;
  const { canPublish, canPublishData, canPublishSources, hidden } = permission;
  const mayTalk =
    canPublish !== false &&
    (canPublishSources.length === 0 || canPublishSources.includes(TrackSource.SOURCE_MICROPHONE));
  return hidden === true || (!mayTalk && canPublishData === false);
};

/** Why somebody is not the caller, in words; undefined when they can be. */
export function whyNot(participant: RemoteParticipant, wish: CallerWish): string | undefined {
  const kind = kindOf(participant);
  if (wish.identity !== undefined && participant.identity !== wish.identity) return 'somebody else is expected';
  if (wish.kinds && !wish.kinds.includes(kind)) return `${kindName(participant)} is not among participantKinds`;
  if (wish.identity !== undefined) return undefined;
  if (!wish.kinds && !callerKinds.includes(kind)) return kindName(participant);
  if (participant.attributes?.[ON_BEHALF]) return 'speaks for an agent';
  return isObserver(participant) ? 'may neither speak nor write' : undefined;
}

export function claimOf(participant: RemoteParticipant, wish: CallerWish, seen: SeenPerson): Claim {
  const { identity } = participant;
  if (whyNot(participant, wish) !== undefined) return 0;
  if (wish.identity !== undefined) return 3;
  if (seen.called.has(identity)) return 0;
  if (isSip(participant)) {
    if (isAnswered(participant) || seen.acted.has(identity)) return 3;
    if (!isRinging(participant) || seen.dialled.has(identity)) return 0; // K3
    return participant.attributes?.[RULE] ? 3 : 2;
  }
  return seen.acted.has(identity) || hasMicrophone(participant) ? 2 : 1;
}

/** A telephone of which it is not told that it came in, and who gave no sign, may turn out to be somebody else. */
const isOpen = (participant: RemoteParticipant, claim: Claim): boolean =>
  claim < 2 || (claim === 2 && isRinging(participant));

/**
 * The caller, out of those who are there, in the order in which they came. `linked` is who it was so far, also when they
 * are away for a moment.
 */
export function choose(
  linked: RemoteParticipant | undefined,
  there: Iterable<RemoteParticipant>,
  wish: CallerWish,
  seen: SeenPerson,
): RemoteParticipant | undefined {
  let best = linked;
  let claim = linked ? claimOf(linked, wish, seen) : 0;
  if (linked && (seen.acted.has(linked.identity) || !isOpen(linked, claim))) return linked;
  for (const one of there) {
    const other = claimOf(one, wish, seen);
    if (other <= claim) continue;
    best = one;
    claim = other;
  }
  return best;
}

/** For the report of a call to which its caller never came. */
export function whoIsThere(there: Iterable<RemoteParticipant>, wish: CallerWish): string {
  const kinds = wish.kinds?.map((kind) => (ParticipantKind[kind] ?? String(kind)).toLowerCase()).join(', ');
  const who = wish.identity ?? (kinds && `one of the kinds ${kinds}`);
  const people = [...there].map((one) => {
    const rings = isAnswered(one) ? undefined : 'was not picked up';
    return `${one.identity} (${whyNot(one, wish) ?? rings ?? kindName(one)})`;
  });
  const found = people.length === 0 ? 'nobody was there' : `there: ${people.join(', ')}`;
  return who === undefined ? found : `expected ${who}; ${found}`;
}
