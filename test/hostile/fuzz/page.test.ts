import { fuzzTest } from './fuzzTest.ts';

fuzzTest('page', 'pages of a manifest');
