import { llm } from '@livekit/agents';
import { endOf, type HangUpStrategy } from '../../../machines/index.ts';
import { currentCall } from '../current-call.ts';

export type EndSessionToolOptions = {
  /** What the model reads to decide. Default: end the call when the caller is done or says goodbye. */
  description?: string;
  /** Default `agent_ended`. */
  reason?: string;
  /** How the caller is let go; default: as the definition's `hangUp` says. */
  hangUp?: HangUpStrategy;
};

/**
 * The tool `end_session`: the model asks for the end, the goodbye is ours. It returns nothing, so the SDK asks the
 * model for no farewell of its own, and it may be called 300 times in a row.
 */
export function endSessionTool(options: EndSessionToolOptions = {}) {
  const {
    description = 'Ends the call. Use it when the caller is done or says goodbye. Do not say goodbye yourself: that is done for you.',
    reason = endOf('agent', 'agent_ended').reason,
    hangUp,
  } = options;
  return llm.tool({
    name: 'end_session',
    description,
    execute: async () => {
      currentCall().end(reason, hangUp === undefined ? {} : { hangUp });
    },
  });
}
