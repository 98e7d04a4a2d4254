import { fuzzTest } from './fuzzTest.ts';

fuzzTest('rpc', 'requests on the local socket');
