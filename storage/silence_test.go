package storage

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A peer that takes what it is sent and says nothing.
func TestConnectionWaitsForAnAnswerOnlySoLong(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // the test is over
	c, err := dialer(50*time.Millisecond)(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // as above
	if _, err := c.Write([]byte("question")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading: %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it waited for %s", took)
	}
	// A context that ended first: nothing is sent any more, so its deadline stays.
	if err := c.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("question")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing after the end: %v, want %v", err, os.ErrDeadlineExceeded)
	}
}

func TestAddressSaysHowLongTheDatabaseMayBeSilent(t *testing.T) {
	for given, want := range map[string]time.Duration{"": answerTime, "?answer_timeout=7": 7 * time.Second, "?answer_timeout=0": 0, "?answer_timeout=3601": 0, "?answer_timeout=2s": 0} {
		config, err := pgx.ParseConfig("postgres://localhost/idp" + given)
		if err != nil {
			t.Fatal(err)
		}
		got, err := answerTimeOf(config)
		if got != want || (err != nil) != (want == 0) || config.RuntimeParams["answer_timeout"] != "" && err == nil {
			t.Errorf("%q: %s %v, want %s", given, got, err, want)
		}
	}
}
