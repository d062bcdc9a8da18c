package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// group is what shares a transaction.
type group struct {
	calls  []*call
	again  []*call // of the calls: nothing was done, because another one failed
	ended  bool    // the server has ended the transaction: it is committed, or nothing of it was done
	failed int     // which of the calls failed, if err says that one did; len(calls): the commit
	err    error   // why
}

// settle answers the calls of a group whose transaction the server has ended.
func (g *group) settle() {
	for i, c := range g.calls {
		switch {
		case g.err == nil:
			c.finish(nil)
		case i == g.failed && unfit(g.err):
			c.finish(fmt.Errorf("%w: %w", ErrAlone, g.err))
		case len(g.calls) == 1:
			c.finish(g.err)
		default:
			g.again = append(g.again, c)
		}
	}
}

// lose answers the calls of a group whose connection broke: nobody knows whether it was committed, so nothing is sent again.
func (g *group) lose(err error) {
	g.ended = true
	if err == nil {
		err = errOutOfStep // never an answer without its commit
	}
	for _, c := range g.calls {
		c.finish(err)
	}
}

// unfitCodes are those of PostgreSQL that mean: nothing was done, and by itself the statement may do.
var unfitCodes = []string{
	"55P03", // it waited for a lock
	"57014", // it took long
	"0A000", // its prepared form is of an older schema
	"26000", // its prepared form is forgotten
}

func unfit(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(unfitCodes, pg.Code)
}

// exchange sends groups as one message and reads what comes back; each is settled as soon as its transaction has ended. An
// error is that of the connection. Only the last group may be of several calls: after one that failed in the midst of a
// group pgx attributes the descriptions of statements to the wrong answers.
func exchange(ctx context.Context, c *pgconn.PgConn, groups []*group) error {
	for _, g := range groups {
		if g.ended {
			continue // when another connection was tried
		}
		g.failed, g.err = 0, nil // what a connection said that ended before the transaction did
		if err := g.prepare(ctx, c); err != nil {
			return err
		}
	}
	p := c.StartPipeline(context.Background()) // the connection itself bounds how long an answer takes
	for _, g := range groups {
		if g.ended {
			continue // it cannot be prepared
		}
		for _, call := range g.calls {
			d := call.answer.of
			p.SendQueryStatement(d.statement, call.params, call.formats, d.formats)
		}
		p.SendPipelineSync()
	}
	err := p.Flush()
	for _, g := range groups {
		if err == nil && !g.ended {
			if err = g.receive(c, p); err == nil {
				g.settle()
			}
		}
	}
	if closing := p.Close(); err == nil && c.IsClosed() {
		err = closing
	}
	if err != nil && !c.IsClosed() { // nobody knows what else comes
		_ = c.Conn().Close() // it is broken already
	}
	return err
}

// receive reads the answers of a group.
func (g *group) receive(c *pgconn.PgConn, p *pgconn.Pipeline) error {
	for next := 0; ; {
		result, err := p.GetResults()
		switch r := result.(type) {
		case *pgconn.ResultReader:
			if next == len(g.calls) {
				return errOutOfStep
			}
			err = g.calls[next].answer.read(r)
			if err == nil {
				next++
				continue
			}
		case *pgconn.PipelineSync:
			if g.err == nil && next < len(g.calls) {
				return errOutOfStep
			}
			g.ended = true
			return nil
		}
		switch {
		case err == nil:
			return errOutOfStep
		case c.IsClosed():
			return err
		}
		if _, said := errors.AsType[*pgconn.PgError](err); !said {
			return err
		}
		if g.err == nil {
			g.failed, g.err = next, err
		}
	}
}

// errOutOfStep is a mistake in reading answers; the connection is closed after it.
var errOutOfStep = fmt.Errorf("answers do not match what was asked: %w", io.ErrUnexpectedEOF)

// preparedKey is where a connection keeps which statements are prepared on it.
const preparedKey = "pipeline"

// prepare prepares what is new on a connection. Where the server refuses that, the group fails as if the statement had.
func (g *group) prepare(ctx context.Context, c *pgconn.PgConn) error {
	known, _ := c.CustomData()[preparedKey].(map[*Statement]*described)
	if known == nil {
		known = map[*Statement]*described{}
		c.CustomData()[preparedKey] = known
	}
	for i, call := range g.calls {
		d := known[call.of]
		if d == nil {
			statement, err := c.Prepare(ctx, fmt.Sprintf("pipeline_%d", len(known)+1), call.of.Text, nil)
			if _, said := errors.AsType[*pgconn.PgError](err); said && !c.IsClosed() {
				g.ended, g.failed, g.err = true, i, err
				g.settle()
				return nil
			}
			if err != nil {
				return err
			}
			d = describe(statement)
			known[call.of] = d
		}
		call.answer = answer{of: d}
	}
	return nil
}

// described is a statement as prepared on a connection.
type described struct {
	statement *pgconn.StatementDescription
	formats   []int16  // of its columns
	names     []string // … for database/sql, which does not write into them
}

// Types of PostgreSQL whose values are read in binary.
const (
	oidBytes = 17
	oidInt8  = 20
	oidInt2  = 21
	oidInt4  = 23
)

func describe(s *pgconn.StatementDescription) *described {
	d := &described{statement: s, formats: make([]int16, len(s.Fields)), names: make([]string, len(s.Fields))}
	for i, f := range s.Fields {
		d.names[i] = f.Name
		switch f.DataTypeOID {
		case oidBytes, oidInt8, oidInt2, oidInt4:
			d.formats[i] = asBinary
		default:
			d.formats[i] = asText
		}
	}
	return d
}

// answer is what a statement gave.
type answer struct {
	of       *described
	cells    string // all values, one after the other
	lengths  []int  // of each value; -1: NULL
	affected int64
	err      error
}

func (a *answer) read(r *pgconn.ResultReader) error {
	var all strings.Builder
	for r.NextRow() {
		values, size := r.Values(), 0
		for _, value := range values {
			size += len(value)
		}
		all.Grow(size)
		a.lengths = slices.Grow(a.lengths, len(values))
		for _, value := range values {
			if value == nil {
				a.lengths = append(a.lengths, -1)
				continue
			}
			a.lengths = append(a.lengths, len(value))
			all.Write(value)
		}
	}
	tag, err := r.Close()
	a.cells, a.affected = all.String(), tag.RowsAffected()
	return err
}

// value is a cell as database/sql takes it.
func (d *described) value(column int, cell string) any {
	switch d.statement.Fields[column].DataTypeOID {
	case oidBytes:
		return []byte(cell)
	case oidInt8, oidInt4, oidInt2:
		var eight [8]byte
		copy(eight[8-len(cell):], cell)
		n := binary.BigEndian.Uint64(eight[:])
		unused := 64 - 8*len(cell)
		return int64(n<<unused) >> unused // with its sign
	default:
		return cell
	}
}
