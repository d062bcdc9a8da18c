package pipeline

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Statement is one that may be sent with others. Of two with the same parameters, either may come first.
type Statement struct {
	Text   string
	Writes bool
	Turn   int   // of one that writes: in which order tables are locked, the lowest first
	Row    []int // of one that writes: places of the parameters that name the row that it locks, $1 being 1
}

// ErrAlone is what a caller gets whose statement was not done, because it is none for a message with others: nobody
// announced it, or it would keep them waiting, or be refused. It may be sent again by itself, at once.
var ErrAlone = errors.New("not in a message with others")

// errNotTaken is a mistake of the program: it asks what is not done here.
var errNotTaken = errors.New("not taken")

// Formats of a value, as PostgreSQL numbers them.
const (
	asText   = 0
	asBinary = 1
)

// call is a statement with its parameters, on its way to an answer.
type call struct {
	of      *Statement
	params  [][]byte // nil: NULL
	formats []int16
	row     string // of a write: compared to find which comes first

	answer answer        // before done is closed, of the goroutine that sends it
	done   chan struct{} // closed: it is answered
}

// newCall keeps nothing of the arguments: a caller may leave, and use them again, while they are being sent.
func newCall(of *Statement, args []driver.NamedValue) (*call, error) {
	c := &call{of: of, params: make([][]byte, len(args)), formats: make([]int16, len(args)), done: make(chan struct{})}
	size := 0
	for _, a := range args {
		switch v := a.Value.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		case int64:
			size += 20 // digits, and a sign
		}
	}
	all := make([]byte, 0, size)
	for i, a := range args {
		before := len(all)
		switch v := a.Value.(type) {
		case nil:
			continue
		case string:
			if !utf8.ValidString(v) || strings.IndexByte(v, 0) >= 0 {
				return nil, ErrAlone // the server refuses it, and whatever is in the same transaction
			}
			all = append(all, v...)
		case int64:
			all = strconv.AppendInt(all, v, 10)
		case []byte:
			all = append(all, v...)
			c.formats[i] = asBinary
		default:
			return nil, fmt.Errorf("parameter $%d of type %T: %w", i+1, v, errNotTaken)
		}
		c.params[i] = all[before:len(all):len(all)]
	}
	for _, place := range of.Row {
		if place < 1 || place > len(args) {
			return nil, fmt.Errorf("no parameter $%d names a row: %w", place, errNotTaken)
		}
		c.row += string(c.params[place-1]) + "\x00"
	}
	return c, nil
}

// finish answers a call, once.
func (c *call) finish(err error) {
	if err != nil {
		c.answer = answer{err: err}
	}
	close(c.done)
}

// ordered puts writes in the one order in which rows are locked, so that two messages never wait for each other; those
// of one row stay in the order in which they came.
func ordered(writes []*call) {
	slices.SortStableFunc(writes, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.of.Turn, b.of.Turn), strings.Compare(a.row, b.row))
	})
}
