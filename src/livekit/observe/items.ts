/** One item of the conversation, as the journal keeps it. */
import type { llm, voice } from '@livekit/agents';
import type { Item } from '../../journal/entry.ts';

export const itemOf = (item: llm.ChatMessage | llm.AgentHandoffItem, session: voice.AgentSession): Item => {
  if (item.type === 'agent_handoff') {
    return {
      id: item.id,
      role: 'handoff',
      text: '',
      interrupted: false,
      agent: item.newAgentId,
      createdAt: item.createdAt,
    };
  }
  const role = item.role === 'user' || item.role === 'assistant' ? item.role : 'system';
  const agent = role === 'assistant' ? session.currentAgent?.id : undefined;
  return {
    id: item.id,
    role,
    text: item.textContent ?? '',
    interrupted: item.interrupted,
    ...(agent !== undefined && { agent }),
    createdAt: item.createdAt,
  };
};
