package gostack

import (
	"math/rand"
	"testing"
)

// checkTree checks that the tree has the list's order and is red-black, and returns
// its black height.
func checkTree(t *testing.T, b, up *skb, order *[]*skb) int {
	if b == nil {
		return 1
	}
	if b.rb.up != up {
		t.Fatalf("%d has the wrong parent", b.seq)
	}
	if b.rb.red && isRed(up) {
		t.Fatalf("%d and its parent are red", b.seq)
	}
	left := checkTree(t, b.rb.left, b, order)
	*order = append(*order, b)
	if right := checkTree(t, b.rb.right, b, order); left != right {
		t.Fatalf("below %d: %d black ones left, %d right", b.seq, left, right)
	}
	if !b.rb.red {
		left++
	}
	return left
}

// TestOfoList adds, swaps and removes at random.
func TestOfoList(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	q := &ofoList{}
	all := map[uint32]*skb{}
	for range 20000 {
		seq := uint32(rnd.Intn(200))
		old := all[seq]
		switch {
		case old == nil:
			b := &skb{seq: seq}
			var at *skb
			for n := q.first; n != nil && n.seq < seq; n = n.next {
				at = n
			}
			q.insertAfter(b, at)
			q.insert(b)
			all[seq] = b
		case rnd.Intn(4) == 0:
			b := &skb{seq: seq}
			q.swap(old, b)
			all[seq] = b
		default:
			q.remove(old)
			delete(all, seq)
		}
		var order []*skb
		checkTree(t, q.root, nil, &order)
		if len(order) != len(all) || q.n != len(all) {
			t.Fatalf("%d in the tree, %d in the list, want %d", len(order), q.n, len(all))
		}
		b := q.first
		for _, n := range order {
			if n != b {
				t.Fatal("the tree has another order than the list")
			}
			b = b.next
		}
	}
}
