package gostack

import (
	"time"
)

// States of a connection, by Linux's numbers.
const (
	tcpEstablished = iota + 1
	tcpSynSent
	tcpSynRecv
	tcpFinWait1
	tcpFinWait2
	tcpTimeWait
	tcpClose
	tcpCloseWait
	tcpLastAck
	tcpListen
	tcpClosing
	tcpNewSynRecv
)

// inState reports whether the connection is in one of the states.
func (tp *tcpSock) inState(states ...int) bool {
	for _, s := range states {
		if tp.state == s {
			return true
		}
	}
	return false
}

// A tcpSock is a TCP socket (struct tcp_sock and what it is made of).
//
//	        acknowledged       sent, not acknowledged      may be sent
//	...---------------------|-------------------------|------------------|---...
//	                      sndUna                    sndNxt        sndUna+sndWnd
//
//	        read, then received                     may come
//	...------|--------------|-------------------------------------------|---...
//	     copiedSeq        rcvNxt                                  rcvWup+rcvWnd
type tcpSock struct {
	sock
	state int
	v6    bool // speaks IPv6

	// The listener's.
	listener    *tcpSock // of a connection not yet accepted
	acceptQueue []*tcpSock
	backlog     int
	requests    []*request // connections half open, oldest first
	young       int        // of them, those whose SYN-ACK wasn't sent again
	deferAccept int        // retransmissions of a SYN-ACK to wait for data
	fastopenQ   *fastopenQueue

	// Sending.
	writeQueue skbList // not yet sent
	rtxQueue   skbList // sent, not yet acknowledged
	sndUna     uint32
	sndNxt     uint32
	writeSeq   uint32 // after the last byte written
	pushedSeq  uint32 // after the last byte that PSH was set on
	sndSml     uint32 // after the last small segment sent (Minshall)
	sndWl1     uint32 // sequence number of the segment that last changed the window
	sndWnd     uint32
	maxWindow  uint32
	sndUp      uint32 // after the urgent byte

	mssCache         int
	mssClamp         uint16 // the peer's MSS option
	userMSS          int    // TCP_MAXSEG
	advmss           int
	xmitSizeGoalSegs int
	routeMTU         int // of the route that the last segment took; 0: none was sent
	pmtuCookie       int
	tcpHeaderLen     int   // of an ordinary segment: 20, or 32 with time stamps
	nonagle          int   // nagleOff, nagleCork, naglePush
	notsentLowat     int64 // -1: the sysctl's

	// Options.
	wscaleOK, sackOK, tstampOK bool
	sawTstamp                  bool // of the segment at hand
	rcvTsval, rcvTsecr         uint32
	tsRecent                   uint32
	tsRecentStamp              int64 // seconds of wall time; 0: none
	sndWscale, rcvWscale       uint8
	md5                        []md5Key

	// Congestion control and loss.
	ca            congestion
	caSet         bool // by TCP_CONGESTION
	caLocked      bool // by the route
	caState       int
	sndSsthresh   uint32
	sndCwnd       uint32
	sndCwndCnt    uint32
	sndCwndClamp  uint32
	sndCwndUsed   uint32
	sndCwndStamp  uint64 // jiffies
	priorCwnd     uint32
	priorSsthresh uint32
	prrDelivered  uint32
	prrOut        uint32
	highSeq       uint32 // sndNxt when recovery began
	undoMarker    uint32
	undoRetrans   int
	retransStamp  uint64 // time stamp (ms or µs) of the first retransmission; 0: none
	maxPacketsOut uint32
	cwndUsageSeq  uint32
	cwndLimited   bool
	frto          bool
	packetsOut    uint32
	sackedOut     uint32
	lostOut       uint32
	retransOut    uint32
	lostCount     uint32 // tp->lost: ever
	retransHint   *skb
	lostSkbHint   *skb
	lostCntHint   int
	highestSack   *skb
	sackCache     []sackBlock // of the last SACK option
	reordering    int
	reordSeen     uint32
	rack          rackState
	tlpHighSeq    uint32
	tlpRetrans    bool
	rcvRTT        rcvRTT
	mtuProbe      mtuProbe
	dsackDups     uint32
	ecnFlags      int
	totalRetrans  uint32

	// Round trips.
	srttUs, mdevUs, mdevMaxUs, rttvarUs uint32
	rttSeq                              uint32
	rttMin                              minmax
	rto                                 int64 // jiffies
	rtoMin                              int64 // jiffies
	tcpMstamp                           time.Duration

	// Delivery rate.
	delivered, deliveredCE uint32
	deliveredMstamp        time.Duration
	firstTxMstamp          time.Duration
	appLimited             uint32
	rateDelivered          uint32
	rateIntervalUs         int64
	rateAppLimited         bool

	// Receiving.
	receiveQueue        skbList
	ofoQueue            ofoList
	copiedSeq           uint32
	rcvNxt              uint32
	rcvWup              uint32 // rcvNxt when the window was last sent
	rcvWnd              uint32
	rcvMss              int // what the peer's segments look like (icsk_ack.rcv_mss)
	rcvSsthresh         uint32
	windowClamp         uint32
	scalingRatio        int
	rcvqSpace           rcvqSpace
	urgData             uint16
	urgSeq              uint32
	duplicateSack       []sackBlock
	selectiveAcks       []sackBlock
	rcvOOOPack          uint32
	compressedAck       int
	compressedAckRcvNxt uint32
	dupAckCounter       int

	// ACKs that wait.
	ackPending  int
	quick       int
	pingpong    int
	ato         int64  // jiffies
	lrcvtime    uint64 // jiffies
	lastSegSize int
	ackTimeout  uint64 // jiffies

	// Timers.
	retransTimer                 timer
	pendingTimer                 int
	timeout                      uint64 // jiffies
	delackTimer                  timer
	keepTimer                    timer
	pacingTimer                  timer
	compressedTimer              timer
	backoff                      int
	retransmits                  int
	probesOut                    int
	probesTstamp                 uint64
	lsndtime                     uint64
	rcvTstamp                    uint64
	keepIdle                     int64 // jiffies; 0: the sysctl's
	keepIntvl                    int64
	keepProbes                   int
	userTimeout                  int64 // ms
	synRetries                   int
	linger2                      int64 // jiffies; -1: none
	totalRTO, totalRTORecoveries int
	rtoStamp                     uint64
	totalRTOTime                 int64

	// Fast Open.
	fastopenReq        *fastopenReq
	fastopenConnect    bool
	fastopenNoCookie   bool
	fastopenRequest    *request // of a server's socket, until the handshake ends
	synFastopen        bool
	synFastopenExp     bool
	synData            bool
	synDataAcked       bool
	fastopenClientFail int
	isTFOChild         bool
	deferConnect       bool
	savedSyn           []byte
	saveSyn            int

	// Pacing.
	wstampNs     time.Duration // earliest departure of the next packet
	clockCacheNs time.Duration
	pacingStatus int

	// TCP_INFO.
	bytesSent, bytesRetrans, bytesAcked, bytesReceived uint64
	segsIn, segsOut, dataSegsIn, dataSegsOut           uint32
	chrono                                             chrono

	zckey         uint32
	inq           bool // TCP_INQ
	needSpaceWake bool // somebody waits for room (SOCK_NOSPACE)
	sentOrder     sentList
	predOn        bool // header prediction
	predWnd       uint16
	lastOOWAck    uint64 // jiffies
	sockDone      bool   // FIN came
	sackReneg     bool
	hashed        tuple
	stage         int // ss*
	writePending  int
	destroyed     bool
	synackSent    time.Duration
	synackRetrans int
	thinLinear    bool
	cookieSent    bool          // a listener's: SYN cookies were sent,
	lastCookie    time.Duration // the last of them then
	userCause     string
	ackCause      string // why the ACK that is due is sent
}
