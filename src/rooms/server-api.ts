/**
 * Rooms on livekit-server-sdk.
 *
 * What the SDK lacks is here: a deadline for one attempt that is not 10 s, retries on a self-hosted server (the SDK
 * makes one attempt), and the server's own word on the result.
 *
 *   R1  hangUp never rejects, and settles as soon as its signal says stop
 *   R2  one deletion in flight for a room; after an attempt without an answer the server is asked what is left before
 *       anything is done again, since the silent attempt may have worked
 *   R3  verified means: the server was asked afterwards and said so
 *   R4  a refused key is said once, loudly, and not retried
 *   R5  a room of the same name with another sid is another call: the one that was meant is gone
 *   R6  a telephone is removed before its room is deleted, or its BYE would come without the headers of the call; but no
 *       telephone keeps a room
 */
import {
  AgentDispatchClient,
  DataPacket_Kind,
  JobRestartPolicy,
  RoomServiceClient,
  ServerError,
  SipCallError,
  SipClient,
} from 'livekit-server-sdk';
import pRetry from 'p-retry';
import type { LiveKitAccess } from '../link/messages.ts';
import { Deletions } from './deletions.ts';
import { deleteBy, removeBy } from './client-watch.ts';
import { refusalOf, type Referrals } from './refer.ts';
import { RoomsError } from './rooms-error.ts';
import { type HangUpRequest, type HangUpResult, type Occupant, type Rooms, SESSION_TOPIC } from './rooms.ts';
import { messageOf } from '../errors/thrown.ts';
import { unlessAborted } from '../waiting/deadline.ts';

export type RoomsOptions = {
  /** For one request; default 1,000 ms. A deletion takes 35 to 65 ms on a healthy server. */
  attemptMs?: number;
  /** When the caller's signal never says stop; default 30,000 ms for a whole call of Rooms. */
  longestMs?: number;
  log?: { error(fields: object, message: string): void };
};

const ON_BEHALF = 'lk.publish_on_behalf';
const ours = { restartPolicy: JobRestartPolicy.JRP_NEVER };
// livekit.ParticipantInfo.Kind, by number; an unknown one is somebody we know nothing of.
const KINDS: Record<number, Occupant['kind']> = { 0: 'standard', 1: 'ingress', 2: 'egress', 3: 'sip', 4: 'agent' };

const RETRY = { retries: Number.POSITIVE_INFINITY, minTimeout: 50, factor: 2, maxTimeout: 1_000, randomize: true };

/** The server's own default. */
const RINGING_MS = 30_000;

/** Thrown into the retry loop: the server did as told and somebody is still there. */
class StillThere extends Error {}

/** LiveKit repeats the token it refused; a log is no place for one. */
const withoutTokens = (message: string): string => message.replace(/eyJ[\w-]+(\.[\w-]+)*/g, '(token)');

/** `fetch failed` alone says nothing: its cause does. */
const withCause = (thrown: unknown): string => {
  const cause: unknown = thrown instanceof Error ? thrown.cause : undefined;
  if (!(cause instanceof Error)) return messageOf(thrown);
  return `${messageOf(thrown)} (${'code' in cause ? String(cause.code) : cause.message})`;
};

/** One hang-up: what was asked, and whom the server listed last, for the evidence. */
type HangUp = HangUpRequest & { left: string[] };

const nameOf = ({ identity }: Occupant): string => identity;

const stopped = () => new RoomsError('stopped before the server had answered');

/** Effect. A client of its own for one LiveKit server; opens no connection yet. */
export const openRooms = (access: LiveKitAccess, options: RoomsOptions = {}): Rooms & Referrals => {
  const { attemptMs = 1_000, longestMs = 30_000, log } = options;
  const timing = { requestTimeout: attemptMs / 1_000, failover: false };
  const client = new RoomServiceClient(access.url, access.apiKey, access.apiSecret, timing);
  const dispatches = new AgentDispatchClient(access.url, access.apiKey, access.apiSecret, timing);
  const sip = new SipClient(access.url, access.apiKey, access.apiSecret, timing);
  const deletions = new Deletions();
  let refusalSaid = false;

  const translated = (doing: string, thrown: unknown): RoomsError => {
    if (thrown instanceof RoomsError) return thrown;
    if (!(thrown instanceof ServerError)) {
      const late = thrown instanceof Error && thrown.name === 'TimeoutError';
      const why = late ? `no answer within ${attemptMs} ms` : withCause(thrown);
      return new RoomsError(`${doing}: ${why}`, { cause: thrown });
    }
    const { status } = thrown;
    if (status !== 401 && status !== 403) {
      // Twirp: 400 is a request that will never be understood; 404 is left to whoever asked.
      return new RoomsError(`${doing}: ${status} ${withoutTokens(thrown.message)}`, {
        status,
        hopeless: status === 400,
        cause: thrown,
      });
    }
    const error = new RoomsError(
      `${doing}: LiveKit refused the API key (${status}: ${withoutTokens(thrown.message)}); check LIVEKIT_API_KEY and LIVEKIT_API_SECRET`,
      { status, hopeless: true, cause: thrown },
    );
    if (!refusalSaid) log?.error({ url: access.url, status }, error.message); // R4
    refusalSaid = true;
    return error;
  };

  const ask = async <Value>(doing: string, signal: AbortSignal, request: () => Promise<Value>): Promise<Value> => {
    try {
      return await unlessAborted(request(), signal, stopped);
    } catch (thrown) {
      throw translated(doing, thrown);
    }
  };
  /** The same, when 404 means that there is nothing to do: then `false`. */
  const askGone = async (doing: string, signal: AbortSignal, request: () => Promise<void>): Promise<boolean> => {
    try {
      await ask(doing, signal, request);
      return true;
    } catch (error) {
      if (error instanceof RoomsError && error.status === 404) return false;
      throw error;
    }
  };

  const list = async (room: string, signal: AbortSignal): Promise<Occupant[]> => {
    try {
      const found = await ask('list participants', signal, () => client.listParticipants(room));
      return found.map(({ identity, sid, kind, joinedAt, attributes }) => ({
        identity,
        sid,
        kind: KINDS[kind] ?? 'other',
        ...(joinedAt > 0n && { joinedAt: Number(joinedAt) * 1_000 }),
        ...(attributes[ON_BEHALF] !== undefined && { onBehalfOf: attributes[ON_BEHALF] }),
      }));
    } catch (error) {
      if (error instanceof RoomsError && error.status === 404) return [];
      throw error;
    }
  };
  const sidOf = async (room: string, signal: AbortSignal): Promise<string | undefined> => {
    const found = await ask('list rooms', signal, () => client.listRooms([room]));
    return found.find(({ name }) => name === room)?.sid;
  };
  const isGone = async ({ room, roomSid, signal }: HangUp): Promise<boolean> => {
    const sid = await sidOf(room, signal);
    return sid === undefined || (roomSid !== undefined && sid !== roomSid); // R5
  };

  /** Tries until it works, is hopeless, or the signal says stop. Rejects with the last error of the server. */
  const persist = async <Value>(signal: AbortSignal, attempt: (number: number) => Promise<Value>): Promise<Value> => {
    let last: unknown;
    try {
      return await pRetry(
        async (number) => {
          try {
            return await attempt(number);
          } catch (error) {
            // What the server said is worth more than that we stopped.
            if (!signal.aborted || last === undefined) last = error;
            throw error;
          }
        },
        {
          ...RETRY,
          maxRetryTime: longestMs,
          signal,
          shouldRetry: ({ error }) => !(error instanceof RoomsError && error.hopeless),
        },
      );
    } catch (error) {
      throw last ?? (signal.aborted ? new RoomsError('stopped before the first attempt') : error);
    }
  };

  const removeOnce = async (room: string, identity: string, signal: AbortSignal): Promise<void> =>
    void (await askGone(`remove ${identity}`, signal, () => removeBy(client, room, identity)));

  /** R6. Within a limit of its own: the deletion has to come in the same attempt. Rejects only when all is hopeless. */
  const removeTelephones = async ({ room, sip, signal }: HangUp): Promise<void> => {
    if (sip?.length === 0) return;
    const soon = AbortSignal.any([signal, AbortSignal.timeout(attemptMs / 2)]);
    try {
      const them = sip ?? (await list(room, soon)).filter(({ kind }) => kind === 'sip').map(nameOf);
      await Promise.allSettled(them.map((identity) => removeOnce(room, identity, soon)));
    } catch (error) {
      if (error instanceof RoomsError && error.hopeless) throw error;
    }
  };

  const deleteRoom = async (hangUp: HangUp): Promise<void> => {
    const { room, signal } = hangUp;
    await removeTelephones(hangUp);
    await askGone('delete room', signal, () => deletions.once(room, () => deleteBy(client, room)));
    if (await isGone(hangUp)) return; // R3
    hangUp.left = (await list(room, signal)).map(nameOf);
    throw new StillThere('the room was deleted and is still listed');
  };

  const removeThose = async (hangUp: HangUp, whom: (occupant: Occupant) => boolean): Promise<void> => {
    const { room, signal } = hangUp;
    const listed = await list(room, signal);
    hangUp.left = listed.map(nameOf);
    // One who cannot be removed must not keep the others in the room.
    const removals = await Promise.allSettled(
      listed.filter(whom).map(({ identity }) => removeOnce(room, identity, signal)),
    );
    const failed = removals.find((removal) => removal.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    const left = await list(room, signal); // R3
    hangUp.left = left.map(nameOf);
    const stayed = left.filter(whom);
    if (stayed.length > 0) throw new StillThere(`removed and still listed: ${stayed.map(nameOf).join(', ')}`);
  };

  const once = async (hangUp: HangUp, number: number): Promise<void> => {
    if (number > 1 && (await isGone(hangUp))) {
      hangUp.left = [];
      return; // R2
    }
    switch (hangUp.strategy) {
      case 'delete-room':
        return deleteRoom(hangUp);
      case 'remove-sip':
        return removeThose(hangUp, ({ kind }) => kind === 'sip');
      case 'leave':
        if (hangUp.agent === undefined) {
          throw new RoomsError("leave: the agent's identity is not known, so nothing can be verified", {
            hopeless: true,
          });
        }
        return removeThose(hangUp, ({ identity }) => identity === hangUp.agent);
      case 'remove-caller': {
        const caller = hangUp.caller ?? (await onlyCaller(hangUp));
        return removeThose(hangUp, ({ identity }) => identity === caller);
      }
      default: {
        // The types ask for a case; a row of a later version may hold a word that has none here, and nothing was done.
        throw new RoomsError(`${String(hangUp.strategy satisfies never)}: this version knows no such way to hang up`, {
          hopeless: true,
        });
      }
    }
  };
  /** A start that failed before a caller was linked still has to release the one who waits. */
  const onlyCaller = async ({ room, signal }: HangUpRequest): Promise<string | undefined> => {
    const people = (await list(room, signal)).filter(({ kind }) => kind === 'standard' || kind === 'sip');
    if (people.length <= 1) return people[0]?.identity;
    throw new RoomsError(`remove-caller: no caller was linked and there are ${people.length} participants`, {
      hopeless: true,
    });
  };

  return {
    sidOf,
    occupants: (room, signal) => persist(signal, () => list(room, signal)),
    remove: (room, identity, signal) => persist(signal, () => removeOnce(room, identity, signal)),
    // One attempt: a request that got no answer may have been carried out, and two dispatches are two agents. Recovery
    // repeats it itself, when nobody has come; and a job of it that dies is recovery's, not LiveKit's to begin again.
    dispatch: (room, agentName, metadata, signal) =>
      ask('dispatch', signal, async () => (await dispatches.createDispatch(room, agentName, { metadata, ...ours })).id),
    tell: (room, message, signal) => {
      const bytes = new TextEncoder().encode(JSON.stringify(message));
      const options = { topic: SESSION_TOPIC };
      return ask('tell the room', signal, () => client.sendData(room, bytes, DataPacket_Kind.RELIABLE, options));
    },
    undispatch: (room, dispatch, signal) =>
      persist(signal, async (number) => {
        const isDone = await askGone('delete a dispatch', signal, () => dispatches.deleteDispatch(dispatch, room));
        return isDone || number > 1; // an attempt of ours that got no answer may have worked
      }),
    refer: async (room, identity, to, signal, { ringingMs = RINGING_MS, ...wanted } = {}) => {
      // The SDK adds two seconds to the ringing; BigInt, which it uses, takes whole seconds only.
      const ringingTimeout = Math.max(1, Math.ceil(ringingMs / 1_000));
      const longestReferMs = Math.ceil(ringingMs) + attemptMs;
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(longestReferMs)]);
      try {
        if (inTime.aborted) return { outcome: 'failed', error: 'refer: stopped before it was asked for' };
        const referring = sip.transferSipParticipant(room, identity, to, { ...wanted, ringingTimeout });
        await unlessAborted(referring, inTime, stopped);
        return { outcome: 'transferred' };
      } catch (thrown) {
        const { message } = thrown instanceof SipCallError ? thrown : translated('refer', thrown);
        const isLate = inTime.aborted && !signal.aborted;
        return { ...refusalOf(thrown), error: isLate ? `refer: no answer within ${longestReferMs} ms` : message };
      }
    },
    hangUp: async (request): Promise<HangUpResult> => {
      const hangUp: HangUp = { ...request, left: [] };
      let attempts = 0;
      try {
        await persist(request.signal, (number) => {
          attempts = number;
          return once(hangUp, number);
        });
        return { verified: true, attempts, left: hangUp.strategy === 'delete-room' ? [] : hangUp.left };
      } catch (error) {
        return { verified: false, attempts, left: hangUp.left, error: messageOf(error) }; // R1
      }
    },
  };
};
