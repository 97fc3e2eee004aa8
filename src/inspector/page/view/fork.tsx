/** Another way: events of this call left out, changed or put in; the machine is walked, the other path is shown and saved. */
import { useEffect, useMemo } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { Forked } from '../../../reads/answers.ts';
import type { CallModel } from '../model/call-model.ts';
import { Latest } from '../model/loaded.ts';
import type { PageModel } from '../model/page-model.ts';
import { LongList, Notice, SaveButton, WhenAnswered } from './parts.tsx';

type Edit =
  | { does: 'drop'; place: number }
  | { does: 'change' | 'insert'; place: number; event: Record<string, unknown> };
type Draft = { does: 'change' | 'insert'; place: number; text: string };

const ROW_HEIGHT = 28;

export function ForkPart({ model, call }: { model: PageModel; call: CallModel }) {
  const latest = useMemo(() => new Latest<Forked>(), []);
  const edits = useSignal<readonly Edit[]>([]);
  const draft = useSignal<Draft | undefined>(undefined);
  const asked = edits.value;
  useEffect(
    () => latest.ask(() => model.answers.read('fork', { session: call.session, edits: asked })),
    [asked, call.session],
  );
  const put = (edit: Edit) => {
    edits.value = [...asked.filter(({ place, does }) => place !== edit.place || does === 'insert'), edit];
    draft.value = undefined;
  };
  return (
    <section class="fork" aria-label="Another way">
      <h2>Another way</h2>
      <p class="quiet">
        Leave out, change or put in what its machine received. The machine is walked in memory; nothing is executed.
      </p>
      <WhenAnswered of={latest.loaded.value}>
        {(forked) => (
          <>
            <LongList
              count={forked.received.length}
              rowHeight={ROW_HEIGHT}
              class="fork-rows"
              attributes={{ tabIndex: 0, role: 'group', 'aria-label': 'What the machine received' }}
              row={(place) => (
                <ReceivedRow key={place} forked={forked} place={place} edits={asked} put={put} draft={draft} />
              )}
            />
            {draft.value && <DraftForm draft={draft.value} put={put} leave={() => (draft.value = undefined)} />}
            {asked.length > 0 && (
              <>
                <p class="row">
                  <button type="button" class="button" onClick={() => (edits.value = [])}>
                    As it was
                  </button>
                  {forked.text !== null && (
                    <SaveButton name={forked.file} text={forked.text}>
                      Save this way as a test
                    </SaveButton>
                  )}
                </p>
                <OtherPath forked={forked} />
              </>
            )}
          </>
        )}
      </WhenAnswered>
    </section>
  );
}

function ReceivedRow(props: {
  forked: Forked;
  place: number;
  edits: readonly Edit[];
  put: (edit: Edit) => void;
  draft: { value: Draft | undefined };
}) {
  const { forked, place, edits, put, draft } = props;
  const one = forked.received[place];
  if (!one) return null;
  const edit = edits.find((each) => each.place === place);
  const words = wordsOf(one.kind, one.data);
  const open = (does: Draft['does'], text: string) => (draft.value = { does, place, text });
  return (
    <div class={`fork-row ${edit ? `is-${edit.does}` : ''}`}>
      <span class="fork-words" title={words}>
        {edit?.does === 'insert' && `+ ${wordsOf('event', edit.event)}, before `}
        {edit?.does === 'drop' && 'left out: '}
        {edit?.does === 'change' && 'changed: '}
        {words}
      </span>
      {place > 0 && (
        <span class="fork-tools">
          <button
            type="button"
            class="link"
            onClick={() => put({ does: 'drop', place })}
            aria-label={`leave out ${words}`}
          >
            leave out
          </button>
          {one.kind === 'event' && (
            <button
              type="button"
              class="link"
              onClick={() => open('change', JSON.stringify(one.data))}
              aria-label={`change ${words}`}
            >
              change
            </button>
          )}
          <button
            type="button"
            class="link"
            onClick={() => open('insert', '{"type":"caller.left","end":{"by":"caller","reason":"caller_hung_up"}}')}
            aria-label={`put in before ${words}`}
          >
            put in
          </button>
        </span>
      )}
    </div>
  );
}

function DraftForm({ draft, put, leave }: { draft: Draft; put: (edit: Edit) => void; leave: () => void }) {
  const problem = useSignal('');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('event') as HTMLTextAreaElement;
    try {
      const given: unknown = JSON.parse(field.value);
      if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new Error('no object');
      put({ does: draft.does, place: draft.place, event: given as Record<string, unknown> });
    } catch (error) {
      problem.value = `expected an event as JSON, such as {"type": "caller.waits"}; got ${error instanceof Error ? error.message : 'something else'}`;
    }
  };
  return (
    <form class="draft" onSubmit={submit} key={`${draft.does} ${draft.place}`}>
      <label>
        <span class="quiet">
          {draft.does === 'insert' ? `before ${draft.place + 1}` : `in place of ${draft.place + 1}`}
        </span>
        <textarea name="event" rows={3} spellcheck={false} defaultValue={draft.text} />
      </label>
      <p class="row">
        <button type="submit" class="button strong">
          Walk it
        </button>
        <button type="button" class="button" onClick={leave}>
          Leave it
        </button>
      </p>
      {problem.value !== '' && <Notice tone="bad">{problem.value}</Notice>}
    </form>
  );
}

const MOST_STEPS = 200;
function OtherPath({ forked }: { forked: Forked }) {
  const { path, other, first, refused } = forked;
  if (first === null && refused === null) return <p>It goes the same way through.</p>;
  const from = Math.max(0, (first ?? other.length) - 2);
  return (
    <>
      <ol class="other-path" start={from + 1}>
        {other.slice(from, from + MOST_STEPS).map((states, place) => {
          const at = from + place;
          const isOther = path[at] !== states;
          return (
            <li key={at} class={isOther ? 'is-other' : ''}>
              {isOther && <span class="tone-bad">≠ </span>}
              {states}
              {at === first && path[at] !== undefined && <small class="quiet"> it was: {path[at]}</small>}
            </li>
          );
        })}
      </ol>
      {refused !== null && <Notice tone="bad">Here it ends: {refused}</Notice>}
    </>
  );
}

const wordsOf = (kind: string, data: unknown): string => {
  const known = typeof data === 'object' && data !== null ? (data as Record<string, unknown>) : {};
  const parts = [known['type'], known['limit'], known['name'], known['phase'], known['line']].filter(
    (part) => typeof part === 'string' || typeof part === 'number',
  );
  return `${kind === 'event' ? '' : `${kind} `}${parts.join(' ')}` || kind;
};
