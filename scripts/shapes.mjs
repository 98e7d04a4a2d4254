/*
 * What `npm run shapes` does: sends trees of unusual sizes and shapes from one terminal to another on loopback, and
 * prints what each took: seconds, and the highest resident memory of both. Ends with status 1 if one goes beyond the
 * memory budget. The large ones need some 20 GB and two million inodes where temporary files lie (TMPDIR), and the
 * better part of an hour; a terabyte of holes needs root or user namespaces.
 *
 *   npm run shapes                     all of them
 *   npm run shapes -- deep sparse      these
 */
import { runShapes, SHAPES } from '../test/hostile/shapes/run.ts';

const names = process.argv.slice(2);
const isWithinBudget = await runShapes(names.length > 0 ? names : SHAPES, console.log);
console.log(isWithinBudget ? 'all within the memory budget' : 'the memory budget was exceeded');
process.exitCode = isWithinBudget ? 0 : 1;
