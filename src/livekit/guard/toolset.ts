/**
 * Toolsets, guarded: `setup` (a database, a server of tools) and `aclose` are the user's code, and the SDK waits for
 * both without a limit, in the start, in a handoff and in the close.
 *
 *   S1  As it was thrown: a toolset may hold others and ask them. The SDK goes on without a toolset whose setup fails.
 *   S2  Tools that are pushed later may be toolsets.
 */
import { llm, type voice } from '@livekit/agents';
import type { LiveJob } from '../live-job.ts';
import { bounded } from './patience.ts';

type Tools = Parameters<voice.Agent['updateTools']>[0];

/** Each once; `agent` is undefined for those of the session. */
export function guardToolsets(job: LiveJob, toolsets: readonly llm.Toolset[], agent?: voice.Agent): void {
  for (const toolset of toolsets) {
    const isKnown = job.guarded.toolsets.has(toolset);
    job.guarded.toolsets.set(toolset, agent);
    if (!isKnown) guardToolset(job, toolset);
  }
}

/** None of tools that the SDK will refuse: it says why. */
export const toolsetsIn = (tools: Tools): readonly llm.Toolset[] => {
  try {
    return llm.toToolContext(tools).toolsets;
  } catch {
    return [];
  }
};

function guardToolset(job: LiveJob, toolset: llm.Toolset): void {
  const setup = toolset.setup.bind(toolset);
  const aclose = toolset.aclose.bind(toolset);
  const owner = () => job.guarded.toolsets.get(toolset);
  const guarded = (name: string, run: () => Promise<void>) => async (): Promise<void> => {
    const hook = `${name} of toolset ${toolset.id}`;
    const failed = await bounded(job, owner(), hook, job.definition.policy.toolMs, run);
    if (failed) throw failed.error; // S1
  };
  const define = (name: 'setup' | 'aclose', value: unknown) =>
    Reflect.defineProperty(toolset, name, { value, configurable: true, writable: true });
  define('setup', (context: llm.ToolsetContext) => {
    const updateTools: llm.ToolsetContext['updateTools'] = (tools) => {
      if (!job.guarded.isOver) guardToolsets(job, toolsetsIn(tools), owner()); // S2
      context.updateTools(tools);
    };
    return guarded('setup', () => setup({ ...context, updateTools }))();
  });
  define('aclose', guarded('aclose', aclose));
}
