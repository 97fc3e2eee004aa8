/**
 * What is shown, as the part of the address behind `#`, so that it can be sent to somebody, and the back button works.
 * *Pure.* Whatever stands there, it is a view: what cannot be understood is left out.
 */
import type { Density } from '../../../reads/answers.ts';

export type Chip = 'failed' | 'silent';
export type Panel = 'now' | 'said' | 'entry' | 'model' | 'deliveries' | 'report' | 'test';
export type CallOrder = 'accepted' | 'silence' | 'age' | 'state' | 'epoch';
export type PageView =
  | { name: 'calls'; filter: string; chips: Chip[]; sort: CallOrder }
  | {
      name: 'call';
      session: string;
      /** null: the newest, also while it grows. */
      at: number | null;
      /** An entry by its reference: the link of a word. It becomes `at` once it is found. */
      ref: string | null;
      density: Density;
      filter: string;
      chips: Chip[];
      panel: Panel;
    }
  | { name: 'diff'; one: string; other: string }
  | { name: 'deliveries'; state: string }
  | { name: 'ledger' };
export type CallView = Extract<PageView, { name: 'call' }>;
export type CallsView = Extract<PageView, { name: 'calls' }>;

export const densities: readonly Density[] = ['story', 'steps', 'entries'];
export const panels: readonly Panel[] = ['now', 'said', 'entry', 'model', 'deliveries', 'report', 'test'];
export const callOrders: readonly CallOrder[] = ['accepted', 'silence', 'age', 'state', 'epoch'];
const isChip = (text: string): text is Chip => text === 'failed' || text === 'silent';

const oneOf = <Value extends string>(all: readonly Value[], text: string | null, usual: Value): Value =>
  all.find((each) => each === text) ?? usual;

export function viewOf(hash: string): PageView {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [name = '', one = '', other = ''] = path.split('/').map(decoded);
  const asked = new URLSearchParams(query);
  const filter = (asked.get('filter') ?? '').slice(0, 500);
  const chips = [...new Set((asked.get('only') ?? '').split(','))].filter(isChip);
  if (name === 'call' && one !== '') {
    const at = /^\d{1,9}$/.test(asked.get('at') ?? '') ? Number(asked.get('at')) : null;
    const ref = /^(keeper|[1-9]\d*):\d+$/.test(asked.get('ref') ?? '') ? asked.get('ref') : null;
    const density = oneOf(densities, asked.get('density'), 'steps');
    return { name, session: one, at, ref, density, filter, chips, panel: oneOf(panels, asked.get('panel'), 'now') };
  }
  if (name === 'diff' && one !== '' && other !== '') return { name, one, other };
  if (name === 'deliveries') return { name, state: asked.get('state') ?? '' };
  if (name === 'ledger') return { name };
  return { name: 'calls', filter, chips, sort: oneOf(callOrders, asked.get('sort'), 'silence') };
}

export function hashOfView(view: PageView): string {
  const asked = new URLSearchParams();
  const put = (name: string, value: string, usual: string) => {
    if (value !== usual) asked.set(name, value);
  };
  let path = '';
  if (view.name === 'calls' || view.name === 'call') {
    put('filter', view.filter, '');
    put('only', view.chips.join(','), '');
  }
  if (view.name === 'calls') put('sort', view.sort, 'silence');
  if (view.name === 'call') {
    path = `call/${encodeURIComponent(view.session)}`;
    if (view.at !== null) asked.set('at', String(view.at));
    if (view.ref !== null) asked.set('ref', view.ref);
    put('density', view.density, 'steps');
    put('panel', view.panel, 'now');
  }
  if (view.name === 'diff') path = `diff/${encodeURIComponent(view.one)}/${encodeURIComponent(view.other)}`;
  if (view.name === 'deliveries') {
    path = 'deliveries';
    put('state', view.state, '');
  }
  if (view.name === 'ledger') path = 'ledger';
  const query = asked.toString();
  return `#/${path}${query === '' ? '' : `?${query}`}`;
}

/** A call as it is opened. */
export const callView = (session: string, more: Partial<Omit<CallView, 'name' | 'session'>> = {}): CallView => ({
  name: 'call',
  session,
  at: null,
  ref: null,
  density: 'steps',
  filter: '',
  chips: [],
  panel: 'now',
  ...more,
});

/** The one-time code of an address that was printed; undefined where there is none. */
export const codeIn = (hash: string): string | undefined => /^#code=([\w-]{1,256})$/.exec(hash)?.[1];

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
