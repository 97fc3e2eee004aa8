/** What Lastword does otherwise than the SDK on purpose, where a test of the SDK's sees it. No other may be lost. */
export const onPurpose: readonly { file: string; test: string; why: string }[] = [
  {
    file: 'agent_activity_speech_ownership.test.js',
    test: 'agent speech state ownership > ignores delayed cleanup from an inactive activity',
    why: "the first agent's onEnter begins when a caller is known to be there, one turn of the event loop later: a handoff in that very turn waits for it",
  },
  {
    file: 'agent_activity_tool_output_commit.test.js',
    test: 'AgentActivity tool output commit ordering > ends active speech after entering the tool-call thinking state',
    why: 'the start of a tool is on disk before it runs: one that takes no time at all ends some milliseconds after a playout that takes none',
  },
  {
    file: 'agent_task_close.test.js',
    test: 'preserves the task error when the session closes during resume',
    why: 'session.close() in a tool returns at once, for to wait for it there is to wait for oneself; this test waits outside',
  },
];
