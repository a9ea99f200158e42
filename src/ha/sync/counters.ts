/** What is counted of the links between directors, summed over all of them since the start. */
export interface SyncCounters {
  connects: number;
  /** Connections that ended, by why. */
  disconnects: number;
  /** Peers that could not prove that they have the key, or whose messages were not theirs. */
  refusedKeys: number;
  /** Peers whose certificate was not accepted, or of which only one end of the link speaks TLS. */
  refusedTls: number;
  /** Frames and messages that made no sense. */
  refusedMessages: number;
  /** Sessions that were ended because the peer took nothing more, or said nothing more. */
  slowPeers: number;
  silentPeers: number;
  messagesSent: number;
  messagesReceived: number;
  bytesSent: number;
  bytesReceived: number;
}

/** All at zero. */
export function zeroSyncCounters(): SyncCounters {
  return {
    connects: 0,
    disconnects: 0,
    refusedKeys: 0,
    refusedTls: 0,
    refusedMessages: 0,
    slowPeers: 0,
    silentPeers: 0,
    messagesSent: 0,
    messagesReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
  };
}
