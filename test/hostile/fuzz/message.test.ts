import { fuzzTest } from './fuzzTest.ts';

fuzzTest('message', 'control messages');
