import type { LabScript } from './script.ts';

/** What the lab plays unless told otherwise: a receptionist who answers small talk, looks things up and says goodbye. */
export const receptionist: LabScript = {
  rules: [
    {
      when: { afterTool: 'look_up_opening_hours' },
      answer: { say: 'We are open from nine to five, Monday to Friday.' },
    },
    { when: { afterTool: 'end_session' }, answer: {} },
    {
      when: { user: "\\b(good ?bye|bye|that is all|that\\u2019s all|that's all)\\b", offers: 'end_session' },
      answer: { tools: [{ name: 'end_session' }] },
    },
    { when: { user: '\\b(good ?bye|bye|that is all)\\b' }, answer: { say: 'Goodbye.' } },
    {
      when: { user: '\\b(open|opening|hours|close|closing|weekend)\\b', offers: 'look_up_opening_hours' },
      answer: { tools: [{ name: 'look_up_opening_hours', arguments: { day: 'today' } }] },
    },
    {
      when: { user: '\\b(hello|hi|good (morning|afternoon|evening))\\b' },
      answer: { say: 'Hello. What can I do for you?' },
    },
    { when: { user: '\\bhow are you\\b' }, answer: { say: 'Very well, thank you. And you?' } },
    { when: { user: '\\b(thanks|thank you)\\b' }, answer: { say: 'You are welcome. Is there anything else?' } },
    { when: { user: '\\bname\\b' }, answer: { say: 'I am Ada, at the front desk.' } },
    { when: { instruction: 'greet' }, answer: { say: 'Hello, this is Ada at the front desk.' } },
    { when: { instruction: 'goodbye|farewell' }, answer: { say: 'Thank you for calling. Goodbye.' } },
    { when: { instruction: 'still there|silent|quiet' }, answer: { say: 'Are you still there?' } },
  ],
  otherwise: { say: 'I see. Is there anything else I can do for you?' },
};
