import { fuzzTest } from './fuzzTest.ts';

fuzzTest('reply', 'replies to chunks');
