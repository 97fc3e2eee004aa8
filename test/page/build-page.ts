/** A part of `npm run build`. */
import { bundlePage } from './page-bundle.ts';

await bundlePage();
