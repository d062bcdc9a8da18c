package pipeline

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
)

// Line lends a connection for one message: one that lives, as far as can be told, and is in no transaction. What use returns
// it returns. Afterwards the connection may be closed.
type Line func(ctx context.Context, use func(*pgconn.PgConn) error) error

// Options say how.
type Options struct {
	Statements []Statement // those that are taken
	Lines      int         // how many connections are used at once; at least 1
	Most       int         // statements of one message; at least 1
	Line       Line
}

// Pipeline sends statements. All methods may be called at the same time.
type Pipeline struct {
	statements map[string]*Statement // by text
	queue      *queue
	most       int
	line       Line
	ctx        context.Context // of the connections; done after Close
	end        context.CancelFunc
	workers    sync.WaitGroup
}

// New starts a goroutine for each line. Close ends them.
func New(o Options) *Pipeline {
	p := &Pipeline{statements: map[string]*Statement{}, queue: newQueue(), most: max(1, o.Most), line: o.Line}
	p.ctx, p.end = context.WithCancel(context.Background())
	for _, s := range o.Statements {
		p.statements[s.Text] = &s
	}
	for range max(1, o.Lines) {
		p.workers.Go(func() {
			for calls := p.queue.take(p.most); calls != nil; calls = p.queue.take(p.most) {
				p.send(calls)
			}
		})
	}
	return p
}

// Close ends whoever waits, with net.ErrClosed, and returns when all messages have their answer.
func (p *Pipeline) Close() {
	for _, c := range p.queue.close() {
		c.finish(net.ErrClosed)
	}
	p.end()
	p.workers.Wait()
}

// do returns when a statement is answered, or the context ends. One that waits then is not sent any more; of one that is on
// its way nobody knows whether it was done, as when a connection breaks.
func (p *Pipeline) do(ctx context.Context, text string, args []driver.NamedValue) (*call, error) {
	of := p.statements[text]
	if of == nil {
		return nil, ErrAlone // nobody announced it
	}
	c, err := newCall(of, args)
	if err != nil {
		return nil, err
	}
	if err := p.queue.add(c); err != nil {
		return nil, err
	}
	select {
	case <-c.done:
	case <-ctx.Done():
		p.queue.withdraw(c)
		select {
		case <-c.done: // at the same moment
		default:
			return nil, ctx.Err()
		}
	}
	return c, c.answer.err
}

// send answers all calls: in one message, and the writes whose transaction failed in a second one, each for itself.
func (p *Pipeline) send(calls []*call) {
	groups := make([]*group, 0, len(calls))
	var writes []*call
	for _, c := range calls {
		if c.of.Writes {
			writes = append(writes, c)
		} else {
			groups = append(groups, &group{calls: []*call{c}})
		}
	}
	if len(writes) > 0 {
		ordered(writes)
		groups = append(groups, &group{calls: writes})
	}
	again := p.exchange(groups)
	if len(again) == 0 {
		return
	}
	groups = groups[:0]
	for _, c := range again {
		groups = append(groups, &group{calls: []*call{c}})
	}
	p.exchange(groups) // a group of one is always answered
}

// tries is how many connections are tried for what may be sent again, as database/sql does.
const tries = 3

// exchange answers the calls of groups, but for those that it returns: nothing of these was done. Where nothing of a message
// could be sent it is sent over another connection. Where the connection ended later, unless the server was silent for too
// long, that is so for the reads of which no answer came: to read twice changes nothing. Of its writes nobody knows.
func (p *Pipeline) exchange(groups []*group) (again []*call) {
	var err error
	for range tries {
		began := false
		err = p.line(p.ctx, func(c *pgconn.PgConn) error {
			began = true
			return exchange(p.ctx, c, groups)
		})
		if err == nil {
			break
		}
		if pgconn.SafeToRetry(err) {
			continue
		}
		reads := false
		for _, g := range groups {
			switch {
			case g.ended:
			case g.calls[0].of.Writes:
				g.lose(err)
			default:
				reads = true
			}
		}
		if !began || !reads || silent(err) {
			break
		}
	}
	for _, g := range groups {
		if !g.ended {
			g.lose(err)
		}
		again = append(again, g.again...)
	}
	return again
}

// silent reports whether an error is that a time was over, or that the pipeline is closed: what took too long is not begun
// anew.
func silent(err error) bool {
	late, ok := errors.AsType[net.Error](err)
	return ok && late.Timeout() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
