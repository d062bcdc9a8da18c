package nodes_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// tap reads what nodes and PostgreSQL say to each other (Frontend/Backend Protocol, its manual's chapter 54), and stops one
// connection at a moment that a test names. The zero value lets all pass.
type tap struct {
	mu   sync.Mutex // guards next
	next *stop      // nil: none
}

// stop is a moment at which a connection falls silent, both ways and for good.
type stop struct {
	statement string // part of the text of a statement
	commit    bool   // the end of the transaction that it is in, not itself
	done      bool   // the database has done it, and its answer does not come; otherwise it does not get there
	hit       chan struct{}
}

// newTap opens a line with a tap on it, and returns the DSN that leads through it.
func newTap(t *testing.T, dsn string) (*line, string) {
	t.Helper()
	l, via := openLine(t, dsn, &tap{})
	u, err := url.Parse(via)
	must(t, "reading a DSN", err)
	q := u.Query()
	q.Set("sslmode", "disable") // what is sealed cannot be read
	u.RawQuery = q.Encode()
	return l, u.String()
}

// at arms the tap.
func (p *tap) at(s stop) *stop {
	s.hit = make(chan struct{})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = &s
	return &s
}

// wait waits until it happened.
func (s *stop) wait(t *testing.T) {
	t.Helper()
	select {
	case <-s.hit:
	case <-time.After(patience):
		t.Fatalf("nobody came to %q", s.statement)
	}
}

// takes disarms the tap if a statement is what it waits for.
func (p *tap) takes(text string) *stop {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.next
	if s == nil || !strings.Contains(text, s.statement) {
		return nil
	}
	p.next = nil
	return s
}

// wire carries one connection both ways; each function returns when it is over.
func (p *tap) wire(near, far net.Conn) (there, back func()) {
	var mu sync.Mutex
	var unanswered *stop // whose answer is held
	there = func() {
		in, texts := bufio.NewReader(near), map[string]string{} // prepared statements, by name
		var ending *stop                                        // at the next COMMIT
		for first := true; ; first = false {
			kind, message, err := read(in, first)
			if err != nil {
				return
			}
			s := (*stop)(nil)
			switch body := message[min(5, len(message)):]; kind {
			case 'P':
				name, rest, _ := bytes.Cut(body, []byte{0})
				text, _, _ := bytes.Cut(rest, []byte{0})
				texts[string(name)] = string(text)
			case 'B':
				_, rest, _ := bytes.Cut(body, []byte{0}) // the portal
				name, _, _ := bytes.Cut(rest, []byte{0})
				if s = p.takes(texts[string(name)]); s != nil && s.commit {
					ending, s = s, nil
				}
			case 'Q':
				if strings.EqualFold(string(bytes.TrimRight(body, "\x00")), "commit") {
					s, ending = ending, nil
				}
			}
			if s != nil && !s.done {
				close(s.hit)
				_, _ = io.Copy(io.Discard, in) // until it is over
				return
			}
			if s != nil {
				mu.Lock()
				unanswered = s
				mu.Unlock()
			}
			if _, err := far.Write(message); err != nil {
				return
			}
		}
	}
	back = func() {
		for in := bufio.NewReader(far); ; {
			kind, message, err := read(in, false)
			if err != nil {
				return
			}
			mu.Lock()
			s := unanswered
			mu.Unlock()
			switch {
			case s == nil:
				if _, err := near.Write(message); err != nil {
					return
				}
			case kind == 'Z': // it is done, committed included
				close(s.hit)
				_, _ = io.Copy(io.Discard, in) // until it is over
				return
			}
		}
	}
	return there, back
}

// read reads one message with its head. The first of a connection has no kind.
func read(in *bufio.Reader, first bool) (kind byte, message []byte, err error) {
	head := 5
	if first {
		head = 4
	}
	message = make([]byte, head)
	if _, err := io.ReadFull(in, message); err != nil {
		return 0, nil, err
	}
	if !first {
		kind = message[0]
	}
	n := int(binary.BigEndian.Uint32(message[head-4:])) - 4
	if n < 0 || n > 1<<24 {
		return 0, nil, errors.New("no message of PostgreSQL")
	}
	message = append(message, make([]byte, n)...)
	_, err = io.ReadFull(in, message[head:])
	return kind, message, err
}
