/** The options that the SDK declares, read from its types: a new one has no row, and the test that asks says so. */
import { readFileSync } from 'node:fs';

/** Where they stand, from the SDK's `dist/`; `start` are those of `AgentSession.start()`. */
const places = {
  AgentSessionOptions: 'voice/agent_session.d.ts',
  VoiceOptions: 'voice/agent_session.d.ts',
  ExpressiveOptions: 'voice/agent_session.d.ts',
  RecordingOptions: 'voice/agent_session.d.ts',
  start: 'voice/agent_session.d.ts',
  TurnHandlingOptions: 'voice/turn_config/turn_handling.d.ts',
  EndpointingOptions: 'voice/turn_config/endpointing.d.ts',
  InterruptionOptions: 'voice/turn_config/interruption.d.ts',
  PreemptiveGenerationOptions: 'voice/turn_config/preemptive_generation.d.ts',
  UserTurnLimitOptions: 'voice/turn_config/user_turn_limit.d.ts',
  KeytermsOptions: 'voice/keyterm_detection.d.ts',
  KeytermDetectionOptions: 'voice/keyterm_detection.d.ts',
  ToolHandlingOptions: 'voice/tool_executor.d.ts',
  AsyncToolOptions: 'voice/tool_executor.d.ts',
  SessionConnectOptions: 'types.d.ts',
  APIConnectOptions: 'types.d.ts',
  RoomInputOptions: 'voice/room_io/room_io.d.ts',
  RoomOutputOptions: 'voice/room_io/room_io.d.ts',
  AgentOptions: 'voice/agent.d.ts',
} as const;

export type Declaration = keyof typeof places;
export const declarations = Object.keys(places) as Declaration[];

const dist = new URL('../dist/', import.meta.resolve('@livekit/agents'));

/** The names of its fields. @throws Error when the declaration is not where it was */
export function optionsOf(declaration: Declaration): string[] {
  const url = new URL(places[declaration], dist);
  const text = readFileSync(url, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
  const begin =
    declaration === 'start'
      ? /\bstart\(\{[^}]*\}: \{/
      : new RegExp(`(?:interface ${declaration}|type ${declaration})(?:<[^{]*>)?(?: =)? \\{`);
  const found = begin.exec(text);
  if (!found) throw new Error(`expected ${declaration} in ${places[declaration]} of the SDK, found none`);
  const names: string[] = [];
  let depth = 0;
  for (const line of text.slice(found.index + found[0].length).split('\n')) {
    const name = depth === 0 ? /^\s*(\w+)\??:/.exec(line)?.[1] : undefined;
    if (name !== undefined) names.push(name);
    for (const each of line)
      if ('{(['.includes(each)) depth += 1;
      else if ('})]'.includes(each)) depth -= 1;
    if (depth < 0) return names;
  }
  return names;
}
