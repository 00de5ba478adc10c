// Package crosscheck makes random scripts and compares what two stacks do with
// them.
//
// A script is made up while it runs on a stack in virtual time: a Peer plays the
// other end of the connection, with losses, reordering and odd segments, and the
// application. It sees what that stack sends, so that its acknowledgments make
// sense and deep states are reached. What it did is then a plain script of
// injected packets and calls at absolute times, without expectations but for the
// handshake. It runs on any stack, and Compare says where two traces part.
package crosscheck
