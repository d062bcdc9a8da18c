package wire_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/wire"
	"github.com/minddistrict/idp/storage"
)

// Who looks after a connection gets one mail a day from 30 days before the last certificate there ends, whatever its
// metadata is read from, and however often and at how many nodes it is looked at. The record has it as often as the mails;
// the metric counts down to that end and beyond.
func TestTheEndOfACertificateIsToldDaily(t *testing.T) {
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(oneHouse)
	ends := s.Clock.Now().Add(30*24*time.Hour + time.Minute).Truncate(time.Second)
	c := federation.Connection{
		Platform: "linde", ID: "eik", Kind: federation.SAML, Names: map[string]string{"nl": "De Eik"}, Contact: "ict@eik.example",
		Key: federation.KeyRule{By: federation.ByNameID}, SAML: federation.SAMLSettings{EntityID: "https://eik.example"},
	}
	c.SAML.Metadata = idptest.SAMLMetadata(t, c.SAML.EntityID, ends)
	if err := s.DB.Declare(t.Context(), storage.Setup{Connections: []federation.Connection{c}}, s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	var nodes [2]*wire.House
	for i := range nodes {
		nodes[i] = s.Another(func(*wire.Options) {})
	}
	node := nodes[0]
	count := func(from string) (n int) {
		t.Helper()
		if err := s.DB.SQL().QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+from).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, step := range []struct {
		later time.Duration
		mails int
		shown float64 // seconds
	}{
		{0, 0, 30*86_400 + 60},
		{time.Minute + time.Second, 1, 30*86_400 - 1},
		{10 * time.Minute, 1, 30*86_400 - 601},
		{23 * time.Hour, 1, 29*86_400 + 2999},
		{time.Hour, 2, 29*86_400 - 601},
		{40 * 24 * time.Hour, 3, -11*86_400 - 601},
	} {
		s.Clock.Later(step.later)
		for i := range 6 {
			if err := nodes[i%2].Do(t.Context(), "metadata"); err != nil {
				t.Fatal(err)
			}
		}
		if n := count("letters WHERE kind = 'mail_sso_certificate'"); n != step.mails {
			t.Errorf("%s later: %d mails, want %d", step.later, n, step.mails)
		}
		if n := count("events WHERE kind = 'connection.drift'"); n != step.mails {
			t.Errorf("%s later: %d times on record, want %d", step.later, n, step.mails)
		}
		answer := httptest.NewRecorder()
		node.Operator().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		_, shown, _ := strings.Cut(answer.Body.String(), `idp_federation_certificate_expires_seconds{connection="eik",platform="linde"} `)
		shown, _, _ = strings.Cut(shown, "\n")
		if got, err := strconv.ParseFloat(shown, 64); err != nil || math.Abs(got-step.shown) > 1 {
			t.Errorf("%s later: the metric is %q, want %g", step.later, shown, step.shown)
		}
	}
	if n := count("events WHERE kind = 'connection.drift' AND outcome = 'failure'"); n != 0 {
		t.Errorf("%d mails too many are on record", n)
	}
}
