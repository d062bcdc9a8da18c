package pipeline

import (
	"container/list"
	"net"
	"sync"
)

// queue holds calls that wait, first come first served. Each is taken once, or withdrawn.
type queue struct {
	mu      sync.Mutex // guards all below
	some    sync.Cond  // there is a call, or the end
	waiting list.List  // of *call
	places  map[*call]*list.Element
	closed  bool
}

func newQueue() *queue {
	q := &queue{places: map[*call]*list.Element{}}
	q.some.L = &q.mu
	return q
}

// add puts a call at the end. After close it is net.ErrClosed.
func (q *queue) add(c *call) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return net.ErrClosed
	}
	q.places[c] = q.waiting.PushBack(c)
	q.some.Signal()
	return nil
}

// take waits until there are calls and takes the first ones, at most so many. None: the queue is closed.
func (q *queue) take(most int) []*call {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.waiting.Len() == 0 && !q.closed {
		q.some.Wait()
	}
	if q.closed {
		return nil
	}
	taken := make([]*call, 0, min(most, q.waiting.Len()))
	for len(taken) < cap(taken) {
		c, _ := q.waiting.Remove(q.waiting.Front()).(*call)
		delete(q.places, c)
		taken = append(taken, c)
	}
	if q.waiting.Len() > 0 {
		q.some.Signal() // another connection may be free
	}
	return taken
}

// withdraw reports whether a call still waited, and takes it out.
func (q *queue) withdraw(c *call) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	place, waits := q.places[c]
	if waits {
		q.waiting.Remove(place)
		delete(q.places, c)
	}
	return waits
}

// close lets nobody in any more, ends take, and returns those that waited.
func (q *queue) close() (left []*call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	for e := q.waiting.Front(); e != nil; e = e.Next() {
		c, _ := e.Value.(*call)
		left = append(left, c)
	}
	q.waiting.Init()
	clear(q.places)
	q.some.Broadcast()
	return left
}
