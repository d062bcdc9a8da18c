package password

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/minddistrict/idp/internal/fault"
)

// Pool runs password hashes: as many at once as there are workers, and a bounded queue behind them. More is refused
// with fault.Unavailable, so that a storm of logins costs a bounded amount of memory and never starves tokens.
type Pool struct {
	slots   chan struct{} // one per worker; holding one allows one hash
	waiting atomic.Int64
	queue   int64
	params  Params
	dummy   string // what an unknown address is compared with
}

// NewPool makes a pool. One worker per core is right: a hash uses one core and 19 MiB. Whoever serves requests beside it
// gives each worker one more place in GOMAXPROCS, or requests wait for the whole queue.
func NewPool(workers, queue int, params Params) *Pool {
	return &Pool{slots: make(chan struct{}, workers), queue: int64(queue), params: params, dummy: standIn(params)}
}

// Hash makes the stored form of a new password.
func (p *Pool) Hash(ctx context.Context, password string) (string, error) {
	var phc string
	err := p.run(ctx, func() { phc = hash(password, p.params) })
	return phc, err
}

// Verify tells whether the password belongs to the hash. An empty hash (no account, or none with a password) costs the
// same as one of ours and never matches. A hash that was imported from elsewhere costs something else until its owner
// signs in and it is replaced; for that long its answer's time tells that there is an account.
func (p *Pool) Verify(ctx context.Context, password, phc string) (bool, error) {
	known := phc != ""
	if !known {
		phc = p.dummy
	}
	var ok bool
	var verifyErr error
	if err := p.run(ctx, func() { ok, verifyErr = verify(password, phc) }); err != nil {
		return false, err
	}
	return ok && known, verifyErr
}

// Outdated tells whether a hash is to be replaced when its password is known.
func (p *Pool) Outdated(phc string) bool { return outdated(phc, p.params) }

// Waiting is how many hashes are queued or running, for metrics.
func (p *Pool) Waiting() int { return int(p.waiting.Load()) }

func (p *Pool) run(ctx context.Context, work func()) error {
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > p.queue+int64(cap(p.slots)) {
		return fmt.Errorf("hashing password: %w: queue is full", fault.Unavailable)
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("hashing password: %w: %w", fault.Unavailable, ctx.Err())
	}
	defer func() { <-p.slots }()
	work()
	return nil
}
