/*
 * Loaded before a suite (`node --import`): takes one safety out of the product while its module is loaded. What to
 * replace comes as JSON in PEER_COURIER_MUTATION; see mutations.ts.
 */
import { registerHooks } from 'node:module';
import type { Replacement } from './mutations.ts';

const { file, find, replace } = JSON.parse(process.env['PEER_COURIER_MUTATION'] ?? '') as Replacement;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith(`/${file}`)) return loaded;
    if (typeof loaded.source !== 'string' && !(loaded.source instanceof Uint8Array)) return loaded;
    const source = Buffer.from(loaded.source).toString();
    if (source.split(find).length !== 2) throw new Error(`${find} is not once in ${file}`);
    process.stdout.write(`MUTATED: ${file}\n`);
    return { ...loaded, source: source.replace(find, () => replace) };
  },
});
