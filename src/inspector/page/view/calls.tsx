/**
 * The list: is anybody in silence now?
 *
 *   L1  As many rows as were scrolled to are followed live, up to ten thousand; what lies behind is read page by page.
 *   L2  A silence grows between two answers as the clock does: the server says what it was when it looked.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { useComputed, useSignal } from '@preact/signals';
import type { CallRow, Calls } from '../../../reads/answers.ts';
import type { LinkState } from '../answers/page-answers.ts';
import type { PageModel } from '../model/page-model.ts';
import { callOrders, hashOfView, callView, type CallsView, type CallOrder } from '../place/page-address.ts';
import { counted, dayAndClock, lasting } from '../place/time-words.ts';
import { FilterBox } from './filter-box.tsx';
import { LongList, Notice } from './parts.tsx';

const FIRST_ROWS = 500;
const MOST_LIVE = 10_000;
const ROW_HEIGHT = 40;
/** As long as a caller waits before a filler: longer is worth a colour. */
const LONG_MS = 4_000;

type Followed = { calls: Calls; at: number };

const orderSays: Record<CallOrder, string> = {
  silence: 'silence now',
  accepted: 'newest first',
  age: 'age',
  state: 'state',
  epoch: 'epoch',
};

export function CallList({ model, view }: { model: PageModel; view: CallsView }) {
  const followed = useSignal<Followed | undefined>(undefined);
  const behind = useSignal<{ rows: CallRow[]; next: string | null } | undefined>(undefined);
  const limit = useSignal(FIRST_ROWS);
  const link = useSignal<{ state: LinkState; why: string | undefined }>({ state: 'connecting', why: undefined });
  const { filter, chips, sort } = view;
  const asked = JSON.stringify({ filter, chips, sort, limit: limit.value });
  useEffect(() => {
    limit.value = FIRST_ROWS;
  }, [filter, chips.join(), sort]);
  useEffect(() => {
    behind.value = undefined;
    return model.answers.followCalls(JSON.parse(asked) as object, {
      take: (calls) => (followed.value = { calls, at: Date.now() }),
      tell: (state, why) => (link.value = { state, why }),
    });
  }, [asked]);
  const isReading = useRef(false);
  const more = () => {
    const { calls } = followed.peek() ?? {};
    const next = behind.peek() ? behind.peek()?.next : calls?.next;
    if (typeof next !== 'string' || isReading.current) return;
    if (limit.peek() < MOST_LIVE) {
      limit.value = Math.min(MOST_LIVE, limit.peek() * 4);
      return;
    }
    isReading.current = true;
    void model.answers
      .read('calls', { filter, chips, sort, limit: 1_000, after: next })
      .then((page) => {
        behind.value = { rows: [...(behind.peek()?.rows ?? []), ...page.rows], next: page.next };
      })
      .catch(() => undefined)
      .finally(() => (isReading.current = false));
  };
  const rows = useComputed(() => [...(followed.value?.calls.rows ?? []), ...(behind.value?.rows ?? [])]);
  // A row that is drawn already is the same one: while one scrolls, only new rows cost something.
  const drawn = useMemo(() => new Map<number, ComponentChildren>(), [rows.value, followed.value]);
  const drawnRow = (index: number): ComponentChildren => {
    const known = drawn.get(index);
    if (known !== undefined) return known;
    const row = rows.value[index];
    const made = row ? <Row key={row.session} row={row} index={index} model={model} followed={followed.value} /> : null;
    drawn.set(index, made);
    return made;
  };
  const living = rows.value.filter(isGoingOn).length;
  const hidden = followed.value?.calls.hidden ?? 0;
  const isFiltered = filter !== '' || chips.length > 0;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const links = [...document.querySelectorAll<HTMLElement>('.call-link')];
    const at = links.indexOf(document.activeElement as HTMLElement);
    const next = links[at + (event.key === 'ArrowDown' ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <main class="calls" id="main">
      <div class="calls-head">
        <h1>Calls</h1>
        <p class="quiet" role="status">
          {followed.value === undefined
            ? (link.value.why ?? 'Reading…')
            : `${counted(living, 'living call')}, ${counted(rows.value.length, 'row')}${followed.value.calls.next === null ? '' : ' and more'}`}
        </p>
        <FilterBox
          label="Filter calls"
          example="room:table state:living reason:caller_hung_up"
          filter={filter}
          chips={chips}
          asked={model.filterAsked}
          change={(text, only) => model.go({ ...view, filter: text, chips: only })}
        />
        <label class="sort">
          <span>sorted by</span>
          <select
            aria-label="sorted by"
            value={sort}
            onChange={({ currentTarget }) => model.go({ ...view, sort: currentTarget.value as CallOrder })}
          >
            {callOrders.map((order) => (
              <option key={order} value={order}>
                {orderSays[order]}
              </option>
            ))}
          </select>
        </label>
      </div>
      {link.value.state === 'refused' && <Notice tone="bad">{link.value.why ?? 'It was refused.'}</Notice>}
      {link.value.state === 'connecting' && link.value.why !== undefined && followed.value !== undefined && (
        <Notice tone="bad">{link.value.why} What stands here is from before.</Notice>
      )}
      {followed.value !== undefined && rows.value.length === 0 && (
        <Notice>
          {isFiltered
            ? `No call fits this filter; it hides ${counted(hidden, 'call')}.`
            : 'No call yet. Whatever calls this worker takes stand here from their first second on.'}
        </Notice>
      )}
      {rows.value.length > 0 && (
        <div
          class="call-table"
          role="table"
          aria-label="Calls"
          aria-rowcount={rows.value.length + 1}
          onKeyDown={onKeyDown}
        >
          <div class="call-row call-names" role="row" aria-rowindex={1}>
            <span role="columnheader">state</span>
            <span role="columnheader">room</span>
            <span role="columnheader">where it is, how it ended</span>
            <span role="columnheader">silence now</span>
            <span role="columnheader">age</span>
            <span role="columnheader">epoch</span>
            <span role="columnheader">report</span>
          </div>
          <LongList
            count={rows.value.length}
            rowHeight={ROW_HEIGHT}
            class="call-rows"
            attributes={{ role: 'rowgroup' }}
            inner={{ role: 'presentation' }}
            onNearEnd={more}
            row={drawnRow}
          />
        </div>
      )}
      {followed.value?.calls.unlookedAbove !== undefined && (
        <p class="hides quiet">{unlookedSays(followed.value.calls.unlookedAbove)}</p>
      )}
      {isFiltered && hidden > 0 && rows.value.length > 0 && (
        <p class="hides quiet">
          This filter hides {counted(hidden, 'call')}.{' '}
          <button type="button" class="link" onClick={() => model.go({ ...view, filter: '', chips: [] })}>
            Show all
          </button>
        </p>
      )}
    </main>
  );
}

const unlookedSays = (above: number): string =>
  `There are more than ${above.toLocaleString('en-US')} folders: calls that have no row in the database are not looked for, and not listed.`;

const stateSigns: Record<CallRow['state'], string> = { living: '●', recovering: '◐', ended: '○', sealed: '✓' };
const deliverySays: Record<CallRow['delivery'], string> = {
  none: '',
  delivered: 'delivered',
  due: 'due',
  dead: 'dead letter',
};

type RowProps = { row: CallRow; index: number; model: PageModel; followed: Followed | undefined };

const isGoingOn = ({ state }: CallRow): boolean => state === 'living' || state === 'recovering';

function Row({ row, index, model, followed }: RowProps) {
  const where = row.reason === null ? row.stage : `${row.reason}${row.by === null ? '' : `, by ${row.by}`}`;
  const isBad = row.delivery === 'dead' || row.hangUp !== null;
  return (
    <div class={`call-row state-${row.state}`} role="row" aria-rowindex={index + 2}>
      <span role="cell" class="call-state">
        <span aria-hidden="true">{stateSigns[row.state]}</span> {row.state}
      </span>
      <span role="cell" class="call-room">
        <a class="call-link" href={hashOfView(callView(row.session))}>
          {row.room === '' ? row.session : row.room}
        </a>
        <small class="quiet">{row.session}</small>
      </span>
      <span role="cell" class="call-where">
        {where}
      </span>
      <Silence row={row} model={model} followed={followed} />
      <Age row={row} model={model} />
      <span role="cell" class="call-epoch">
        {row.epoch > 1 ? row.epoch : <span class="quiet">{row.epoch}</span>}
      </span>
      <span role="cell" class={`call-report ${isBad ? 'tone-bad' : row.delivery === 'delivered' ? 'tone-good' : ''}`}>
        {deliverySays[row.delivery]}
        {row.hangUp !== null && ` hang-up ${row.hangUp === 'owed' ? 'owed' : 'given up'}`}
      </span>
    </div>
  );
}

/** These two alone go with the clock: a row that is drawn anew ten times a second stutters while one scrolls. */
function Silence({ row, model, followed }: Omit<RowProps, 'index'>) {
  if (row.silentMs === null) return <span role="cell" class="call-silence" />;
  const grown = isGoingOn(row) && followed ? model.now.value - followed.at : 0; // L2
  const silentMs = row.silentMs + grown;
  return (
    <span role="cell" class={`call-silence ${silentMs > LONG_MS ? 'is-long' : ''}`}>
      {lasting(silentMs)}
    </span>
  );
}

function Age({ row, model }: Pick<RowProps, 'row' | 'model'>) {
  const { acceptedAt, endedAt } = row;
  const began = useMemo(() => dayAndClock(acceptedAt), [acceptedAt]);
  return (
    <span role="cell" class="call-age" title={began}>
      {isGoingOn(row) ? lasting((endedAt ?? model.now.value) - acceptedAt) : began}
    </span>
  );
}
