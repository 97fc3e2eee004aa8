/** Beside the chart: what was said, the entry as it was written, what the model saw, deliveries, the report, a test. */
import { useEffect, useMemo } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { AnswerOf, DeliveryRow, ModelSaw, ReportAnswer, SavedTest } from '../../../reads/answers.ts';
import type { AnswerName } from '../answers/page-answers.ts';
import { Latest } from '../model/loaded.ts';
import type { CallModel } from '../model/call-model.ts';
import type { PageModel } from '../model/page-model.ts';
import { panels, type CallView, type Panel } from '../place/page-address.ts';
import { sinceBegin } from '../place/time-words.ts';
import { DeliveryCard } from './deliveries.tsx';
import { ForkPart } from './fork.tsx';
import { NowPanel } from './now-panel.tsx';
import { WhenAnswered, JsonTree, Notice, SaveButton, Tabs } from './parts.tsx';

type PanelProps = { model: PageModel; call: CallModel; view: CallView };

const panelSays: Record<Panel, string> = {
  now: 'state',
  said: 'said',
  entry: 'entry',
  model: 'model',
  deliveries: 'sent',
  report: 'report',
  test: 'test',
};

export function SidePanels({ model, call, view }: PanelProps) {
  return (
    <section class="side" aria-label="At this entry">
      <div class="part-head">
        <Tabs
          label="What is shown of it"
          names={panels}
          chosen={view.panel}
          says={(panel) => panelSays[panel]}
          choose={(panel) => model.go({ ...view, panel })}
        />
      </div>
      <div class="side-body" role="tabpanel" tabIndex={0} aria-label={panelSays[view.panel]}>
        {panelOf(view.panel, { model, call, view })}
      </div>
    </section>
  );
}

function panelOf(panel: Panel, props: PanelProps) {
  switch (panel) {
    case 'now':
      return <NowPanel model={props.model} call={props.call} />;
    case 'said':
      return <SaidPanel {...props} />;
    case 'entry':
      return <EntryPanel {...props} />;
    case 'model':
      return <ModelPanel {...props} />;
    case 'deliveries':
      return <DeliveriesPanel {...props} />;
    case 'report':
      return <ReportPanel {...props} />;
    case 'test':
      return <TestPanel {...props} />;
  }
}

/** Asked each time that the question is another. */
function useAnswer<Name extends AnswerName>(model: PageModel, name: Name, asked: object): Latest<AnswerOf[Name]> {
  const latest = useMemo(() => new Latest<AnswerOf[Name]>(), []);
  const key = JSON.stringify(asked);
  useEffect(() => latest.ask(() => model.answers.read(name, asked)), [key]);
  return latest;
}

function SaidPanel({ model, call }: PanelProps) {
  const begin = call.all.value[0]?.at ?? 0;
  return (
    <WhenAnswered of={call.state.loaded.value}>
      {({ transcript }) =>
        transcript.length === 0 ? (
          <Notice>Nobody has said anything up to here.</Notice>
        ) : (
          <ol class="said">
            {transcript.map(({ ref, at, who, text, interrupted }) => (
              <li key={ref} class={`said-line said-${who === 'caller' ? 'caller' : 'agent'}`}>
                <button type="button" class="link" onClick={() => model.stand(indexOfRef(call, ref))}>
                  {who} <time>{sinceBegin(at - begin)}</time>
                </button>
                <p>
                  {text}
                  {interrupted && <em class="quiet"> — interrupted</em>}
                </p>
              </li>
            ))}
          </ol>
        )
      }
    </WhenAnswered>
  );
}

const indexOfRef = (call: CallModel, ref: string): number | null =>
  call.all.value.find((row) => row.ref === ref)?.index ?? null;

function EntryPanel({ call }: PanelProps) {
  const index = call.index.value;
  const count = call.all.value.length;
  useEffect(() => {
    if (count > 0) call.askWhole(index);
  }, [index, count > 0]);
  return (
    <WhenAnswered of={call.whole.loaded.value}>
      {(entry) => (
        <div class="whole">
          <h2>
            {entry.kind} <span class="quiet">{entry.ref}</span>
          </h2>
          <p class="quiet">
            entry {entry.index + 1} of {entry.total}, {new Date(entry.at).toISOString()}
          </p>
          {entry.isCut && <Notice>Longer texts and lists are cut here; lastword show prints all.</Notice>}
          <JsonTree value={entry.data} />
        </div>
      )}
    </WhenAnswered>
  );
}

function ModelPanel({ model, call }: PanelProps) {
  const { session } = call;
  const asked = useAnswer(model, 'model', { session, index: call.index.value });
  return (
    <WhenAnswered of={asked.loaded.value}>{(saw) => <Request model={model} call={call} saw={saw} />}</WhenAnswered>
  );
}

/** Longer ones would push the messages out of view. */
const LONG_INSTRUCTIONS = 800;

function Request({ model, call, saw }: { model: PageModel; call: CallModel; saw: ModelSaw }) {
  const begin = call.all.value[0]?.at ?? 0;
  const place = saw.requests.findIndex(({ ref }) => ref === saw.ref);
  const other = (by: number) => saw.requests[place + by];
  const step = (by: number, says: string) => {
    const request = other(by);
    return (
      <button
        type="button"
        class="button"
        disabled={!request}
        onClick={() => request && model.stand(indexOfRef(call, request.ref))}
      >
        {says}
      </button>
    );
  };
  return (
    <div class="model-saw">
      <p class="row">
        <span>
          request {place + 1} of {saw.requests.length}, {saw.agent}, {sinceBegin(saw.at - begin)}
        </span>
        {step(-1, 'before')}
        {step(1, 'next')}
      </p>
      <details open={(saw.instructions ?? '').length < LONG_INSTRUCTIONS}>
        <summary>Instructions</summary>
        <pre>{saw.instructions ?? 'none'}</pre>
      </details>
      <h3>Tools</h3>
      <p>{saw.tools.length === 0 ? <span class="quiet">none</span> : saw.tools.join(', ')}</p>
      <h3>Messages</h3>
      <ol class="messages">
        {saw.messages.map(({ id, role, text, isKnown }) => (
          <li key={id} class={`message message-${role === 'user' ? 'caller' : 'agent'}`}>
            <span class="message-role">{role}</span>
            <p>{isKnown ? text : <em class="quiet">its text is not in the journal</em>}</p>
          </li>
        ))}
      </ol>
    </div>
  );
}

function DeliveriesPanel({ model, call }: PanelProps) {
  const { session } = call;
  const asked = useAnswer(model, 'deliveries', { session });
  return (
    <WhenAnswered of={asked.loaded.value}>
      {({ rows }) =>
        rows.length === 0 ? (
          <Notice>No delivery: nothing was sealed yet, or its configuration names no destination.</Notice>
        ) : (
          <>
            {rows.map((row: DeliveryRow) => (
              <DeliveryCard key={row.delivery} model={model} row={row} />
            ))}
          </>
        )
      }
    </WhenAnswered>
  );
}

function ReportPanel({ model, call }: PanelProps) {
  const { session } = call;
  const asked = useAnswer(model, 'report', { session, count: undefined });
  return (
    <WhenAnswered of={asked.loaded.value}>
      {({ isSealed, sealedAt, body }: ReportAnswer) => (
        <>
          <p class="row">
            <span class={isSealed ? 'tone-good' : 'quiet'}>
              {isSealed
                ? `✓ sealed${sealedAt === null ? '' : ` ${new Date(sealedAt).toISOString()}`}: the very text that was sent`
                : 'not sealed: what the journal holds so far'}
            </span>
            <SaveButton name={`${session}.report.json`} text={body}>
              Save
            </SaveButton>
          </p>
          <JsonTree value={parsed(body)} />
        </>
      )}
    </WhenAnswered>
  );
}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
};

function TestPanel({ model, call }: PanelProps) {
  const keepNames = useSignal(false);
  const { session } = call;
  const asked = useAnswer(model, 'test', { session, keepNames: keepNames.value });
  return (
    <div class="save-test">
      <p>This call as a vitest file: the same machine, on a virtual clock, walks the same states.</p>
      <label class="check">
        <input
          type="checkbox"
          checked={keepNames.value}
          onChange={({ currentTarget }) => (keepNames.value = currentTarget.checked)}
        />
        keep names and numbers as they were
      </label>
      <WhenAnswered of={asked.loaded.value}>
        {({ file, text, replaced }: SavedTest) => (
          <>
            <p class="row">
              <SaveButton name={file} text={text}>
                Save {file}
              </SaveButton>
              <span class="quiet">{replaced} texts were replaced</span>
            </p>
            <details>
              <summary>The file</summary>
              <pre tabIndex={0}>{text}</pre>
            </details>
          </>
        )}
      </WhenAnswered>
      {model.answers.isLive && <ForkPart model={model} call={call} />}
    </div>
  );
}
