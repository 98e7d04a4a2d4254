import { fuzzTest } from './fuzzTest.ts';

fuzzTest('invite', 'invites');
