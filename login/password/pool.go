package password

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/minddistrict/idp/internal/argon2"
	"github.com/minddistrict/idp/internal/fault"
)

// Pool runs password hashes: as many at once as there are workers, and a bounded queue behind them. More is refused
// with fault.Busy, so that a storm of logins costs a bounded amount of memory and never starves tokens.
type Pool struct {
	// Patience is how long a hash waits for its turn. The queue is shorter than that, unless the machine is busy with
	// something else.
	Patience time.Duration

	// Hashing is told true before the first hash after a pause, and false when none came for a tenth of a second: one call
	// at a time, in turn. Nil: nobody is told. It is set before the first hash.
	Hashing func(bool)

	slots  chan *argon2.Memory // one per worker; whoever holds one hashes in it
	idle   *time.Timer         // lets the memory go
	pause  *time.Timer         // tells Hashing
	hashes struct {            // that run or ended less than pauseAfter ago
		sync.Mutex
		running int
		told    bool // Hashing knows of them
	}
	taken  atomic.Int64 // places: as many as there are workers and room in the queue
	shed   atomic.Uint64
	hashed atomic.Uint64
	queue  int64
	params Params
	dummy  string // what an unknown address is compared with
}

// NewPool makes a pool. One worker per core is right: a hash uses one core and 19 MiB. Whoever serves requests beside
// it gives each worker one more place in GOMAXPROCS while hashes run, or requests wait for the whole queue.
func NewPool(workers, queue int, params Params) *Pool {
	p := &Pool{
		Patience: time.Minute, slots: make(chan *argon2.Memory, workers), queue: int64(queue), params: params, dummy: standIn(params),
	}
	for range workers {
		p.slots <- &argon2.Memory{}
	}
	p.idle, p.pause = time.AfterFunc(keepMemory, p.letGo), time.AfterFunc(pauseAfter, p.paused)
	return p
}

// keepMemory is how long the memory of hashes is kept when none comes: making and clearing it takes a fifth of a hash,
// and it holds what was derived from the last password.
const keepMemory = time.Second

// pauseAfter is how long after the last hash Hashing is told that none runs. What it is told for, places for
// goroutines, makes every other request slower: with five seconds, userinfo on one core cost a seventh more and its p99
// was half as much again for whoever came after a sign-in.
const pauseAfter = 100 * time.Millisecond

// begin counts a hash that begins.
func (p *Pool) begin() {
	p.hashes.Lock()
	defer p.hashes.Unlock()
	p.hashes.running++
	if p.Hashing != nil && !p.hashes.told {
		p.hashes.told = true
		p.Hashing(true)
	}
}

// end counts one that ended.
func (p *Pool) end() {
	p.hashes.Lock()
	defer p.hashes.Unlock()
	p.hashes.running--
	p.idle.Reset(keepMemory)
	p.pause.Reset(pauseAfter)
}

// paused tells that no hash runs, where that was not told yet.
func (p *Pool) paused() {
	p.hashes.Lock()
	defer p.hashes.Unlock()
	if p.hashes.told && p.hashes.running == 0 {
		p.hashes.told = false
		p.Hashing(false)
	}
}

// letGo clears and gives back the memory that no hash uses now.
func (p *Pool) letGo() {
	for range cap(p.slots) {
		select {
		case m := <-p.slots:
			m.Clear()
			p.slots <- m
		default:
			return // whoever has one begins the wait anew
		}
	}
}

// Hash makes the stored form of a new password.
func (p *Pool) Hash(ctx context.Context, password string) (string, error) {
	var phc string
	err := p.run(ctx, func(in *argon2.Memory) { phc = hash(in, password, p.params); p.hashed.Add(1) })
	return phc, err
}

// Verify reports whether the password belongs to the hash. An empty hash (no account, or none with a password) costs
// the same as one of ours and never matches. A hash that was imported from elsewhere costs something else until its
// owner signs in and it is replaced; for that long its answer's time tells that there is an account.
func (p *Pool) Verify(ctx context.Context, password, phc string) (bool, error) {
	known := phc != ""
	if !known {
		phc = p.dummy
	}
	var ok bool
	var verifyErr error
	if err := p.run(ctx, func(in *argon2.Memory) { ok, verifyErr = verify(in, password, phc); p.hashed.Add(1) }); err != nil {
		return false, err
	}
	return ok && known, verifyErr
}

// Outdated reports whether a hash is to be replaced when its password is known.
func (p *Pool) Outdated(phc string) bool { return outdated(phc, p.params) }

// Waiting is how many places are taken, for metrics: hashes that are queued or run, and requests that are about to.
func (p *Pool) Waiting() int { return int(p.taken.Load()) }

// Hashed is how many passwords were hashed so far, to be stored or compared.
func (p *Pool) Hashed() uint64 { return p.hashed.Load() }

// Shed is how many found no place so far.
func (p *Pool) Shed() uint64 { return p.shed.Load() }

// place is one request's place in a pool.
type place struct {
	pool *Pool
	held atomic.Bool
}

// take finds a place at once, or is fault.Busy.
func (l *place) take() error {
	if p := l.pool; p.taken.Add(1) > p.queue+int64(cap(p.slots)) {
		p.taken.Add(-1)
		p.shed.Add(1)
		return fmt.Errorf("hashing password: %w", fault.Busy)
	}
	l.held.Store(true)
	return nil
}

// leave gives the place back, once.
func (l *place) leave() {
	if l.held.CompareAndSwap(true, false) {
		l.pool.taken.Add(-1)
	}
}

type placeKey struct{}

// Enter takes a place, or is fault.Busy at once. Whatever is hashed in the context that it returns uses this place,
// until leave gives it back.
func (p *Pool) Enter(ctx context.Context) (in context.Context, leave func(), err error) {
	l := &place{pool: p}
	if err := l.take(); err != nil {
		return nil, nil, err
	}
	return context.WithValue(ctx, placeKey{}, l), l.leave, nil
}

// Yield gives the place of a context back before its time. What is hashed in it later needs a place of its own.
func (p *Pool) Yield(ctx context.Context) {
	if l, ok := ctx.Value(placeKey{}).(*place); ok && l.pool == p {
		l.leave()
	}
}

// run works in the place of the context, or in one of its own for so long.
func (p *Pool) run(ctx context.Context, work func(in *argon2.Memory)) error {
	if l, ok := ctx.Value(placeKey{}).(*place); !ok || l.pool != p || !l.held.Load() {
		own := &place{pool: p}
		if err := own.take(); err != nil {
			return err
		}
		defer own.leave()
	}
	patience := time.NewTimer(p.Patience)
	defer patience.Stop()
	var in *argon2.Memory
	select {
	case in = <-p.slots:
	case <-patience.C:
		p.shed.Add(1)
		return fmt.Errorf("waiting %s to hash a password: %w", p.Patience, fault.Busy)
	case <-ctx.Done():
		return fmt.Errorf("hashing password: %w: %w", fault.Unavailable, ctx.Err())
	}
	defer func() {
		if in.Bytes() > int(p.params.Memory)<<10 {
			in.Clear() // a stored hash asked for more than ours do
		}
		p.slots <- in
		p.end()
	}()
	p.begin()
	onOwnThread(func() { work(in) })
	return nil
}

// onOwnThread does work on a thread of its own, which gives way to all others (giveWay), and waits for it. What panics
// there panics here.
func onOwnThread(work func()) {
	done := make(chan any)
	go func() {
		defer func() { done <- recover() }()
		runtime.LockOSThread() // never unlocked: a thread that gave way ends with its goroutine
		lowerPriority()
		work()
	}()
	if mishap := <-done; mishap != nil {
		panic(mishap)
	}
}
