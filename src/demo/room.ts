/**
 * The room of a call in the terminal: its caller, who is here, and the agents, which connect to it. The keeper asks about
 * it as it asks LiveKit (stand-in.ts).
 *
 *   R1  An agent whose process died stays listed until somebody removes it, as on a real server.
 *   R2  The caller hears and is heard by the agents that are connected and were not removed.
 */
import type { SessionId } from '../journal/ids.ts';
import { type ChannelServer, type LineChannel, openChannel } from '../livekit/terminal/line-channel.ts';
import type { AgentAct, CallerAct, CallerHears } from '../livekit/terminal/room-messages.ts';

/** As livekit-server writes it. */
export type Listed = { identity: string; sid: string; kind: 'STANDARD' | 'AGENT'; joinedAt: string };
type Agent = { listed: Listed; channel: LineChannel<CallerAct, AgentAct> | undefined; hasMetCaller: boolean };

const CALLER = 'you';
const secondsNow = (): string => String(Math.floor(Date.now() / 1_000));

export class TerminalRoom {
  readonly name: string;
  readonly sid: string;
  readonly #server: ChannelServer<CallerAct, AgentAct>;
  readonly #agents = new Map<string, Agent>();
  readonly #caller: Listed;
  #isCallerThere = true;
  #isDeleted = false;
  #onHeard: (sound: CallerHears) => void = () => {};
  #onLost: () => void = () => {};

  private constructor(session: SessionId, server: ChannelServer<CallerAct, AgentAct>) {
    this.name = session;
    this.sid = `RM_${session}`;
    this.#caller = { identity: CALLER, sid: 'PA_caller', kind: 'STANDARD', joinedAt: secondsNow() };
    this.#server = server;
    server.onPeer((channel) => this.#enter(channel));
  }

  /** *Effect.* A room of its own for each session: what an earlier call left unsettled finds nobody. */
  static async open(session: SessionId): Promise<TerminalRoom> {
    return new TerminalRoom(session, await openChannel<CallerAct, AgentAct>());
  }

  /** For the environment of a job. */
  get path(): string {
    return this.#server.path;
  }
  get isDeleted(): boolean {
    return this.#isDeleted;
  }
  /** Does an agent hear the caller? */
  get isHeard(): boolean {
    return [...this.#agents.values()].some(({ channel }) => channel !== undefined);
  }
  get listed(): Listed[] {
    if (this.#isDeleted) return [];
    return [...(this.#isCallerThere ? [this.#caller] : []), ...[...this.#agents.values()].map(({ listed }) => listed)];
  }

  /** What the caller of an agent hears. */
  onHeard(listen: (sound: CallerHears) => void): void {
    this.#onHeard = listen;
  }
  /** The process of an agent is gone. */
  onLost(listen: () => void): void {
    this.#onLost = listen;
  }

  does(act: CallerAct): void {
    if (act.type === 'hang-up' || act.type === 'vanish') this.#isCallerThere = false;
    if (act.type === 'join' || act.type === 'return') this.#isCallerThere = true;
    for (const agent of this.#agents.values()) this.#tell(agent, act);
  }

  /** @returns false: there is nobody of that name */
  remove(identity: string): boolean {
    if (identity === CALLER && this.#isCallerThere) {
      this.does({ type: 'hang-up' });
      return true;
    }
    return this.#agents.delete(identity);
  }

  /** Whoever is still in it is out of it. */
  delete(): void {
    if (this.#isDeleted) return;
    this.does({ type: 'hang-up' });
    this.#isDeleted = true;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  #enter(channel: LineChannel<CallerAct, AgentAct>): void {
    let agent: Agent | undefined;
    channel.onMessage((act) => {
      if (act.type === 'hung-up') this.#isCallerThere = false;
      if (act.type === 'heard') this.#onHeard(act.sound);
      if (act.type !== 'here') return;
      const { identity } = act;
      const listed: Listed = { identity, sid: `PA_${identity}`, kind: 'AGENT', joinedAt: secondsNow() };
      agent = { listed, channel, hasMetCaller: false };
      this.#agents.set(identity, agent);
      if (this.#isCallerThere && !this.#isDeleted) this.#tell(agent, { type: 'join' });
    });
    channel.onGone(() => {
      if (agent) agent.channel = undefined; // R1
      this.#onLost();
    });
  }

  /** Who never met the caller meets one who joins, not one who is back or leaves. */
  #tell(agent: Agent, act: CallerAct): void {
    if (!agent.hasMetCaller && act.type !== 'join' && act.type !== 'return') return;
    agent.channel?.send(act.type === 'return' && !agent.hasMetCaller ? { type: 'join' } : act);
    agent.hasMetCaller = true;
  }
}
