/**
 * Lifecycle hooks and a handoff. The hooks are the agent's own, as the SDK knows them: `onEnter` greets,
 * `onUserTurnCompleted` adds what the model should know, `onExit` tidies up. Each is under a deadline; one that throws
 * or hangs is in the report, and the call goes on. What an `onExit` would say after the goodbye is held back.
 */
import { llm, voice } from '@livekit/agents';
import { type Call, currentCall, defineSession, endSessionTool, runWorker } from 'lastword';
import { loadVad, models } from './models.ts';

type Caller = { userName: string };

class Billing extends voice.Agent {
  constructor() {
    super({ instructions: 'You are Bea of the billing department.', tools: [endSessionTool()] });
  }

  override async onEnter(): Promise<void> {
    this.session.say('Billing, this is Bea.');
  }

  override async onExit(): Promise<void> {
    currentCall().attach('billing', 'visited');
    this.session.say('Bea is leaving now.'); // held back: the goodbye was the last word
  }
}

class FrontDesk extends voice.Agent<Caller> {
  constructor() {
    super({
      instructions: 'You are Ada at the front desk. Pass questions about invoices on to billing.',
      tools: [
        endSessionTool(),
        llm.tool({
          name: 'transfer_to_billing',
          description: 'Passes the caller on to the billing department.',
          execute: async () => llm.handoff({ agent: new Billing() }),
        }),
      ],
    });
  }

  override async onEnter(): Promise<void> {
    const { userName } = this.session.userData;
    this.session.generateReply({ instructions: `Greet ${userName} personally and offer your assistance.` });
  }

  override async onExit(): Promise<void> {
    currentCall().attach('frontDesk', 'visited');
  }

  override async onUserTurnCompleted(context: llm.ChatContext): Promise<void> {
    context.addMessage({ role: 'system', content: `The time is ${new Date().toISOString()}.` });
  }
}

export default defineSession({
  prewarm: loadVad,
  session: (call: Call) => ({
    ...models(call),
    userData: { userName: (call.metadata as Partial<Caller>).userName ?? 'the caller' },
  }),
  agent: () => new FrontDesk(),
  greeting: 'agent',
  goodbye: { say: 'Thank you for calling. Have a nice day, goodbye.' },
});

runWorker(import.meta.url);
