/** Items of the conversation, as the journal keeps them. */
import type { llm, voice } from '@livekit/agents';
import type { Image } from '../../journal/blobs.ts';
import type { Item, Json } from '../../journal/entry.ts';
import { toJson } from '../../journal/json.ts';
import type { LiveJob } from '../live-job.ts';

export type ToolItem = llm.FunctionCall | llm.FunctionCallOutput;

export const isToolItem = (item: llm.ChatItem): item is ToolItem =>
  item.type === 'function_call' || item.type === 'function_call_output';

/** Into the journal, as it is committed. `speech`: which said it. */
export function recordItem(
  job: LiveJob,
  item: llm.ChatMessage | llm.AgentHandoffItem | ToolItem,
  session: voice.AgentSession,
  speech?: string,
): void {
  const sdk = sdkJsonOf(item, (image) => job.blobs?.keep(image));
  job.recorder.append('item', {
    ...(isToolItem(item) ? toolItemOf(item) : itemOf(item, session)),
    ...(speech !== undefined && { speech }),
    ...(sdk !== undefined && { sdk }),
  });
  job.requests?.holds(item.id);
}

const itemOf = (item: llm.ChatMessage | llm.AgentHandoffItem, session: voice.AgentSession): Item => {
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
    createdAt: saidAt(item),
  };
};

/** A call of a tool, or what it gave. */
const toolItemOf = ({ id, createdAt }: ToolItem): Item => ({
  id,
  role: 'tool',
  text: '',
  interrupted: false,
  createdAt,
});

/** An answer is made before it is heard, and what the caller says meanwhile comes first. */
const saidAt = ({ role, metrics, createdAt }: llm.ChatMessage): number => {
  const { startedSpeakingAt } = metrics;
  return role === 'assistant' && startedSpeakingAt !== undefined ? Math.round(startedSpeakingAt * 1000) : createdAt;
};

/**
 * The SDK's own JSON of an item, with a name in the place of each image; `keep` gets the images. Undefined where the SDK
 * cannot say it: what a user's code made of an item is not ours to fail at.
 */
export function sdkJsonOf(item: llm.ChatItem, keep: (image: Image) => void): Json | undefined {
  try {
    const json = item.toJSON() as { [key: string]: unknown };
    if (item.type === 'message' && Array.isArray(json['content']))
      json['content'] = json['content'].map((part: unknown, index) =>
        withoutImage(part, item.content[index], `${item.id}.${index}`, keep),
      );
    return toJson(json);
  } catch {
    return undefined;
  }
}

type Content = llm.ChatMessage['content'][number] | undefined;

const withoutImage = (part: unknown, content: Content, ref: string, keep: (image: Image) => void): unknown => {
  if (typeof content !== 'object' || !('type' in content) || content.type !== 'image_content') return part;
  const image = imageOf(content, ref);
  if (!image) return part; // a link
  keep(image);
  return { ...(part as object), image: { blob: ref } };
};

const DATA_URL = /^data:([^;,]*)(?:;[^;,]*)*?;base64,/;

const imageOf = ({ image, mimeType }: llm.ImageContent, ref: string): Image | undefined => {
  if (typeof image !== 'string') {
    const { width, height, type, data } = image;
    return { ref, bytes: data.byteLength, pixels: { width, height, type }, content: () => data };
  }
  const [head, type = ''] = DATA_URL.exec(image.slice(0, 256)) ?? [];
  if (head === undefined) return undefined;
  const bytes = Math.floor(((image.length - head.length) * 3) / 4);
  return { ref, bytes, mimeType: mimeType ?? type, content: () => Buffer.from(image.slice(head.length), 'base64') };
};
