/** What a key means. *Pure.* A key that is part of typing, or of a shortcut of the browser, means nothing. */
export type KeyCommand =
  | 'entry-back'
  | 'entry-on'
  | 'transition-back'
  | 'transition-on'
  | 'turn-back'
  | 'turn-on'
  | 'first'
  | 'last'
  | 'live'
  | 'filter'
  | 'help';

export const keysOfCommands: readonly { keys: string[]; command: KeyCommand; says: string }[] = [
  { keys: ['←'], command: 'entry-back', says: 'the entry before' },
  { keys: ['→'], command: 'entry-on', says: 'the next entry' },
  { keys: ['⇧', '←'], command: 'transition-back', says: 'the transition before' },
  { keys: ['⇧', '→'], command: 'transition-on', says: 'the next transition' },
  { keys: ['['], command: 'turn-back', says: 'the turn before' },
  { keys: [']'], command: 'turn-on', says: 'the next turn' },
  { keys: ['Home'], command: 'first', says: 'the first entry' },
  { keys: ['End'], command: 'last', says: 'the last entry' },
  { keys: ['Esc'], command: 'live', says: 'back to now' },
  { keys: ['/'], command: 'filter', says: 'into the filter' },
  { keys: ['?'], command: 'help', says: 'this list' },
];

export type PressedKey = {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  /** What has the focus, in lower case: `input`, `textarea`, `select`; empty: nothing that takes keys. */
  focus: string;
  isComposing: boolean;
};

const typing: ReadonlySet<string> = new Set(['input', 'textarea', 'select', 'editable']);
/** These go through lists, tabs and the chart by themselves. */
const ownArrows: ReadonlySet<string> = new Set(['tab', 'chart']);

export function commandOf(pressed: PressedKey): KeyCommand | undefined {
  const { key, shiftKey, focus } = pressed;
  if (pressed.ctrlKey || pressed.altKey || pressed.metaKey || pressed.isComposing) return undefined;
  if (typing.has(focus)) return undefined;
  const isArrow = key.startsWith('Arrow');
  if (isArrow && ownArrows.has(focus)) return undefined;
  switch (key) {
    case 'ArrowLeft':
      return shiftKey ? 'transition-back' : 'entry-back';
    case 'ArrowRight':
      return shiftKey ? 'transition-on' : 'entry-on';
    case '[':
      return 'turn-back';
    case ']':
      return 'turn-on';
    case 'Home':
      return 'first';
    case 'End':
      return 'last';
    case 'Escape':
      return 'live';
    case '/':
      return 'filter';
    case '?':
      return 'help';
    default:
      return undefined;
  }
}
