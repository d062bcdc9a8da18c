package wire_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/keys"
)

// A clock that is off is one line at the start, in words that fit how far it is off.
func TestClockThatIsOffIsSaidOnce(t *testing.T) {
	db := idptest.Postgres(t)
	sealer, err := keys.NewSealer([]byte("a master key of 32 bytes for tests"[:32]))
	if err != nil {
		t.Fatal(err)
	}
	for off, want := range map[time.Duration]string{
		0:                 "",
		-time.Minute:      "this machine's clock differs from the database's, which counts",
		6 * time.Minute:   "this machine's clock is far from the database's, which counts: find out which one is wrong and set it",
		-48 * time.Hour:   "this machine's clock is far from the database's",
		400 * time.Second: "this machine's clock is far from the database's",
	} {
		var log bytes.Buffer
		house, err := wire.Build(t.Context(), wire.Options{
			DB: db, Sealer: sealer, Hash: idptest.Cheap, Workers: 1, Queue: 1, Now: func() time.Time { return time.Now().Add(off) },
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(log.String(), "\n"); (want == "") != (lines == 0) || lines > 1 || !strings.Contains(log.String(), want) {
			t.Errorf("%s off: %q, want one line with %q", off, log.String(), want)
		}
		if house == nil {
			t.Errorf("%s off: it does not start", off)
		}
	}
}
