package gostack

// Why a segment was sent. Each segment has one cause, the nearest one: what made
// the stack send it at that moment.
const (
	causeWrite          = "write"           // the application wrote it
	causeAck            = "ack"             // an acknowledgment made room in a window
	causeNagle          = "nagle"           // Nagle's algorithm let it go
	causeCork           = "cork"            // TCP_CORK or MSG_MORE was taken away
	causeCorkTimer      = "cork-timer"      // the probe timer let a corked tail go
	causeDelack         = "delack"          // the delayed-ACK timer
	causeAckNow         = "ack-now"         // received data that is acknowledged at once
	causeDupAck         = "dupack"          // out-of-order or duplicate data came
	causeCompressedAck  = "compressed-ack"  // the timer of compressed SACKs
	causeWindowUpdate   = "window-update"   // the application read
	causeTLP            = "tlp"             // the tail loss probe's timer
	causeRTO            = "rto"             // the retransmission timer
	causeFastRetransmit = "fast-retransmit" // taken for lost by SACK or duplicate ACKs
	causeRack           = "rack"            // the timer of RACK's reordering window
	causeLossRecovery   = "loss-recovery"   // an acknowledgment while recovering from a timeout
	causeProbe          = "probe"           // the zero-window probe's timer
	causeKeepalive      = "keepalive"       // the keepalive timer
	causeFin            = "fin"             // close or shutdown
	causeSyn            = "syn"             // connect
	causeSynAck         = "synack"          // a SYN came
	causeSynTimer       = "syn-timer"       // a SYN or SYN-ACK sent again
	causeChallenge      = "challenge"       // RFC 5961
	causeReset          = "reset"           // a segment that belongs to nothing
	causeAbort          = "abort"           // the application gave the connection up
	causePacing         = "pacing"          // the pacing timer
	causeQueue          = "queue"           // what was in the queueing discipline has left
	causeUrgent         = "urgent"          // urgent data
	causeHandshake      = "handshake"       // the acknowledgment of a SYN-ACK
	causeTimewait       = "timewait"        // a segment to a connection in TIME-WAIT
	causePMTU           = "pmtu"            // the path's MTU has become smaller
	causeMTUProbe       = "mtu-probe"       // packetization-layer path MTU discovery
)
