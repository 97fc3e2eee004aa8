/** Beside `npm start`: talk to the agent, hear it, and break it with buttons. Each is a line as the terminal takes it. */
import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { PlayedCall } from '../answers/page-answers.ts';
import type { PageModel } from '../model/page-model.ts';
import { HeardAloud, openMicrophone } from '../model/sound.ts';

type Breaking = { says: string; line: string; hint: string };
const breakings: readonly { of: string; buttons: readonly Breaking[] }[] = [
  {
    of: 'caller',
    buttons: [
      { says: 'hang up', line: '/hangup', hint: 'the caller leaves' },
      { says: 'vanish', line: '/vanish', hint: 'the connection is lost' },
      { says: 'return', line: '/return', hint: 'and is there again' },
    ],
  },
  ...(['llm', 'tts', 'stt'] as const).map((component) => ({
    of: component,
    buttons: [
      { says: 'fail', line: `/fail ${component}`, hint: 'broken from its next request on' },
      { says: 'slow', line: `/slow ${component}`, hint: 'its next request gets no further' },
      { says: 'silent', line: `/silence ${component}`, hint: 'it answers, with nothing in it' },
    ],
  })),
  {
    of: 'around it',
    buttons: [
      { says: 'hang tool', line: '/hang tool', hint: 'the next look-up gets no answer' },
      { says: 'receiver down', line: '/receiver down', hint: 'reports are refused' },
      { says: 'receiver up', line: '/receiver up', hint: 'and taken again' },
      { says: 'SIGTERM', line: '/shutdown', hint: 'as a deployment does' },
      { says: 'heal all', line: '/heal', hint: 'models, tool and receiver' },
    ],
  },
  {
    of: 'kill -9',
    buttons: [
      { says: 'job', line: '/kill job', hint: 'the process of the call dies; another one goes on with it' },
      { says: 'worker', line: '/kill worker', hint: 'its job talks on, and leaves the call to one of the next worker' },
      { says: 'keeper', line: '/kill keeper', hint: 'the call goes on; the next keeper takes it up' },
    ],
  },
];

export function Playground({ model, played }: { model: PageModel; played: PlayedCall }) {
  const told = useSignal('');
  const isHeard = useSignal(false);
  const endMicrophone = useSignal<(() => void) | undefined>(undefined);
  const input = useRef<HTMLInputElement>(null);
  const send = (line: string) => {
    model.answers.play({ line }).then(
      () => (told.value = line.startsWith('/') ? `✓ ${line}` : ''),
      (error: unknown) => (told.value = `✕ ${error instanceof Error ? error.message : String(error)}`),
    );
  };
  const speak = (event: SubmitEvent) => {
    event.preventDefault();
    const line = input.current?.value.trim() ?? '';
    if (line === '' || !input.current) return;
    send(line);
    input.current.value = '';
  };
  useEffect(() => {
    if (!isHeard.value) return undefined;
    const aloud = new HeardAloud();
    const stop = model.answers.followSound({ take: (sound) => aloud.take(sound), tell: () => undefined });
    return () => {
      stop();
      aloud.close();
    };
  }, [isHeard.value]);
  useEffect(() => () => endMicrophone.peek()?.(), []);
  const turnMicrophone = () => {
    const end = endMicrophone.peek();
    if (end) {
      end();
      endMicrophone.value = undefined;
      return;
    }
    openMicrophone(
      played.microphoneRate ?? 0,
      (samples) => void model.answers.play({ samples }).catch(() => undefined),
    ).then(
      (close) => (endMicrophone.value = close),
      (error: unknown) => (told.value = `✕ microphone: ${error instanceof Error ? error.message : String(error)}`),
    );
  };
  return (
    <section class="playground" aria-label="Play with this call">
      <form class="row" onSubmit={speak}>
        <input
          ref={input}
          aria-label="Say something to the agent"
          placeholder="Say something to the agent…"
          maxLength={500}
          autocomplete="off"
        />
        <button type="submit" class="button strong">
          Say
        </button>
        <button
          type="button"
          class="button"
          aria-pressed={isHeard.value}
          onClick={() => (isHeard.value = !isHeard.value)}
        >
          listen
        </button>
        {played.microphoneRate !== null && (
          <button
            type="button"
            class="button"
            aria-pressed={endMicrophone.value !== undefined}
            onClick={turnMicrophone}
          >
            microphone
          </button>
        )}
        <span role="status" class="quiet">
          {told.value}
        </span>
      </form>
      <div class="breakings">
        {breakings.map(({ of, buttons }) => (
          <fieldset key={of}>
            <legend>{of}</legend>
            {buttons.map(({ says, line, hint }) => (
              <button key={line} type="button" class="button" title={hint} onClick={() => send(line)}>
                {says}
              </button>
            ))}
          </fieldset>
        ))}
      </div>
    </section>
  );
}
