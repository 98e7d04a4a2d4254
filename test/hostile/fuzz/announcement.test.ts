import { fuzzTest } from './fuzzTest.ts';

fuzzTest('announcement', 'announcements on the local network');
