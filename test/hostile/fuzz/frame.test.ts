import { fuzzTest } from './fuzzTest.ts';

fuzzTest('frame', 'frames, however they are cut');
