/** The list of keys. */
import { useEffect, useRef } from 'preact/hooks';
import type { PageModel } from '../model/page-model.ts';
import { keysOfCommands } from '../place/key-commands.ts';

export function Help({ model }: { model: PageModel }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = model.isHelpOpen.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog ref={dialog} class="help" aria-label="Keys" onClose={() => (model.isHelpOpen.value = false)}>
      <h2>Keys</h2>
      <dl>
        {keysOfCommands.map(({ keys, says, command }) => (
          <div key={command}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{says}</dd>
          </div>
        ))}
      </dl>
      <p class="quiet">Nothing of what is shown is executed again: states are computed from what was written.</p>
      <form method="dialog">
        <button class="button strong">Close</button>
      </form>
    </dialog>
  );
}
