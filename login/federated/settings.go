package federated

import (
	"context"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/outbox"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/ui"
)

// LinksPath is the page of settings with the accounts at organisations, below the issuer.
const LinksPath = "/settings/organisation"

// Saver saves what the page changes, in one transaction.
type Saver interface {
	SaveChange(ctx context.Context, c authn.Change, now time.Time) error
}

// Links is the page of settings on which people see, add and remove the accounts of organisations with which they sign
// in.
type Links struct {
	Options
	Engine *login.Server
	Save   Saver
	// Unlinked leaves for the next page that a link was removed; Noted takes what was left, as the key of a text.
	Unlinked func(http.ResponseWriter, platform.ID)
	Noted    func(http.ResponseWriter, *http.Request, platform.ID) string
}

// LinksTitle is the text key of its line in the overview.
const LinksTitle = "sso.settings_title"

// Routes adds its addresses.
func (l Links) Routes(r *mux.Router) {
	add := l.Engine.Pages(r)
	still := func(w http.ResponseWriter, r *http.Request) error { web.AnswerHead(w, r); return nil }
	for path, h := range map[string][2]login.Handler{
		LinksPath: {l.show, l.submit}, LinksPath + "/{link}": {l.ofLink(l.ask), l.ofLink(l.remove)},
	} {
		add(path, "organisation", still, "HEAD")
		add(path, "organisation", l.Engine.SignedIn(LinksPath, h[0]), "GET")
		add(path, "submit organisation", l.Engine.SignedIn(LinksPath, h[1]), "POST")
	}
}

// linksPage shows them. Field: connection; do: connect.
type linksPage struct {
	Action           string
	Notice           string // text key of what was just done; empty: nothing
	Links            []linkCard
	More             []choice // URL is the identifier
	BackURL, HomeURL string
}

type linkCard struct {
	Names   map[string]string // of the organisation, by language; nil: the connection is gone
	Label   string            // who the person is there
	AddedAt time.Time
	URL     string // of what removes it
	Closed  bool   // nobody signs in by it now
}

// unlinkPage asks before one is removed. do: continue.
type unlinkPage struct {
	Action           string
	At               map[string]string
	Label            string
	Only             bool // it is the only way in: it stays
	BackURL, HomeURL string
}

func (l Links) links(a *account.Account) (all []account.Credential) {
	for _, c := range a.Credentials {
		if c.Method == federation.Method && c.Usable() {
			all = append(all, c)
		}
	}
	return all
}

// more are the connections to which somebody could still be linked.
func (l Links) more(a *account.Account) (all []*federation.Connection) {
	for _, c := range l.open(a.Platform) {
		if c.For(a.Role) && !a.HasLink(string(c.ID)) {
			all = append(all, c)
		}
	}
	return all
}

// State is how things stand: nothing is said to who has no such account, and can have none.
func (l Links) State(_ *http.Request, v *login.Visit) ([]ui.State, error) {
	switch n := len(l.links(v.Facts.Account)); {
	case n > 0:
		return []ui.State{{Key: "settings.on"}}, nil
	case len(l.more(v.Facts.Account)) > 0:
		return []ui.State{{Key: "settings.off"}}, nil
	}
	return nil, nil
}

func (l Links) show(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	p, a := v.Platform, v.Facts.Account
	page := linksPage{Action: v.Action, BackURL: p.URL("/settings"), HomeURL: p.HomeURL}
	page.Notice = l.Noted(w, r, p.ID)
	for _, c := range l.links(a) {
		card := linkCard{Label: c.Label, AddedAt: c.AddedAt, URL: p.URL(LinksPath + "/" + string(c.ID)), Closed: true}
		if at := l.any(p.ID, federation.ConnectionOf(c.External)); at != nil {
			card.Names, card.Closed = at.Names, at.Disabled || !at.For(a.Role)
		}
		page.Links = append(page.Links, card)
	}
	for _, c := range l.more(a) {
		page.More = append(page.More, choice{Names: c.Names, URL: string(c.ID)})
	}
	return l.Engine.ShowPage(w, r, http.StatusOK, "sso_links", page, v.Look(nil))
}

// submit begins the journey in which somebody shows who they are, here and there.
func (l Links) submit(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
	for _, c := range l.more(v.Facts.Account) {
		if v.Button() == "connect" && string(c.ID) == v.Form.Get("connection") {
			return l.Engine.StartAt(w, r, authn.Connect, LinksPath, string(c.ID))
		}
	}
	return web.SeeOther(w, r, v.Platform.URL(LinksPath))
}

// ofLink calls a handler with the link that the address names, for somebody who has just shown who they are. One that
// is gone leads back to the page: another tab was faster.
func (l Links) ofLink(h func(http.ResponseWriter, *http.Request, *login.Visit, account.Credential) error) login.Handler {
	return func(w http.ResponseWriter, r *http.Request, v *login.Visit) error {
		for _, c := range l.links(v.Facts.Account) {
			if string(c.ID) != mux.Vars(r)["link"] {
				continue
			}
			if len(authn.Missing(authn.Ask{Purpose: authn.LinksPage, Channel: authn.Browser}, v.Facts, nil)) > 0 {
				return l.Engine.StartKnown(w, r, authn.LinksPage, LinksPath+"/"+string(c.ID), "")
			}
			return h(w, r, v, c)
		}
		return web.SeeOther(w, r, v.Platform.URL(LinksPath))
	}
}

func (l Links) ask(w http.ResponseWriter, r *http.Request, v *login.Visit, c account.Credential) error {
	p := v.Platform
	page := unlinkPage{Action: v.Action, Label: c.Label, Only: l.only(v, c), BackURL: p.URL(LinksPath), HomeURL: p.HomeURL}
	if at := l.any(p.ID, federation.ConnectionOf(c.External)); at != nil {
		page.At = at.Names
	}
	return l.Engine.ShowPage(w, r, http.StatusOK, "sso_unlink", page, v.Look(nil))
}

// only reports whether nothing else lets the person in: no password that counts, and no other link that does.
func (l Links) only(v *login.Visit, c account.Credential) bool {
	a := v.Facts.Account
	if _, has := a.Credential(authn.Password); has && !authn.PasswordClosed(v.Facts) {
		return false
	}
	for _, other := range l.links(a) {
		at := l.connection(a.Platform, federation.ConnectionOf(other.External))
		if other.ID != c.ID && at != nil && at.For(a.Role) {
			return false
		}
	}
	return true
}

// remove takes a link away. Whoever came by it is out: every other session ends, with what parties were given, and the
// devices of the app; the owner is told, always.
func (l Links) remove(w http.ResponseWriter, r *http.Request, v *login.Visit, c account.Credential) error {
	if v.Button() != "continue" || l.only(v, c) {
		return web.SeeOther(w, r, v.Platform.URL(LinksPath))
	}
	v.Request = r
	if err := l.Save.SaveChange(r.Context(), l.removing(v, c), v.Now); err != nil {
		return err
	}
	l.Unlinked(w, v.Platform.ID)
	return web.SeeOther(w, r, v.Platform.URL(LinksPath))
}

func (l Links) removing(v *login.Visit, c account.Credential) authn.Change {
	a := v.Facts.Account
	e := v.Event(audit.CredentialRetired, audit.Success, a.ID)
	e.Reason, e.Session = federation.Method, v.Facts.Session.ID
	name := ""
	if at := l.any(a.Platform, federation.ConnectionOf(c.External)); at != nil {
		name = at.Name(ui.Match(a.Locale, v.Platform.Locale))
	}
	mail := v.NoticeOf(unlinkedMail, l.Sealer, map[string]string{"connection": name})
	return authn.Change{
		Platform: v.Platform.ID, Retire: []account.CredentialID{c.ID}, Events: []audit.Event{e}, Messages: []outbox.Message{mail},
		End: &authn.End{Account: a.ID, Except: v.Facts.Session.ID, Devices: true, Reason: "link removed"},
	}
}
