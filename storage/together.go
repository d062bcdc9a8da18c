package storage

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
)

// mostTogether bounds how many statements are sent as one, so that there are few different ones to prepare. A sign-in
// has 7.
const mostTogether = 16

// step is a statement of which only the number of rows counts, those that it writes or, as a SELECT, finds.
type step struct {
	text  string
	args  []any
	judge func(rows int64) error // nil: any number will do
}

// reads reports whether a step is a SELECT.
func (s step) reads() bool { return strings.HasPrefix(strings.TrimSpace(s.text), "SELECT") }

// run runs a step by itself.
func (s step) run(ctx context.Context, q conn) error {
	var rows int64
	var err error
	if s.reads() {
		var found []any
		found, err = list(ctx, q, func(one *any) []any { return []any{one} }, s.text, s.args...)
		rows = int64(len(found))
	} else {
		rows, err = exec(ctx, q, s.text, s.args...)
	}
	if err != nil || s.judge == nil {
		return err
	}
	return s.judge(rows)
}

// do runs a step, now or, in a gathering, together with those beside it. It is for steps that do not depend on each
// other where they stand beside each other: none reads or writes a row that another one writes. Whatever else is asked
// of a gathering comes after all of them.
func do(ctx context.Context, q conn, s step) error {
	g, gathers := q.(*gathering)
	if !gathers {
		return s.run(ctx, q)
	}
	if len(g.steps) == mostTogether {
		if err := g.send(ctx); err != nil {
			return err
		}
	}
	g.steps = append(g.steps, s)
	return nil
}

// gathering is a transaction that holds steps back until something else is asked, or all is done, and sends them as one
// statement: each waits for an answer otherwise. They are judged afterwards, in their order, and all that any of them did
// is undone with the transaction, as it is where each is judged before the next one is sent.
type gathering struct {
	conn
	steps []step
}

// gather runs work in a transaction, with its steps together where the database can do that. A step that is refused comes
// before what work says, which goes on after it.
func (d dialect) gather(ctx context.Context, q conn, work func(conn) error) error {
	if !d.writesInWith {
		return work(q)
	}
	g := &gathering{conn: q}
	err := work(g)
	if refused := g.send(ctx); refused != nil { // nothing is held back where a statement failed: it was sent before that
		return refused
	}
	return err
}

// send sends what is held back, and judges it.
func (g *gathering) send(ctx context.Context) error {
	steps := g.steps
	g.steps = nil
	if len(steps) == 0 {
		return nil
	}
	if len(steps) == 1 {
		return steps[0].run(ctx, g.conn)
	}
	text, args := asOne(steps)
	rows, err := one(ctx, g.conn, func(n *[mostTogether]int64) []any {
		into := make([]any, len(steps))
		for i := range into {
			into[i] = &n[i]
		}
		return into
	}, text, args...)
	if err != nil {
		return err
	}
	for i, s := range steps {
		if s.judge == nil {
			continue
		}
		if err := s.judge(rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// asOne is one statement that runs steps and returns the number of rows of each. PostgreSQL runs them in their order,
// because each is run when it is counted, and so takes their locks in that order. They see the database as it was before
// all of them.
func asOne(steps []step) (text string, args []any) {
	var with, counts strings.Builder
	for i, s := range steps {
		before, between := ",\n", ",\n       "
		if i == 0 {
			before, between = "WITH ", "\nSELECT "
		}
		returning := "\nRETURNING 1"
		if s.reads() {
			returning = ""
		}
		fmt.Fprintf(&with, "%sstep%d AS (%s%s)", before, i+1, shifted(s.text, len(args)), returning)
		fmt.Fprintf(&counts, "%s(SELECT COUNT(*) FROM step%d)", between, i+1)
		args = append(args, s.args...)
	}
	return with.String() + counts.String(), args
}

// shifted is a statement whose placeholders have higher numbers, for its place in another one.
func shifted(text string, by int) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		n, err := strconv.Atoi(after[:digits])
		if err != nil {
			panic("a dollar without a number: " + text) // our own constants
		}
		fmt.Fprintf(&out, "$%d", n+by)
		text = after[digits:]
	}
}

func (g *gathering) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	if err := g.send(ctx); err != nil {
		return nil, err
	}
	return g.conn.ExecContext(ctx, text, args...)
}

func (g *gathering) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if err := g.send(ctx); err != nil {
		return nil, err
	}
	return g.conn.QueryContext(ctx, text, args...)
}
