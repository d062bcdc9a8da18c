//go:build clients

package clients_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/internal/upstream/ownkey"
	"github.com/minddistrict/idp/internal/upstream/saml"
	"github.com/minddistrict/idp/platform"
)

// recorded is where the tests of the package that speaks SAML read what was recorded.
const recorded = "../../internal/upstream/saml/testdata"

// speaker is a product that gives responses of SAML.
type speaker struct {
	h                   *house
	product             string // and its version
	metadataURL, entity string
	takes               func(t *testing.T, ours []byte) // takes our metadata
	asked               func(t *testing.T, v *visitor)  // asks Jan who he is
}

// record writes a response to a key of its own as a folder of theirs.
func (s speaker) record(t *testing.T, name string) {
	t.Helper()
	const own, back = "https://care.example/", "https://care.example/federation/lindehof/acs"
	made, err := ownkey.New(own, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(federation.OwnKeys{Keys: []federation.OwnKey{made}})
	if err != nil {
		t.Fatal(err)
	}
	metadata := s.h.fetch(t, s.metadataURL)
	c := &federation.Connection{
		Platform: "care", ID: "lindehof", Kind: federation.SAML, Keys: keys,
		SAML: federation.SAMLSettings{EntityID: s.entity, Metadata: metadata},
	}
	now := time.Now().UTC().Truncate(time.Second)
	up := saml.New(saml.Options{
		Store: forgetful{}, Client: http.DefaultClient, Now: func() time.Time { return now },
		Log:  slog.New(slog.DiscardHandler),
		Open: func(plain []byte, _ string) ([]byte, error) { return plain, nil },
	})
	ours, err := up.Metadata(c, back)
	if err != nil {
		t.Fatal(err)
	}
	s.takes(t, ours)
	trip := federation.UpstreamRequest{ID: "_9fff4fcc3f14c0c82298fd06618131c65bff4c01", State: "state"}
	away, err := up.SignInRedirect(t.Context(), c, trip, back)
	if err != nil {
		t.Fatal(err)
	}
	v := s.h.visitor(own)
	v.visit(t, away.URL)
	s.asked(t, v)
	form, _ := v.form(t)
	now = time.Now().UTC().Truncate(time.Second).Add(time.Second)
	r := httptest.NewRequest(http.MethodPost, back, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := up.Answer(t.Context(), c, trip, back, r)
	if err != nil {
		t.Fatal(err)
	}
	c.SAML.Metadata = ""
	about, err := json.MarshalIndent(map[string]any{
		"product": s.product, "now": now, "back": back, "request": trip.ID, "saml": c.SAML, "want": answer,
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	keep(t, name, map[string]string{
		"case.json": string(about) + "\n", "metadata.xml": metadata, "response.b64": form.Get("SAMLResponse") + "\n",
		"keys.json": string(keys) + "\n",
	})
}

func keep(t *testing.T, name string, files map[string]string) {
	t.Helper()
	folder := filepath.Join(recorded, "recorded", name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// record does so when a test is run with IDP_RECORD set to the start of the folder's name.
func (s *simpleSAML) record(t *testing.T, kind string) {
	t.Helper()
	name := os.Getenv("IDP_RECORD")
	if name == "" {
		return
	}
	before := readFile(t, filepath.Join(s.dir, "metadata/idp.xml"))
	defer s.knows(t, before, s.h.issuer)
	speaker{
		h: s.h, product: "SimpleSAMLphp " + simpleSAMLVersion(t), metadataURL: s.origin + "/saml/saml2/idp/metadata.php", entity: s.entity,
		takes: func(t *testing.T, ours []byte) { s.knows(t, string(ours), "https://care.example") }, asked: s.asked,
	}.record(t, name+kind)
}

// asked types who signs in at the page of SimpleSAMLphp.
func (s *simpleSAML) asked(t *testing.T, v *visitor) {
	t.Helper()
	if !strings.HasPrefix(v.URL.String(), s.origin+"/saml/module.php/core/loginuserpass.php") {
		t.Fatalf("not asked at SimpleSAMLphp, but at %s (%d):\n%s", v.URL, v.Status, v.Body)
	}
	v.submits(t, map[string]string{"username": s.who, "password": jansWords})
}

// forgetful is the storage of one answer.
type forgetful struct{}

func (forgetful) Document(context.Context, platform.ID, federation.ID) (federation.Document, error) {
	return federation.Document{}, fault.NotFound
}

func (forgetful) KeepDocument(context.Context, platform.ID, federation.ID, federation.Document) error {
	return nil
}

func (forgetful) MarkUsed(context.Context, platform.ID, []byte, time.Time) error { return nil }
