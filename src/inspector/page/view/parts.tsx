/** Small parts that several views draw. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import type { Tone } from '../../../reads/answers.ts';
import type { Loaded } from '../model/loaded.ts';
import { visibleRows, scrolledTo } from '../place/visible-rows.ts';

export const toneClass = (tone: Tone): string => `tone-${tone}`;
export function Notice({ tone = 'quiet', children }: { tone?: Tone; children: ComponentChildren }) {
  return <p class={`notice ${toneClass(tone)}`}>{children}</p>;
}

/** What was asked for, or why it is not there, or that it comes. */
export function WhenAnswered<Value>(props: {
  of: Loaded<Value>;
  children: (value: Value) => ComponentChildren;
  waiting?: string;
}) {
  const { value, problem } = props.of;
  return (
    <>
      {problem !== undefined && <Notice tone="bad">{problem}</Notice>}
      {value !== undefined && props.children(value)}
      {value === undefined && problem === undefined && <Notice>{props.waiting ?? 'Reading…'}</Notice>}
    </>
  );
}

export function Tabs<Name extends string>(props: {
  label: string;
  names: readonly Name[];
  chosen: Name;
  says?: (name: Name) => string;
  choose: (name: Name) => void;
}) {
  const { names, chosen, choose, says = (name) => name } = props;
  const onKey = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const next = names[(names.indexOf(chosen) + by + names.length) % names.length] as Name;
    choose(next);
    const list = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => list.querySelector<HTMLElement>('[aria-selected="true"]')?.focus());
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.label} onKeyDown={onKey}>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          aria-selected={name === chosen}
          tabIndex={name === chosen ? 0 : -1}
          onClick={() => choose(name)}
        >
          {says(name)}
        </button>
      ))}
    </div>
  );
}

/** A list of any length: rows of one height, of which only those in view are there. */
export function LongList(props: {
  count: number;
  rowHeight: number;
  row: (index: number) => ComponentChildren;
  /** Kept in view; −1: none. */
  followed?: number;
  class?: string;
  attributes?: Record<string, unknown>;
  inner?: Record<string, unknown>;
  onNearEnd?: () => void;
}) {
  const { count, rowHeight, followed = -1 } = props;
  const box = useRef<HTMLDivElement>(null);
  const view = useSignal({ scrollTop: 0, viewHeight: 600 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    let frame = 0;
    const measure = () => {
      frame = 0;
      const { scrollTop, clientHeight } = element;
      const known = view.peek();
      if (known.scrollTop !== scrollTop || known.viewHeight !== clientHeight)
        view.value = { scrollTop, viewHeight: clientHeight };
    };
    const onScroll = () => {
      frame ||= requestAnimationFrame(measure);
    };
    const sizes = new ResizeObserver(onScroll);
    sizes.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    measure();
    return () => {
      sizes.disconnect();
      element.removeEventListener('scroll', onScroll);
      cancelAnimationFrame(frame);
    };
  }, []);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || followed < 0) return;
    // As it was measured last: to measure it here would lay out the whole page, at each step.
    const known = view.peek();
    const scrollTop = scrolledTo(followed, { rowHeight, ...known });
    if (scrollTop === known.scrollTop) return;
    element.scrollTop = scrollTop;
    view.value = { ...known, scrollTop: element.scrollTop };
  }, [followed, count, rowHeight, view.value.viewHeight]);
  const { first, end, offset, height } = visibleRows({ count, rowHeight, ...view.value });
  const near = end >= count - 50;
  useLayoutEffect(() => {
    if (near) props.onNearEnd?.();
  }, [near, count]);
  return (
    <div ref={box} class={`long-list ${props.class ?? ''}`} {...props.attributes}>
      <div class="long-list-all" style={{ height: `${height}px` }} {...props.inner}>
        <div class="long-list-part" role="presentation" style={{ transform: `translateY(${offset}px)` }}>
          {Array.from({ length: end - first }, (_, place) => props.row(first + place))}
        </div>
      </div>
    </div>
  );
}

/** Anything as it was written; closed where it is deep. Texts are texts. */
export function JsonTree({ value, depth = 0 }: { value: unknown; depth?: number }) {
  if (typeof value !== 'object' || value === null)
    return <span class={`json json-${value === null ? 'null' : typeof value}`}>{jsonText(value)}</span>;
  const entries = Object.entries(value);
  if (entries.length === 0) return <span class="json">{Array.isArray(value) ? '[ ]' : '{ }'}</span>;
  return (
    <ul class="json-list">
      {entries.map(([name, inner]) => (
        <li key={name}>
          {typeof inner === 'object' && inner !== null && Object.keys(inner).length > 0 ? (
            <details open={depth < 1 && Object.keys(inner).length < 8}>
              <summary>
                <span class="json-name">{name}</span> <span class="quiet">{sizeOf(inner)}</span>
              </summary>
              <JsonTree value={inner} depth={depth + 1} />
            </details>
          ) : (
            <>
              <span class="json-name">{name}</span> <JsonTree value={inner} depth={depth + 1} />
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
const jsonText = (value: unknown): string => (typeof value === 'string' ? value : String(value));
const sizeOf = (value: object): string =>
  Array.isArray(value) ? `${value.length} items` : `${Object.keys(value).length} fields`;

/** A text as a file, made in the page. */
export function SaveButton({ name, text, children }: { name: string; text: string; children: ComponentChildren }) {
  const save = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  return (
    <button type="button" class="button" onClick={save}>
      {children}
    </button>
  );
}
