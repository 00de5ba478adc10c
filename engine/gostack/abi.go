package gostack

// Linux's numbers, as x86-64 has them. SO_REUSEADDR is soReuseaddr here, and so
// on; SOF_TIMESTAMPING_TX_ACK is sofTxAck.

// Address families.
const (
	afUnspec  = 0
	afUnix    = 1
	afInet    = 2
	afInet6   = 10
	afNetlink = 16
	afPacket  = 17
	afMax     = 46
)

// Types of sockets, and flags beside them.
const (
	sockStream    = 1
	sockDgram     = 2
	sockRaw       = 3
	sockRdm       = 4
	sockSeqpacket = 5
	sockDccp      = 6
	sockPacket    = 10
	sockMax       = 11
	sockTypeMask  = 0xf
	sockNonblock  = oNonblock
	sockCloexec   = oCloexec
)

// Protocols.
const (
	ipprotoIP      = 0
	ipprotoICMP    = 1
	ipprotoTCP     = 6
	ipprotoUDP     = 17
	ipprotoIPv6    = 41
	ipprotoICMPv6  = 58
	ipprotoUDPLite = 136
	ipprotoRaw     = 255
	ipprotoMPTCP   = 262
	ipprotoSMC     = 256
	ipprotoMax     = 263
)

// Levels of socket options.
const (
	solIP     = 0
	solSocket = 1
	solTCP    = 6
	solUDP    = 17
	solIPv6   = 41
	solICMPv6 = 58
	solRaw    = 255
	solTLS    = 282
	solMPTCP  = 284
)

// What shutdown shuts.
const (
	shutRd   = 0
	shutWr   = 1
	shutRdwr = 2
)

// Options of SOL_SOCKET.
const (
	soDebug               = 1
	soReuseaddr           = 2
	soType                = 3
	soError               = 4
	soDontroute           = 5
	soBroadcast           = 6
	soSndbuf              = 7
	soRcvbuf              = 8
	soKeepalive           = 9
	soOobinline           = 10
	soNoCheck             = 11
	soPriority            = 12
	soLinger              = 13
	soBsdcompat           = 14
	soReuseport           = 15
	soPasscred            = 16
	soPeercred            = 17
	soRcvlowat            = 18
	soSndlowat            = 19
	soRcvtimeo            = 20
	soSndtimeo            = 21
	soBindtodevice        = 25
	soAttachFilter        = 26
	soDetachFilter        = 27
	soPeername            = 28
	soTimestamp           = 29
	soAcceptconn          = 30
	soPeersec             = 31
	soSndbufforce         = 32
	soRcvbufforce         = 33
	soPasssec             = 34
	soTimestampns         = 35
	soMark                = 36
	soTimestamping        = 37
	soProtocol            = 38
	soDomain              = 39
	soRxqOvfl             = 40
	soPeekOff             = 42
	soNofcs               = 43
	soLockFilter          = 44
	soSelectErrQueue      = 45
	soBusyPoll            = 46
	soMaxPacingRate       = 47
	soBpfExtensions       = 48
	soIncomingCpu         = 49
	soAttachBpf           = 50
	soAttachReuseportCbpf = 51
	soAttachReuseportEbpf = 52
	soCnxAdvice           = 53
	soMeminfo             = 55
	soIncomingNapiId      = 56
	soCookie              = 57
	soPeergroups          = 59
	soZerocopy            = 60
	soTxtime              = 61
	soBindtoifindex       = 62
	soTimestampNew        = 63
	soTimestampnsNew      = 64
	soTimestampingNew     = 65
	soRcvtimeoNew         = 66
	soSndtimeoNew         = 67
	soDetachReuseportBpf  = 68
	soPreferBusyPoll      = 69
	soBusyPollBudget      = 70
	soNetnsCookie         = 71
	soBufLock             = 72
	soReserveMem          = 73
	soTxrehash            = 74
	soRcvmark             = 75
	soPasspidfd           = 76
	soPeerpidfd           = 77
	soDevmemLinear        = 78
	soDevmemDmabuf        = 79
	soDevmemDontneed      = 80
	soRcvpriority         = 82
	soPassrights          = 83
	soInq                 = 84
	soWifiStatus          = 41
)

// Control messages of SOL_SOCKET.
const (
	scmRights               = 1
	scmCredentials          = 2
	scmTimestamp            = 29
	scmTimestampns          = 35
	scmTimestamping         = 37
	scmTimestampingOptStats = 54
	scmTimestampingPktinfo  = 58
	scmTxtime               = 61
	scmTsOptId              = 81
	scmTimestampNew         = soTimestampNew
	scmTimestampnsNew       = soTimestampnsNew
	scmTimestampingNew      = soTimestampingNew
)

// What a time stamp is of (ee_info).
const (
	scmTstampSnd        = 0
	scmTstampSched      = 1
	scmTstampAck        = 2
	scmTstampCompletion = 3
)

// Where an error comes from, and its code (struct sock_extended_err).
const (
	soEeOriginNone         = 0
	soEeOriginLocal        = 1
	soEeOriginIcmp         = 2
	soEeOriginIcmp6        = 3
	soEeOriginTimestamping = 4
	soEeOriginZerocopy     = 5
	soEeOriginTxtime       = 6
	soEeCodeZerocopyCopied = 1
)

// Flags of SO_TIMESTAMPING.
const (
	sofTxHardware   = 0x1
	sofTxSoftware   = 0x2
	sofRxHardware   = 0x4
	sofRxSoftware   = 0x8
	sofSoftware     = 0x10
	sofSysHardware  = 0x20
	sofRawHardware  = 0x40
	sofOptId        = 0x80
	sofTxSched      = 0x100
	sofTxAck        = 0x200
	sofOptCmsg      = 0x400
	sofOptTsonly    = 0x800
	sofOptStats     = 0x1000
	sofOptPktinfo   = 0x2000
	sofOptTxSwhw    = 0x4000
	sofBindPhc      = 0x8000
	sofOptIdTcp     = 0x10000
	sofOptRxFilter  = 0x20000
	sofTxCompletion = 0x40000
)

// Flags of messages. The last two are internal to the kernel.
const (
	msgOob         = 0x1
	msgPeek        = 0x2
	msgDontroute   = 0x4
	msgCtrunc      = 0x8
	msgProxy       = 0x10
	msgTrunc       = 0x20
	msgDontwait    = 0x40
	msgEor         = 0x80
	msgWaitall     = 0x100
	msgFin         = 0x200
	msgSyn         = 0x400
	msgConfirm     = 0x800
	msgRst         = 0x1000
	msgErrqueue    = 0x2000
	msgNosignal    = 0x4000
	msgMore        = 0x8000
	msgWaitforone  = 0x10000
	msgBatch       = 0x40000
	msgSockDevmem  = 0x2000000
	msgZerocopy    = 0x4000000
	msgFastopen    = 0x20000000
	msgCmsgCloexec = 0x40000000
	msgSplicePages = 1 << 27
	msgNotlast     = 1 << 17
)

// Options of SOL_IP.
const (
	ipTos                  = 1
	ipTtl                  = 2
	ipHdrincl              = 3
	ipOptions              = 4
	ipRouterAlert          = 5
	ipRecvopts             = 6
	ipRecvretopts          = 7
	ipPktinfo              = 8
	ipPktoptions           = 9
	ipMtuDiscover          = 10
	ipRecverr              = 11
	ipRecvttl              = 12
	ipRecvtos              = 13
	ipMtu                  = 14
	ipFreebind             = 15
	ipIpsecPolicy          = 16
	ipXfrmPolicy           = 17
	ipPasssec              = 18
	ipTransparent          = 19
	ipOrigdstaddr          = 20
	ipMinttl               = 21
	ipNodefrag             = 22
	ipChecksum             = 23
	ipBindAddressNoPort    = 24
	ipRecvfragsize         = 25
	ipRecverrRfc4884       = 26
	ipMulticastIf          = 32
	ipMulticastTtl         = 33
	ipMulticastLoop        = 34
	ipAddMembership        = 35
	ipDropMembership       = 36
	ipUnblockSource        = 37
	ipBlockSource          = 38
	ipAddSourceMembership  = 39
	ipDropSourceMembership = 40
	ipMsfilter             = 41
	ipMulticastAll         = 49
	ipUnicastIf            = 50
	ipLocalPortRange       = 51
	ipProtocol             = 52
	ipRetopts              = 7
	mcastFirst             = 42
	mcastMsfilter          = 48
)

// Values of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER.
const (
	ipPmtudiscDont      = 0
	ipPmtudiscWant      = 1
	ipPmtudiscDo        = 2
	ipPmtudiscProbe     = 3
	ipPmtudiscInterface = 4
	ipPmtudiscOmit      = 5
)

// Options of SOL_IPV6.
const (
	ipv6Addrform        = 1
	ipv62292pktinfo     = 2
	ipv62292hopopts     = 3
	ipv62292dstopts     = 4
	ipv62292rthdr       = 5
	ipv62292pktoptions  = 6
	ipv6Checksum        = 7
	ipv62292hoplimit    = 8
	ipv6Nexthop         = 9
	ipv6Authhdr         = 10
	ipv6Flowinfo        = 11
	ipv6UnicastHops     = 16
	ipv6MulticastIf     = 17
	ipv6MulticastHops   = 18
	ipv6MulticastLoop   = 19
	ipv6AddMembership   = 20
	ipv6DropMembership  = 21
	ipv6RouterAlert     = 22
	ipv6MtuDiscover     = 23
	ipv6Mtu             = 24
	ipv6Recverr         = 25
	ipv6V6only          = 26
	ipv6JoinAnycast     = 27
	ipv6LeaveAnycast    = 28
	ipv6MulticastAll    = 29
	ipv6RecverrRfc4884  = 31
	ipv6FlowlabelMgr    = 32
	ipv6FlowinfoSend    = 33
	ipv6IpsecPolicy     = 34
	ipv6XfrmPolicy      = 35
	ipv6Hdrincl         = 36
	ipv6Recvpktinfo     = 49
	ipv6Pktinfo         = 50
	ipv6Recvhoplimit    = 51
	ipv6Hoplimit        = 52
	ipv6Recvhopopts     = 53
	ipv6Hopopts         = 54
	ipv6Rthdrdstopts    = 55
	ipv6Recvrthdr       = 56
	ipv6Rthdr           = 57
	ipv6Recvdstopts     = 58
	ipv6Dstopts         = 59
	ipv6Recvpathmtu     = 60
	ipv6Pathmtu         = 61
	ipv6Dontfrag        = 62
	ipv6Recvtclass      = 66
	ipv6Tclass          = 67
	ipv6Autoflowlabel   = 70
	ipv6AddrPreferences = 72
	ipv6Minhopcount     = 73
	ipv6Origdstaddr     = 74
	ipv6Transparent     = 75
	ipv6UnicastIf       = 76
	ipv6Recvfragsize    = 77
	ipv6Freebind        = 78
)

// Options of SOL_UDP.
const (
	udpCork       = 1
	udpEncap      = 100
	udpNoCheck6Tx = 101
	udpNoCheck6Rx = 102
	udpSegment    = 103
	udpGro        = 104
)

// What may be true of a file (POLL* are the same numbers), and flags of epoll_ctl.
const (
	epollIn        = 0x1
	epollPri       = 0x2
	epollOut       = 0x4
	epollErr       = 0x8
	epollHup       = 0x10
	epollNval      = 0x20
	epollRdnorm    = 0x40
	epollRdband    = 0x80
	epollWrnorm    = 0x100
	epollWrband    = 0x200
	epollMsg       = 0x400
	epollRdhup     = 0x2000
	epollExclusive = 0x10000000
	epollWakeup    = 0x20000000
	epollOneshot   = 0x40000000
	epollEt        = 0x80000000
)

// epoll_ctl's operations.
const (
	epollCtlAdd = 1
	epollCtlDel = 2
	epollCtlMod = 3
)

// Flags of open files.
const (
	oRdonly    = 0x0
	oWronly    = 0x1
	oRdwr      = 0x2
	oAccmode   = 0x3
	oCreat     = 0x40
	oExcl      = 0x80
	oNoctty    = 0x100
	oTrunc     = 0x200
	oAppend    = 0x400
	oNonblock  = 0x800
	oDsync     = 0x1000
	oAsync     = 0x2000
	oDirect    = 0x4000
	oDirectory = 0x10000
	oNofollow  = 0x20000
	oNoatime   = 0x40000
	oCloexec   = 0x80000
	oSync      = 0x101000
	oPath      = 0x200000
	oTmpfile   = 0x410000
)

// fcntl's commands.
const (
	fDupfd        = 0
	fGetfd        = 1
	fSetfd        = 2
	fGetfl        = 3
	fSetfl        = 4
	fDupfdCloexec = 1030
	fDupfdQuery   = 1027
	fSetpipeSz    = 1031
	fGetpipeSz    = 1032
	fCreatedQuery = 1028
	fdCloexec     = 1
)

// ioctl's commands.
const (
	fionread    = 0x541b
	fionbio     = 0x5421
	fioasync    = 0x5452
	fionclex    = 0x5450
	fioclex     = 0x5451
	siocoutq    = 0x5411
	siocatmark  = 0x8905
	siocoutqnsd = 0x894b
	siocinq     = fionread
)

// Flags of splice.
const (
	spliceFMove     = 1
	spliceFNonblock = 2
	spliceFMore     = 4
	spliceFGift     = 8
)

// Capabilities, and what cap_set takes them from.
const (
	capNetBindService = 10
	capNetAdmin       = 12
	capNetRaw         = 13
	capLastCap        = 40
	capEffective      = 0
	capPermitted      = 1
	capInheritable    = 2
)

// The bits of a type of service (a traffic class) that are for ECN.
const ecnMask = 3

// Sizes of structs that calls pass.
const (
	sockaddrInLen      = 16
	sockaddrIn6Len     = 28
	sockaddrIn6MinLen  = 24 // without the scope, as in RFC 2133
	sockaddrStorageLen = 128
	timevalLen         = 16
	cmsgHeaderLen      = 16
	pollfdLen          = 8
)
