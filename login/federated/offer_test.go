package federated_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
)

var demo = idptest.Demo{
	Issuer: "https://id.test/p/linde", Parties: []string{"client_id: web"},
	Accounts: []string{"email: anna@lindehof.example"},
}

// house is one whose platform has connections, and a browser.
type house struct {
	*testing.T
	*idptest.Server
	*idptest.Browser
	party *idptest.Party
}

func newHouse(t *testing.T, all ...federation.Connection) house {
	t.Helper()
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(demo)
	for i := range all {
		all[i].Platform, all[i].Kind = "linde", federation.OIDC
		all[i].Names = map[string]string{"nl": "Organisatie " + string(all[i].ID)}
		all[i].Key = federation.KeyRule{By: federation.BySubject}
		all[i].OIDC = federation.OIDCSettings{Issuer: "https://" + string(all[i].ID) + ".test", ClientID: "idp"}
	}
	for _, c := range all {
		s.Site(string(c.ID)+".test", organisation("https://"+string(c.ID)+".test"))
	}
	if err := s.DB.Declare(t.Context(), storage.Setup{Connections: all}, s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return house{t, s, idptest.NewBrowser(s, "en"), demo.Party(s, "web")}
}

// organisation is a sign-in that shows its page, and no more.
func organisation(issuer string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/sso" {
			_, _ = w.Write([]byte("<title>Sign in</title>"))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"issuer":"` + issuer + `","authorization_endpoint":"` + issuer + `/sso","token_endpoint":"` + issuer +
			`/token","jwks_uri":"` + issuer + `/keys"}`))
	})
}

func (h house) open(asked ...string) {
	h.Helper()
	more := url.Values{}
	for i := 0; i < len(asked); i += 2 {
		more.Set(asked[i], asked[i+1])
	}
	h.MustOpen(h.T, h.party.Start(more))
}

// used makes the browser one in which somebody signed in by a connection.
func (h house) used(connection string) {
	at, _ := url.Parse("https://id.test/")
	h.Jar.SetCookies(at, []*http.Cookie{{Name: "__Host-linde-used", Value: connection, Path: "/", Secure: true}})
}

// buttons are the places to which the page leads, in order, with "form" for the button of the form and a star after the
// filled one.
func (h house) buttons() (all []string) {
	for n := range h.Doc.Descendants() {
		attr := map[string]string{}
		for _, a := range n.Attr {
			attr[a.Key] = a.Val
		}
		classes := strings.Fields(attr["class"])
		if !slices.Contains(classes, "button") {
			continue
		}
		name := "form"
		if n.Data == "a" {
			_, name, _ = strings.Cut(attr["href"], "/sso")
			name = strings.TrimPrefix(name, "/to/")
		}
		if !slices.Contains(classes, "second") {
			name += "*"
		}
		all = append(all, name)
	}
	return all
}

func at(id string, place federation.Place, domains ...string) federation.Connection {
	c := federation.Connection{ID: federation.ID(id), Place: place}
	for _, d := range domains {
		c.Domains = append(c.Domains, federation.Domain{Name: d, Proven: true})
	}
	return c
}

// Each organisation has a button of its own, above or below the form. One thing is filled: what is most likely pressed.
func TestTheLoginPageHasAButtonForEachOrganisation(t *testing.T) {
	closed := at("dicht", federation.AboveForm)
	closed.Disabled = true
	above, below, hidden := at("aa", federation.AboveForm), at("bb", federation.BelowForm), at("cc", federation.NoPlace)
	for _, row := range []struct {
		says string
		all  []federation.Connection
		used string
		want string
	}{
		{"none", nil, "", "form*"},
		{"one that is closed", []federation.Connection{closed}, "dicht", "form*"},
		{"one without a button", []federation.Connection{hidden}, "cc", "form*"},
		{"one above", []federation.Connection{above}, "", "aa* form"},
		{"one below", []federation.Connection{below}, "", "form* bb"},
		{"one below that was used", []federation.Connection{below}, "bb", "form* bb"},
		{"above and below", []federation.Connection{above, below}, "", "aa form* bb"},
		{"two above", []federation.Connection{above, at("dd", "")}, "", "aa dd form*"},
		{"two above, one was used", []federation.Connection{above, at("dd", "")}, "dd", "dd* aa form"},
		{"one was used that is none", []federation.Connection{above, at("dd", "")}, "<script>", "aa dd form*"},
		{"many", []federation.Connection{above, at("dd", ""), at("ee", ""), at("ff", ""), at("gg", "")}, "", " form*"},
	} {
		h := newHouse(t, row.all...)
		if row.used != "" {
			h.used(row.used)
		}
		h.open()
		if got := strings.Join(h.buttons(), " "); got != row.want {
			t.Errorf("%s: %q, want %q", row.says, got, row.want)
		}
	}
}

// place is where the browser is: the host of an organisation, or the step.
func (h house) place() string {
	if h.URL.Host != "id.test" {
		return h.URL.Host
	}
	return h.URL.Path[strings.LastIndex(h.URL.Path, "/")+1:]
}

// An address that is typed alone leads to where it is at home, whoever's it is and whether anybody's.
func TestAnAddressLeadsHome(t *testing.T) {
	h := newHouse(t, at("lindehof", federation.NoPlace, "lindehof.example"), at("iep", federation.BelowForm, "iep.example"))
	type answer struct {
		status   int
		to, said string
	}
	ask := func(email, password string) answer {
		h := house{t, h.Server, idptest.NewBrowser(h.Server, "en"), h.party}
		h.open()
		idptest.TryPassword(t, h.Browser, email, password)
		return answer{h.Status, h.place(), idptest.Visible(h.Doc)}
	}
	for email, want := range map[string]string{
		"anna@lindehof.example": "lindehof.test", "niemand@LindeHof.example": "lindehof.test", "niemand@iep.example": "iep.test",
		"niemand@elders.example": "password", "niemand@x.lindehof.example": "password", "lindehof.example": "password",
	} {
		if got := ask(email, ""); got.to != want {
			t.Errorf("%s: %d at %s, want %s", email, got.status, got.to, want)
		}
	}
	known, unknown := ask("anna@lindehof.example", ""), ask("emma@lindehof.example", "")
	if known != unknown {
		t.Errorf("somebody who has an account:\n%v\nnobody:\n%v", known, unknown)
	}
	known, unknown = ask("anna@lindehof.example", "not that one"), ask("emma@lindehof.example", "not that one")
	if known.to != "password" || known.status != unknown.status || strings.ReplaceAll(known.said, "anna", "emma") != unknown.said {
		t.Errorf("a wrong password of somebody who has an account:\n%v\nof nobody:\n%v", known, unknown)
	}
}

// Whoever asks may say where; what was typed, or a look at the page in another language, leads nowhere.
func TestARequestLeadsHome(t *testing.T) {
	all := []federation.Connection{at("lindehof", federation.NoPlace, "lindehof.example"), at("iep", federation.AboveForm, "iep.example")}
	for _, row := range []struct{ name, value, want string }{
		{"login_hint", "anna@lindehof.example", "lindehof.test"},
		{"login_hint", "niemand@iep.example", "iep.test"},
		{"login_hint", "niemand@elders.example", "password"},
		{"ui_locales", "nl", "password"},
	} {
		h := newHouse(t, all...)
		h.open(row.name, row.value)
		if got := h.place(); got != row.want {
			t.Errorf("%s %s leads to %s, want %s", row.name, row.value, got, row.want)
		}
	}
	h := newHouse(t, all...)
	h.open()
	idptest.TryPassword(t, h.Browser, "anna@lindehof.example", "not that one")
	if got := strings.Join(h.buttons(), " "); !strings.HasSuffix(h.URL.Path, "/password") || got != "iep form* lindehof" {
		t.Errorf("after a wrong password: %s, %s", h.URL.Path, got)
	}
	h.MustPress(t, "Nederlands")
	if !strings.HasSuffix(h.URL.Path, "/password") {
		t.Errorf("in another language: %s", h.URL.Path)
	}
}

// The page is the same for everybody; the mail says to whom it belongs how they log in.
func TestForgottenPasswordsOfAnOrganisation(t *testing.T) {
	h := newHouse(t, at("lindehof", federation.AboveForm))
	now := h.Clock.Now()
	emma := &account.Account{
		ID: "emma", Platform: "linde", Email: account.Email{Address: "emma@lindehof.example", Key: "emma@lindehof.example"},
		Role: platform.Professional, State: account.Active, CreatedAt: now, UpdatedAt: now,
	}
	if err := h.DB.SaveChange(t.Context(), authn.Change{Platform: "linde", Add: emma, Put: []account.Credential{h.linkOf(emma.ID)}}, now); err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, who := range []string{"emma", "anna", "niemand"} {
		h.MustOpen(t, "https://id.test/p/linde/forgot")
		h.MustFill(t, "Email address", who+"@lindehof.example")
		h.MustPress(t, "Send the email")
		pages[who] = strings.ReplaceAll(idptest.Visible(h.Doc), who, "WHO")
	}
	if pages["emma"] != pages["anna"] || pages["emma"] != pages["niemand"] {
		t.Errorf("the pages differ:\n%v", pages)
	}
	idptest.Deliver(t, h)
	said := map[string]string{}
	for _, m := range h.Mails.Sent() {
		said[m.To] = m.Text
	}
	if len(said) != 2 || !strings.Contains(said["emma@lindehof.example"], "Organisatie lindehof") || strings.Contains(said["anna@lindehof.example"], "Organisatie") {
		t.Errorf("mails: %v", said)
	}
	if strings.Contains(said["emma@lindehof.example"], "/link/") {
		t.Errorf("a link for a password that there is not: %s", said["emma@lindehof.example"])
	}
}
