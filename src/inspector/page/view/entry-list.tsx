/** All that happened, in one order and three densities. What lies behind the reader's place is dimmed. */
import type { Density, Entries, EntryRow } from '../../../reads/answers.ts';
import type { CallModel } from '../model/call-model.ts';
import type { PageModel } from '../model/page-model.ts';
import { densities, type CallView } from '../place/page-address.ts';
import { counted, sinceBegin } from '../place/time-words.ts';
import { FilterBox } from './filter-box.tsx';
import { LongList, Notice, Tabs, toneClass } from './parts.tsx';

const ROW_HEIGHT = 26;
const densitySays: Record<Density, string> = { story: 'story', steps: 'steps', entries: 'entries' };

export function EntryList({ model, call, view }: { model: PageModel; call: CallModel; view: CallView }) {
  const { value: entries, problem } = call.listed.value;
  const index = call.index.value;
  const rows = entries?.rows ?? [];
  const begin = call.all.value[0]?.at ?? 0;
  const place = rows.findLastIndex((row) => row.index <= index);
  const isFiltered = view.filter !== '' || view.chips.length > 0;
  return (
    <section class="entries" aria-label="What happened">
      <div class="part-head">
        <Tabs
          label="How much of it"
          names={densities}
          chosen={view.density}
          says={(density) => densitySays[density]}
          choose={(density) => model.go({ ...view, density })}
        />
        <span class="quiet count">{entries ? counted(rows.length, 'row') : ''}</span>
      </div>
      <FilterBox
        label="Filter entries"
        example="kind:tool text:/refund/"
        filter={view.filter}
        chips={view.chips}
        asked={model.filterAsked}
        change={(filter, chips) => model.go({ ...view, filter, chips })}
      />
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      {entries && <Unread entries={entries} />}
      {entries && isFiltered && (
        <p class="hides quiet">
          {rows.length === 0 ? 'Nothing fits. ' : ''}This filter hides {counted(entries.hidden, 'row')}.{' '}
          <button type="button" class="link" onClick={() => model.go({ ...view, filter: '', chips: [] })}>
            Show all
          </button>
        </p>
      )}
      {entries && rows.length === 0 && !isFiltered && (
        <Notice>
          {call.all.value.length === 0
            ? 'Nothing has been written yet.'
            : `Nothing of this density; there ${call.all.value.length === 1 ? 'is' : 'are'} ${counted(call.all.value.length, 'entry', 'entries')} in all.`}
        </Notice>
      )}
      {rows.length > 0 && (
        <LongList
          count={rows.length}
          rowHeight={ROW_HEIGHT}
          followed={place}
          class="entry-rows"
          inner={{
            role: 'listbox',
            tabIndex: 0,
            'aria-label': 'Entries',
            'aria-activedescendant': place >= 0 ? `entry-${rows[place]?.index}` : undefined,
            onKeyDown: (event: KeyboardEvent) => {
              const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
              const next = rows[place + by];
              if (by === 0 || !next) return;
              event.preventDefault();
              model.stand(next.index);
            },
          }}
          row={(at) => (
            <Row
              key={rows[at]?.ref}
              row={rows[at]}
              place={at}
              count={rows.length}
              begin={begin}
              isHere={at === place}
              isLater={(rows[at]?.index ?? 0) > index}
              stand={(chosen) => model.stand(chosen)}
            />
          )}
        />
      )}
    </section>
  );
}

function Row(props: {
  row: EntryRow | undefined;
  place: number;
  count: number;
  begin: number;
  isHere: boolean;
  isLater: boolean;
  stand: (index: number) => void;
}) {
  const { row, place, count, begin, isHere, isLater } = props;
  if (!row) return null;
  return (
    <div
      id={`entry-${row.index}`}
      class={`entry-row ${toneClass(row.tone)} ${isHere ? 'is-here' : ''} ${isLater ? 'is-later' : ''}`}
      role="option"
      aria-selected={isHere}
      aria-posinset={place + 1}
      aria-setsize={count}
      title={`${row.ref} ${row.kind}`}
      onClick={() => props.stand(row.index)}
    >
      <time class="entry-at">{sinceBegin(row.at - begin)}</time>
      <span class="entry-what">{row.what}</span>
      <span class="entry-text">
        {row.tone === 'bad' && <span aria-hidden="true">✕ </span>}
        {row.text}
        {row.aside !== undefined && <span class="entry-aside"> {row.aside}</span>}
      </span>
    </div>
  );
}

/** What the files hold and nobody could read: said, and not passed over. */
function Unread({ entries }: { entries: Entries }) {
  const words = entries.files.flatMap(({ file, isTorn, lost, passedOver }) => {
    const name = file === 'keeper' ? 'the keeper’s file' : `the file of epoch ${file}`;
    return [
      ...(isTorn ? [`${name} ends within a line: its writer died, or is writing`] : []),
      ...(lost > 0 ? [`${name} lacks ${counted(lost, 'entry', 'entries')}`] : []),
      ...(passedOver > 0 ? [`${name} is too long: ${counted(passedOver, 'entry', 'entries')} were passed over`] : []),
    ];
  });
  return words.length === 0 ? null : <Notice tone="bad">{words.join('; ')}.</Notice>;
}
