/** One call: why it ended, who was audible, what happened, where its machine stood. */
import { useSignal } from '@preact/signals';
import type { CallModel } from '../model/call-model.ts';
import type { PageModel } from '../model/page-model.ts';
import type { CallView } from '../place/page-address.ts';
import { dayAndClock, lasting } from '../place/time-words.ts';
import { ChartPart } from './chart.tsx';
import { Acting } from './deliveries.tsx';
import { EntryList } from './entry-list.tsx';
import { LanesPart } from './lanes.tsx';
import { Notice } from './parts.tsx';
import { Playground } from './playground.tsx';
import { SidePanels } from './side-panels.tsx';
import { WhyLine } from './why-line.tsx';

export function CallPage({ model, call, view }: { model: PageModel; call: CallModel; view: CallView }) {
  const problem = call.problem.value;
  if (problem !== undefined && call.all.value.length === 0)
    return (
      <main id="main" class="plain-page">
        <h1>{call.session}</h1>
        <Notice tone="bad">{problem}</Notice>
        <p>
          <a href="#/">All calls</a>
        </p>
      </main>
    );
  return (
    <main id="main" class="call">
      <CallHead model={model} call={call} view={view} />
      {model.answers.ofFile && (
        <p class="quiet of-file">
          A file of {dayAndClock(model.answers.ofFile.madeAt)}. {model.answers.ofFile.leftOut}
        </p>
      )}
      <WhyLine model={model} call={call} view={view} />
      {model.played.value?.session === call.session && <Playground model={model} played={model.played.value} />}
      <LanesPart model={model} call={call} />
      <div class="columns">
        <EntryList model={model} call={call} view={view} />
        <ChartPart model={model} call={call} />
        <SidePanels model={model} call={call} view={view} />
      </div>
    </main>
  );
}

function CallHead({ model, call, view }: { model: PageModel; call: CallModel; view: CallView }) {
  const why = call.why.loaded.value.value;
  const lanes = call.lanes.loaded.value.value;
  const isOver = why?.isOver ?? true;
  const other = useSignal('');
  const compare = (event: SubmitEvent) => {
    event.preventDefault();
    if (other.value.trim() !== '') model.go({ name: 'diff', one: call.session, other: other.value.trim() });
  };
  return (
    <div class="call-head">
      <p class="call-name">
        {model.answers.isLive && (
          <>
            <a href="#/">Calls</a> <span aria-hidden="true">/</span>{' '}
          </>
        )}
        <strong>{call.session}</strong>
        {why && (
          <span class={`pill ${isOver ? '' : 'is-living'}`}>
            <span aria-hidden="true">{isOver ? '○' : '●'}</span> {isOver ? 'over' : 'living'}
          </span>
        )}
        {lanes && <span class="quiet">{lasting(lanes.to - lanes.from)}</span>}
      </p>
      <div class="row">
        {!isOver && <LiveButton model={model} call={call} />}
        {!isOver && <LinkWords call={call} />}
        {!isOver && model.answers.isLive && (
          <Acting says="End this call" act={(secret) => model.answers.act('end', { session: call.session, secret })} />
        )}
        {model.answers.isLive && (
          <form class="compare" onSubmit={compare}>
            <input
              aria-label="Compare with another session"
              placeholder="compare with session…"
              value={other.value}
              onInput={({ currentTarget }) => (other.value = currentTarget.value)}
            />
          </form>
        )}
        {model.answers.isLive && view.at !== null && isOver && (
          <button type="button" class="button" onClick={() => model.stand(null)}>
            to its end
          </button>
        )}
      </div>
    </div>
  );
}

function LiveButton({ model, call }: { model: PageModel; call: CallModel }) {
  return (
    <button type="button" class="button" aria-pressed={call.isAtEnd.value} onClick={() => model.stand(null)}>
      <span class="live-dot" aria-hidden="true" /> live
    </button>
  );
}

function LinkWords({ call }: { call: CallModel }) {
  const { state, why } = call.link.value;
  if (state === 'open' || state === 'stored') return null;
  return <span class="tone-bad">{why ?? (state === 'connecting' ? 'connecting…' : state)}</span>;
}
