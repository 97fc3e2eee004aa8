/** Why did it end? One sentence, and its words: each leads to the entry that proves it. */
import type { Proof } from '../../../reads/answers.ts';
import type { CallModel } from '../model/call-model.ts';
import type { PageModel } from '../model/page-model.ts';
import { hashOfView, type CallView } from '../place/page-address.ts';
import { WhenAnswered, toneClass } from './parts.tsx';

export function WhyLine({ model, call, view }: { model: PageModel; call: CallModel; view: CallView }) {
  return (
    <section class="why" aria-label="Why it ended">
      <WhenAnswered of={call.why.loaded.value}>
        {(why) => (
          <>
            <h1>{why.sentence}</h1>
            <ul class="why-words">
              {why.words.map((word, place) => (
                <li key={`${word.word} ${place}`}>
                  <Word word={word} model={model} view={view} />
                </li>
              ))}
            </ul>
          </>
        )}
      </WhenAnswered>
    </section>
  );
}

const signs: Partial<Record<Proof['tone'], string>> = { bad: '✕ ', good: '✓ ' };

function Word({ word, model, view }: { word: Proof; model: PageModel; view: CallView }) {
  const { proof, tone } = word;
  const inner = (
    <>
      <span class="why-name">{word.word}</span>
      <span class="why-text">
        {signs[tone]}
        {word.text}
      </span>
    </>
  );
  if (proof === null) return <span class={`why-word ${toneClass(tone)}`}>{inner}</span>;
  const target: CallView = { ...view, at: null, ref: proof, panel: 'entry' };
  const onClick = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    model.go(target);
  };
  return (
    <a class={`why-word ${toneClass(tone)}`} href={hashOfView(target)} onClick={onClick} title={`entry ${proof}`}>
      {inner}
    </a>
  );
}
