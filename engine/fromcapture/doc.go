// Package fromcapture writes a script from a capture of a TCP connection, as seen
// from one of its ends: what the other end sent is injected, what this one sent is
// expected. The calls that made it send are guessed.
package fromcapture
