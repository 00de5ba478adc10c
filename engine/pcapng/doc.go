// Package pcapng writes captures as pcapng, and reads them as pcapng and as
// classic pcap.
//
// The blocks are written and read here rather than by gopacket's pcapgo. Its
// NgWriter can't give a packet options, so neither a comment nor a direction; its
// reader drops them. And it needs gopacket/layers, whose tables take some
// milliseconds to fill as a program starts: in each worker. The tests hold the two
// against each other.
//
// https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
package pcapng
