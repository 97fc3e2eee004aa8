/** One box for words and terms, and chips for what is asked most. What it hides is said beside it. */
import { useEffect, useRef } from 'preact/hooks';
import { useComputed, useSignal, type ReadonlySignal } from '@preact/signals';
import type { Chip } from '../place/page-address.ts';

const PAUSE_MS = 200;
const chipSays: Record<Chip, string> = { failed: 'failed', silent: 'silent' };

export function FilterBox(props: {
  label: string;
  example: string;
  filter: string;
  chips: readonly Chip[];
  /** Grows when somebody pressed `/`. */
  asked: ReadonlySignal<number>;
  change: (filter: string, chips: Chip[]) => void;
}) {
  const { filter, chips, change } = props;
  const input = useRef<HTMLInputElement>(null);
  const typed = useSignal<string | undefined>(undefined);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const shown = useComputed(() => typed.value);
  useEffect(() => {
    const before = props.asked.peek(); // pressed in another view
    return props.asked.subscribe((count) => {
      if (count > before) input.current?.focus();
    });
  }, []);
  const apply = (text: string) => {
    clearTimeout(timer.current);
    typed.value = undefined;
    if (text !== filter) change(text, [...chips]);
  };
  const onInput = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    typed.value = currentTarget.value;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => apply(currentTarget.value), PAUSE_MS);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') apply(input.current?.value ?? '');
    if (event.key === 'Escape') {
      if ((input.current?.value ?? '') === '') input.current?.blur();
      apply('');
      event.stopPropagation();
    }
  };
  const toggled = (chip: Chip): Chip[] =>
    chips.includes(chip) ? chips.filter((one) => one !== chip) : [...chips, chip];
  return (
    <div class="filter" role="search">
      <input
        ref={input}
        type="search"
        aria-label={props.label}
        placeholder={props.example}
        spellcheck={false}
        autocomplete="off"
        value={shown.value ?? filter}
        onInput={onInput}
        onKeyDown={onKeyDown}
      />
      {(['failed', 'silent'] as const).map((chip) => (
        <button
          key={chip}
          type="button"
          class="chip"
          aria-pressed={chips.includes(chip)}
          onClick={() => change(filter, toggled(chip))}
        >
          {chipSays[chip]}
        </button>
      ))}
    </div>
  );
}
