/** The page begins here: with the answers that lie in it, or with those of the server. */
import { render } from 'preact';
import { answersEmbedded, EMBEDDED_ID, type EmbeddedAnswers } from './answers/embedded.ts';
import { enter } from './answers/entrance.ts';
import { answersOverHttp } from './answers/over-http.ts';
import { PageModel } from './model/page-model.ts';
import { WholePage, keptTheme, setTheme } from './view/page.tsx';

async function begin(): Promise<void> {
  const root = document.querySelector('#page');
  if (!root) return;
  setTheme(keptTheme());
  const held = document.getElementById(EMBEDDED_ID)?.textContent;
  if (typeof held === 'string' && held !== '') {
    const answers = JSON.parse(held) as EmbeddedAnswers;
    root.replaceChildren();
    return render(<WholePage model={new PageModel(answersEmbedded(answers), answers.session)} />, root);
  }
  const entrance = await enter();
  const refuse = (problem: string) => {
    render(<Refused problem={problem} />, root);
  };
  root.replaceChildren();
  if (entrance.problem !== undefined) return refuse(entrance.problem);
  const answers = answersOverHttp(entrance.token, () =>
    refuse('The inspector has another token now. Open the newest address that stands in its terminal.'),
  );
  render(<WholePage model={new PageModel(answers)} />, root);
}

function Refused({ problem }: { problem: string }) {
  return (
    <main class="refused" id="main">
      <h1>Not let in</h1>
      <p>{problem}</p>
    </main>
  );
}

void begin();
