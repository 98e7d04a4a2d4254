import type { RequestType, RequestType0 } from 'vscode-jsonrpc';
import type { requests } from '../../rpc/contract.ts';

/** The contract's requests by name, so that who calls them need not load the library behind them. */

type Requests = typeof requests;
export type RequestName = keyof Requests;

export type ParamsOf<Name extends RequestName> =
  Requests[Name] extends RequestType0<infer _Result, infer _Error>
    ? undefined
    : Requests[Name] extends RequestType<infer Params, infer _Result, infer _Error>
      ? Params
      : never;

export type ResultOf<Name extends RequestName> =
  Requests[Name] extends RequestType0<infer Result, infer _Error>
    ? Result
    : Requests[Name] extends RequestType<infer _Params, infer Result, infer _Error>
      ? Result
      : never;

/** How far a wait goes. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}
