import { fuzzTest } from './fuzzTest.ts';

fuzzTest('checkpoint', 'files of ours that are read back');
