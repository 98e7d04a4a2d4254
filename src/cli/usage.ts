import { DEFAULT_PORT } from '../node/net/tlsOptions.ts';
import { limits } from '../protocol/limits.ts';

/** What `--help` prints. */
export const USAGE = `Peer Courier sends files and folders straight to another machine: encrypted and verified.

  peer-courier receive --folder DIR [options]     wait for transfers and receive them into DIR
      --invite-file FILE       write an invite to FILE: hand it to the sender; one use, ten minutes
      --host ADDRESS           listen on this address only (default: all)
      --port N                 listen on this port (default: ${DEFAULT_PORT})
      --accept known|ask       known: accept from paired and invited peers; ask: ask for each offer
      --on-conflict POLICY     a name is taken: skip, keep-both (default) or replace
      --once                   stop after the first transfer that has ended
      --hidden                 do not announce this receiver on the local network
  peer-courier receive --folder DIR --from-file FILE
                               fetch what another device shares: FILE holds its invite ("-": read it from input)
      --retry-for DURATION     as below

  peer-courier send PATH... --invite-file FILE    send to whoever made the invite ("-": read it from input)
  peer-courier send PATH... --to NAME|HOST:PORT   send to a peer that is known from an invite
  peer-courier send PATH... --share               send to whoever uses an invite, by dialling this machine
      --share-file FILE        write the invite to FILE instead of printing it; one use, ten minutes
      --host ADDRESS           listen on this address only (default: all)
      --port N                 listen on this port (default: ${DEFAULT_PORT})
      --retry-for DURATION     after an interruption, try so long without progress:
                               90s, 10m (default), 2h; 0: never
      --limit MBIT             send at most so many megabits per second (default: no limit)
      --lanes N                use at most N connections, 1 to ${limits.lanes} (default: as many as help)

  peer-courier transfers                          list what was interrupted here and can go on
  peer-courier resume ID                          go on with one that was sent or fetched from here
      --to HOST:PORT           the receiver is there now
      --invite-file FILE       … or where this invite says
      --retry-for, --limit, --lanes   as above
  peer-courier discard ID                         give one up, and remove what is held of it

  peer-courier pair                               wait for another device, and compare a code with its user
      --host ADDRESS           listen on this address only (default: all)
      --port N                 listen on this port (default: ${DEFAULT_PORT})
  peer-courier pair HOST[:PORT]                   the same, with the device that waits there

  peer-courier nearby                             list the devices of this network that answer now
      --for DURATION           look so long (default: 3s)

  peer-courier invite                             make one more invite for the receiver that runs here
      --invite-file FILE       write it to FILE instead of printing it

  peer-courier peers                              list the known peers, and what they may do
  peer-courier peers rename NAME NEW              call one otherwise; NAME may also be a fingerprint's beginning
  peer-courier peers forget NAME                  make one a stranger, and give up what has not ended with it
  peer-courier peers accept NAME --up-to SIZE --folder DIR
                                                  receive its offers up to SIZE (500MB, 2GB) into DIR, unasked
  peer-courier peers ask NAME                     ask about each of its offers
  peer-courier peers block NAME                   let it in no more, and send nothing to it
  peer-courier peers default NAME                 no rule of its own: as receive --accept says

  peer-courier doctor                             look what keeps others from reaching this device
      --host ADDRESS, --port N   … if it listened there
  peer-courier doctor NAME|HOST[:PORT]            … and what lies between it and that peer
      --redacted               leave out what says whose machine it is, for a report that others read

  All take --state DIR (identity, known peers, what was interrupted)
  and --json (one JSON object a line, for programs).
  Every failure has an exit status of its own; the README lists them.
`;
