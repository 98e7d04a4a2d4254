/** Node 20 has no way to give memory back before the collector comes by. */
const CAN_GIVE_BACK = 'transfer' in ArrayBuffer.prototype;

/**
 * Gives the memory of `buffer` back at once. Nobody may look at it any more, whatever else lies in it. Until the
 * collector comes by, buffers pile up by tens of megabytes, and call it in more often than the little heap that
 * stands for them would.
 */
export function giveBack(buffer: ArrayBufferLike): void {
  if (CAN_GIVE_BACK && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
