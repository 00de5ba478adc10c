// Package abi has what a stack in Go needs of Linux's ABI, for it is Linux's calls that
// scripts make: numbers, as x86-64 has them, errors, and the layout of addresses.
// SO_REUSEADDR is SoReuseaddr here, and so on; SOF_TIMESTAMPING_TX_ACK is SofTxAck,
// TCP_NODELAY TcpOptNodelay.
package abi

// Address families.
const (
	AfUnspec  = 0
	AfUnix    = 1
	AfInet    = 2
	AfInet6   = 10
	AfNetlink = 16
	AfPacket  = 17
	AfMax     = 46
)

// Types of sockets, and flags beside them.
const (
	SockStream    = 1
	SockDgram     = 2
	SockRaw       = 3
	SockRdm       = 4
	SockSeqpacket = 5
	SockDccp      = 6
	SockPacket    = 10
	SockMax       = 11
	SockTypeMask  = 0xf
	SockNonblock  = ONonblock
	SockCloexec   = OCloexec
)

// Protocols.
const (
	IpprotoIP      = 0
	IpprotoICMP    = 1
	IpprotoTCP     = 6
	IpprotoUDP     = 17
	IpprotoIPv6    = 41
	IpprotoICMPv6  = 58
	IpprotoUDPLite = 136
	IpprotoRaw     = 255
	IpprotoMPTCP   = 262
	IpprotoSMC     = 256
	IpprotoMax     = 263
)

// Levels of socket options.
const (
	SolIP     = 0
	SolSocket = 1
	SolTCP    = 6
	SolUDP    = 17
	SolIPv6   = 41
	SolICMPv6 = 58
	SolRaw    = 255
	SolTLS    = 282
	SolMPTCP  = 284
)

// What shutdown shuts.
const (
	ShutRd   = 0
	ShutWr   = 1
	ShutRdwr = 2
)

// Options of SOL_SOCKET.
const (
	SoDebug               = 1
	SoReuseaddr           = 2
	SoType                = 3
	SoError               = 4
	SoDontroute           = 5
	SoBroadcast           = 6
	SoSndbuf              = 7
	SoRcvbuf              = 8
	SoKeepalive           = 9
	SoOobinline           = 10
	SoNoCheck             = 11
	SoPriority            = 12
	SoLinger              = 13
	SoBsdcompat           = 14
	SoReuseport           = 15
	SoPasscred            = 16
	SoPeercred            = 17
	SoRcvlowat            = 18
	SoSndlowat            = 19
	SoRcvtimeo            = 20
	SoSndtimeo            = 21
	SoBindtodevice        = 25
	SoAttachFilter        = 26
	SoDetachFilter        = 27
	SoPeername            = 28
	SoTimestamp           = 29
	SoAcceptconn          = 30
	SoPeersec             = 31
	SoSndbufforce         = 32
	SoRcvbufforce         = 33
	SoPasssec             = 34
	SoTimestampns         = 35
	SoMark                = 36
	SoTimestamping        = 37
	SoProtocol            = 38
	SoDomain              = 39
	SoRxqOvfl             = 40
	SoPeekOff             = 42
	SoNofcs               = 43
	SoLockFilter          = 44
	SoSelectErrQueue      = 45
	SoBusyPoll            = 46
	SoMaxPacingRate       = 47
	SoBpfExtensions       = 48
	SoIncomingCpu         = 49
	SoAttachBpf           = 50
	SoAttachReuseportCbpf = 51
	SoAttachReuseportEbpf = 52
	SoCnxAdvice           = 53
	SoMeminfo             = 55
	SoIncomingNapiId      = 56
	SoCookie              = 57
	SoPeergroups          = 59
	SoZerocopy            = 60
	SoTxtime              = 61
	SoBindtoifindex       = 62
	SoTimestampNew        = 63
	SoTimestampnsNew      = 64
	SoTimestampingNew     = 65
	SoRcvtimeoNew         = 66
	SoSndtimeoNew         = 67
	SoDetachReuseportBpf  = 68
	SoPreferBusyPoll      = 69
	SoBusyPollBudget      = 70
	SoNetnsCookie         = 71
	SoBufLock             = 72
	SoReserveMem          = 73
	SoTxrehash            = 74
	SoRcvmark             = 75
	SoPasspidfd           = 76
	SoPeerpidfd           = 77
	SoDevmemLinear        = 78
	SoDevmemDmabuf        = 79
	SoDevmemDontneed      = 80
	SoRcvpriority         = 82
	SoPassrights          = 83
	SoInq                 = 84
	SoWifiStatus          = 41
)

// Control messages of SOL_SOCKET.
const (
	ScmRights               = 1
	ScmCredentials          = 2
	ScmTimestamp            = 29
	ScmTimestampns          = 35
	ScmTimestamping         = 37
	ScmTimestampingOptStats = 54
	ScmTimestampingPktinfo  = 58
	ScmTxtime               = 61
	ScmTsOptId              = 81
	ScmTimestampNew         = SoTimestampNew
	ScmTimestampnsNew       = SoTimestampnsNew
	ScmTimestampingNew      = SoTimestampingNew
)

// What a time stamp is of (ee_info).
const (
	ScmTstampSnd        = 0
	ScmTstampSched      = 1
	ScmTstampAck        = 2
	ScmTstampCompletion = 3
)

// Where an error comes from, and its code (struct sock_extended_err).
const (
	SoEeOriginNone         = 0
	SoEeOriginLocal        = 1
	SoEeOriginIcmp         = 2
	SoEeOriginIcmp6        = 3
	SoEeOriginTimestamping = 4
	SoEeOriginZerocopy     = 5
	SoEeOriginTxtime       = 6
	SoEeCodeZerocopyCopied = 1
)

// Flags of SO_TIMESTAMPING.
const (
	SofTxHardware   = 0x1
	SofTxSoftware   = 0x2
	SofRxHardware   = 0x4
	SofRxSoftware   = 0x8
	SofSoftware     = 0x10
	SofSysHardware  = 0x20
	SofRawHardware  = 0x40
	SofOptId        = 0x80
	SofTxSched      = 0x100
	SofTxAck        = 0x200
	SofOptCmsg      = 0x400
	SofOptTsonly    = 0x800
	SofOptStats     = 0x1000
	SofOptPktinfo   = 0x2000
	SofOptTxSwhw    = 0x4000
	SofBindPhc      = 0x8000
	SofOptIdTcp     = 0x10000
	SofOptRxFilter  = 0x20000
	SofTxCompletion = 0x40000
)

// Flags of messages. The last two are internal to the kernel.
const (
	MsgOob         = 0x1
	MsgPeek        = 0x2
	MsgDontroute   = 0x4
	MsgCtrunc      = 0x8
	MsgProxy       = 0x10
	MsgTrunc       = 0x20
	MsgDontwait    = 0x40
	MsgEor         = 0x80
	MsgWaitall     = 0x100
	MsgFin         = 0x200
	MsgSyn         = 0x400
	MsgConfirm     = 0x800
	MsgRst         = 0x1000
	MsgErrqueue    = 0x2000
	MsgNosignal    = 0x4000
	MsgMore        = 0x8000
	MsgWaitforone  = 0x10000
	MsgBatch       = 0x40000
	MsgSockDevmem  = 0x2000000
	MsgZerocopy    = 0x4000000
	MsgFastopen    = 0x20000000
	MsgCmsgCloexec = 0x40000000
	MsgSplicePages = 1 << 27
	MsgNotlast     = 1 << 17
)

// Options of SOL_IP.
const (
	IpTos                  = 1
	IpTtl                  = 2
	IpHdrincl              = 3
	IpOptions              = 4
	IpRouterAlert          = 5
	IpRecvopts             = 6
	IpRecvretopts          = 7
	IpPktinfo              = 8
	IpPktoptions           = 9
	IpMtuDiscover          = 10
	IpRecverr              = 11
	IpRecvttl              = 12
	IpRecvtos              = 13
	IpMtu                  = 14
	IpFreebind             = 15
	IpIpsecPolicy          = 16
	IpXfrmPolicy           = 17
	IpPasssec              = 18
	IpTransparent          = 19
	IpOrigdstaddr          = 20
	IpMinttl               = 21
	IpNodefrag             = 22
	IpChecksum             = 23
	IpBindAddressNoPort    = 24
	IpRecvfragsize         = 25
	IpRecverrRfc4884       = 26
	IpMulticastIf          = 32
	IpMulticastTtl         = 33
	IpMulticastLoop        = 34
	IpAddMembership        = 35
	IpDropMembership       = 36
	IpUnblockSource        = 37
	IpBlockSource          = 38
	IpAddSourceMembership  = 39
	IpDropSourceMembership = 40
	IpMsfilter             = 41
	IpMulticastAll         = 49
	IpUnicastIf            = 50
	IpLocalPortRange       = 51
	IpProtocol             = 52
	IpRetopts              = 7
	McastFirst             = 42
	McastMsfilter          = 48
)

// Values of IP_MTU_DISCOVER and IPV6_MTU_DISCOVER.
const (
	IpPmtudiscDont      = 0
	IpPmtudiscWant      = 1
	IpPmtudiscDo        = 2
	IpPmtudiscProbe     = 3
	IpPmtudiscInterface = 4
	IpPmtudiscOmit      = 5
)

// Options of SOL_IPV6.
const (
	Ipv6Addrform        = 1
	Ipv62292pktinfo     = 2
	Ipv62292hopopts     = 3
	Ipv62292dstopts     = 4
	Ipv62292rthdr       = 5
	Ipv62292pktoptions  = 6
	Ipv6Checksum        = 7
	Ipv62292hoplimit    = 8
	Ipv6Nexthop         = 9
	Ipv6Authhdr         = 10
	Ipv6Flowinfo        = 11
	Ipv6UnicastHops     = 16
	Ipv6MulticastIf     = 17
	Ipv6MulticastHops   = 18
	Ipv6MulticastLoop   = 19
	Ipv6AddMembership   = 20
	Ipv6DropMembership  = 21
	Ipv6RouterAlert     = 22
	Ipv6MtuDiscover     = 23
	Ipv6Mtu             = 24
	Ipv6Recverr         = 25
	Ipv6V6only          = 26
	Ipv6JoinAnycast     = 27
	Ipv6LeaveAnycast    = 28
	Ipv6MulticastAll    = 29
	Ipv6RecverrRfc4884  = 31
	Ipv6FlowlabelMgr    = 32
	Ipv6FlowinfoSend    = 33
	Ipv6IpsecPolicy     = 34
	Ipv6XfrmPolicy      = 35
	Ipv6Hdrincl         = 36
	Ipv6Recvpktinfo     = 49
	Ipv6Pktinfo         = 50
	Ipv6Recvhoplimit    = 51
	Ipv6Hoplimit        = 52
	Ipv6Recvhopopts     = 53
	Ipv6Hopopts         = 54
	Ipv6Rthdrdstopts    = 55
	Ipv6Recvrthdr       = 56
	Ipv6Rthdr           = 57
	Ipv6Recvdstopts     = 58
	Ipv6Dstopts         = 59
	Ipv6Recvpathmtu     = 60
	Ipv6Pathmtu         = 61
	Ipv6Dontfrag        = 62
	Ipv6Recvtclass      = 66
	Ipv6Tclass          = 67
	Ipv6Autoflowlabel   = 70
	Ipv6AddrPreferences = 72
	Ipv6Minhopcount     = 73
	Ipv6Origdstaddr     = 74
	Ipv6Transparent     = 75
	Ipv6UnicastIf       = 76
	Ipv6Recvfragsize    = 77
	Ipv6Freebind        = 78
)

// Options of SOL_UDP.
const (
	UdpCork       = 1
	UdpEncap      = 100
	UdpNoCheck6Tx = 101
	UdpNoCheck6Rx = 102
	UdpSegment    = 103
	UdpGro        = 104
)

// What may be true of a file (POLL* are the same numbers), and flags of epoll_ctl.
const (
	EpollIn        = 0x1
	EpollPri       = 0x2
	EpollOut       = 0x4
	EpollErr       = 0x8
	EpollHup       = 0x10
	EpollNval      = 0x20
	EpollRdnorm    = 0x40
	EpollRdband    = 0x80
	EpollWrnorm    = 0x100
	EpollWrband    = 0x200
	EpollMsg       = 0x400
	EpollRdhup     = 0x2000
	EpollExclusive = 0x10000000
	EpollWakeup    = 0x20000000
	EpollOneshot   = 0x40000000
	EpollEt        = 0x80000000
)

// epoll_ctl's operations.
const (
	EpollCtlAdd = 1
	EpollCtlDel = 2
	EpollCtlMod = 3
)

// Flags of open files.
const (
	ORdonly    = 0x0
	OWronly    = 0x1
	ORdwr      = 0x2
	OAccmode   = 0x3
	OCreat     = 0x40
	OExcl      = 0x80
	ONoctty    = 0x100
	OTrunc     = 0x200
	OAppend    = 0x400
	ONonblock  = 0x800
	ODsync     = 0x1000
	OAsync     = 0x2000
	ODirect    = 0x4000
	ODirectory = 0x10000
	ONofollow  = 0x20000
	ONoatime   = 0x40000
	OCloexec   = 0x80000
	OSync      = 0x101000
	OPath      = 0x200000
	OTmpfile   = 0x410000
)

// fcntl's commands.
const (
	FDupfd        = 0
	FGetfd        = 1
	FSetfd        = 2
	FGetfl        = 3
	FSetfl        = 4
	FDupfdCloexec = 1030
	FDupfdQuery   = 1027
	FSetpipeSz    = 1031
	FGetpipeSz    = 1032
	FCreatedQuery = 1028
	FdCloexec     = 1
)

// ioctl's commands.
const (
	Fionread    = 0x541b
	Fionbio     = 0x5421
	Fioasync    = 0x5452
	Fionclex    = 0x5450
	Fioclex     = 0x5451
	Siocoutq    = 0x5411
	Siocatmark  = 0x8905
	Siocoutqnsd = 0x894b
	Siocinq     = Fionread
)

// Flags of splice.
const (
	SpliceFMove     = 1
	SpliceFNonblock = 2
	SpliceFMore     = 4
	SpliceFGift     = 8
)

// Capabilities, and what cap_set takes them from.
const (
	CapNetBindService = 10
	CapNetAdmin       = 12
	CapNetRaw         = 13
	CapLastCap        = 40
	CapEffective      = 0
	CapPermitted      = 1
	CapInheritable    = 2
)

// EcnMask are the bits of a type of service (a traffic class) that are for ECN.
const EcnMask = 3

// Sizes of structs that calls pass.
const (
	SockaddrInLen      = 16
	SockaddrIn6Len     = 28
	SockaddrIn6MinLen  = 24 // without the scope, as in RFC 2133
	SockaddrStorageLen = 128
	TimevalLen         = 16
	CmsgHeaderLen      = 16
	PollfdLen          = 8
)

// Options of SOL_TCP (linux/tcp.h).
const (
	TcpOptNodelay          = 1
	TcpOptMaxseg           = 2
	TcpOptCork             = 3
	TcpOptKeepidle         = 4
	TcpOptKeepintvl        = 5
	TcpOptKeepcnt          = 6
	TcpOptSyncnt           = 7
	TcpOptLinger2          = 8
	TcpOptDeferAccept      = 9
	TcpOptWindowClamp      = 10
	TcpOptInfo             = 11
	TcpOptQuickack         = 12
	TcpOptCongestion       = 13
	TcpOptMD5Sig           = 14
	TcpOptThinLinear       = 16
	TcpOptThinDupack       = 17
	TcpOptUserTimeout      = 18
	TcpOptRepair           = 19
	TcpOptFastopen         = 23
	TcpOptTimestamp        = 24
	TcpOptNotsentLowat     = 25
	TcpOptCCInfo           = 26
	TcpOptSaveSyn          = 27
	TcpOptSavedSyn         = 28
	TcpOptFastopenConnect  = 30
	TcpOptULP              = 31
	TcpOptMD5SigExt        = 32
	TcpOptFastopenKey      = 33
	TcpOptFastopenNoCookie = 34
	TcpOptZerocopyReceive  = 35
	TcpOptInq              = 36
	TcpOptTxDelay          = 37
)
