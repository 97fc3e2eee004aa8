/** Meets every AgentSession of a test file as a job would: made, and not started yet. */
import { voice } from '@livekit/agents';

type Start = voice.AgentSession['start'];

/**
 * @param meet called before the session starts; what it returns is told of the start as soon as that is under way
 */
export function meetSessions(
  meet: (session: voice.AgentSession, options: Parameters<Start>[0]) => ((started: Promise<void>) => void) | void,
): void {
  const start = Reflect.get(voice.AgentSession.prototype, 'start') as Start;
  voice.AgentSession.prototype.start = function startMet(this: voice.AgentSession, options) {
    const isOurs = !met.has(this);
    met.add(this);
    const told = isOurs ? meet(this, options) : undefined;
    const started = start.call(this, options);
    told?.(started);
    return started;
  };
}

const met = new WeakSet<voice.AgentSession>();
