package gostack

// What came out of order is in a red-black tree, as in Linux, whose shape can be seen:
// a segment is added to the first buffer on its way down that ends where it begins and
// has room, even if the next one has all of it.

// An ofoList is the out-of-order queue: a list in the order of sequence numbers, and
// a tree over it.
type ofoList struct {
	skbList
	root *skb
}

// rbLink is a buffer's place in the tree.
type rbLink struct {
	up, left, right *skb
	red             bool
}

// add puts a buffer into the list behind at, and below up in the tree.
func (q *ofoList) add(b, at, up *skb, left bool) {
	q.insertAfter(b, at)
	q.link(b, up, left)
}

// insert puts a buffer that is in the list into the tree, too.
func (q *ofoList) insert(b *skb) {
	var up *skb
	left := false
	for n := q.root; n != nil; {
		up, left = n, before(b.seq, n.seq)
		if left {
			n = n.rb.left
		} else {
			n = n.rb.right
		}
	}
	q.link(b, up, left)
}

// swap puts a buffer in another's place.
func (q *ofoList) swap(old, b *skb) {
	q.insertAfter(b, old)
	q.skbList.remove(old)
	b.rb = old.rb
	for _, child := range []*skb{b.rb.left, b.rb.right} {
		if child != nil {
			child.rb.up = b
		}
	}
	q.hang(b, old, b.rb.up)
	old.rb = rbLink{}
}

// hang has a parent, or the root, refer to b instead of old.
func (q *ofoList) hang(b, old, up *skb) {
	switch {
	case up == nil:
		q.root = b
	case up.rb.left == old:
		up.rb.left = b
	default:
		up.rb.right = b
	}
}

// rotate turns an edge: b goes down, its child on the other side comes up.
func (q *ofoList) rotate(b *skb, left bool) {
	up := b.rb.right
	if !left {
		up = b.rb.left
	}
	inner := up.rb.left
	if left {
		b.rb.right, up.rb.left = inner, b
	} else {
		inner = up.rb.right
		b.rb.left, up.rb.right = inner, b
	}
	if inner != nil {
		inner.rb.up = b
	}
	up.rb.up = b.rb.up
	q.hang(up, b, b.rb.up)
	b.rb.up = up
}

func isRed(b *skb) bool { return b != nil && b.rb.red }

// link adds a leaf (Cormen et al., RB-INSERT).
func (q *ofoList) link(b, up *skb, left bool) {
	b.rb = rbLink{up: up, red: true}
	switch {
	case up == nil:
		q.root = b
	case left:
		up.rb.left = b
	default:
		up.rb.right = b
	}
	for isRed(b.rb.up) {
		up := b.rb.up
		top := up.rb.up
		left := up == top.rb.left
		uncle := top.rb.right
		if !left {
			uncle = top.rb.left
		}
		if isRed(uncle) {
			up.rb.red, uncle.rb.red, top.rb.red = false, false, true
			b = top
			continue
		}
		if left && b == up.rb.right || !left && b == up.rb.left {
			b = up
			q.rotate(b, left)
			up = b.rb.up
		}
		up.rb.red, top.rb.red = false, true
		q.rotate(top, !left)
	}
	q.root.rb.red = false
}

// remove takes a buffer out (Cormen et al., RB-DELETE).
func (q *ofoList) remove(b *skb) {
	q.skbList.remove(b)
	black := !b.rb.red
	var child, up *skb // what takes the place of what is missing, and above it
	switch {
	case b.rb.left == nil || b.rb.right == nil:
		child, up = b.rb.left, b.rb.up
		if child == nil {
			child = b.rb.right
		}
		q.hang(child, b, up)
	default:
		next := b.rb.right
		for next.rb.left != nil {
			next = next.rb.left
		}
		black = !next.rb.red
		child, up = next.rb.right, next.rb.up
		if up == b {
			up = next
		} else {
			up.rb.left = child
			next.rb.right = b.rb.right
			next.rb.right.rb.up = next
		}
		next.rb.left = b.rb.left
		next.rb.left.rb.up = next
		next.rb.up, next.rb.red = b.rb.up, b.rb.red
		q.hang(next, b, b.rb.up)
	}
	if child != nil {
		child.rb.up = up
	}
	b.rb = rbLink{}
	if black {
		q.rebalance(child, up)
	}
}

// rebalance makes up for a black one that is missing at b, below up.
func (q *ofoList) rebalance(b, up *skb) {
	for up != nil && !isRed(b) {
		left := b == up.rb.left
		sibling := func() *skb {
			if left {
				return up.rb.right
			}
			return up.rb.left
		}
		s := sibling()
		if isRed(s) {
			s.rb.red, up.rb.red = false, true
			q.rotate(up, left)
			s = sibling()
		}
		near, far := s.rb.left, s.rb.right
		if !left {
			near, far = far, near
		}
		if !isRed(near) && !isRed(far) {
			s.rb.red = true
			b, up = up, up.rb.up
			continue
		}
		if !isRed(far) {
			near.rb.red, s.rb.red = false, true
			q.rotate(s, !left)
			far, s = s, near
		}
		s.rb.red, up.rb.red, far.rb.red = up.rb.red, false, false
		q.rotate(up, left)
		return
	}
	if b != nil {
		b.rb.red = false
	}
}
