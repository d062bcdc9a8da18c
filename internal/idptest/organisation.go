package idptest

import (
	"crypto"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/minddistrict/idp/federation"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/keys"
)

// Organisation is an organisation's own sign-in, as another site of a test, in OpenID Connect or SAML 2.0. It remembers
// who signed in in a browser, as such sites do, and what it says of people is set by the test.
type Organisation struct {
	Registration
	Mood
	People map[string]map[string]any // claims of who signs in, by what they type; auth_time is added where it is not among them
	Asked  url.Values                // the last request to sign somebody in

	now      func() time.Time
	speaks   speech
	own      crypto.Signer
	strange  crypto.Signer
	mu       sync.Mutex // guards what follows, and what speaks keeps
	sessions map[string]presence
	tokens   int // requests to the token endpoint
}

// TokenRequests is how often the token endpoint was called, whatever came of it.
func (o *Organisation) TokenRequests() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tokens
}

// speech is the protocol of an organisation.
type speech interface {
	// people serves what a browser comes for; false: it is no address of that kind.
	people(w http.ResponseWriter, r *http.Request) bool
	// servers serves what servers read; false: there is no such address.
	servers(w http.ResponseWriter, r *http.Request) bool
	key(who string) string
	connect(c *federation.Connection, sealer *keys.Sealer, signs, formPost bool) error
}

// Registration is how a provider is known there.
type Registration struct {
	Issuer       string
	ClientID     string
	ClientSecret string
	Redirect     string // for answers
}

// Mood is what is wrong there.
type Mood struct {
	Silent  bool          // who signed in before is not asked again, whatever is asked of it
	Mute    bool          // servers get no answer; people do
	Forged  bool          // it signs with a key that it does not publish
	Rolled  bool          // … and that one is published now
	Swollen bool          // what it says of itself is 10 MB long
	Skew    time.Duration // how far its clock is ahead of ours
}

// presence is who signed in there, and when.
type presence struct {
	who string
	at  time.Time
	sid string
}

// thereCookie keeps who signed in at an organisation.
const thereCookie = "there"

func newOrganisation(r Registration, now func() time.Time, own, strange crypto.Signer) *Organisation {
	return &Organisation{
		Registration: r, People: map[string]map[string]any{}, now: now, own: own, strange: strange, sessions: map[string]presence{},
	}
}

// signer is the key that it signs with.
func (o *Organisation) signer() crypto.Signer {
	if o.Forged || o.Rolled {
		return o.strange
	}
	return o.own
}

// Key is how somebody is known for ever in a link, by what they type.
func (o *Organisation) Key(who string) string { return o.speaks.key(who) }

// Connect makes a connection one to it.
func (o *Organisation) Connect(c *federation.Connection, sealer *keys.Sealer, signs, formPost bool) error {
	return o.speaks.connect(c, sealer, signs, formPost)
}

// clock is its own.
func (o *Organisation) clock() time.Time { return o.now().Add(o.Skew) }

func (o *Organisation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case o.speaks.people(w, r):
	case o.Mute:
		w.WriteHeader(http.StatusServiceUnavailable)
	case !o.speaks.servers(w, r):
		http.NotFound(w, r)
	}
}

// Values of do on the page of an organisation; any other is the error to answer with.
const (
	shownPage = ""
	signedIn  = "in"
)

// desk is the page of an organisation, which people see who are to sign in there: signedIn and who did, shownPage, or an
// error with which the person is sent back. action is where its form goes. mu is held.
func (o *Organisation) desk(w http.ResponseWriter, r *http.Request, action string, again bool) (in presence, do string) {
	known := o.sessions[cookieOf(r)]
	switch do := r.PostFormValue("do"); {
	case r.Method == http.MethodPost && do == signedIn:
		in := presence{who: r.PostFormValue("account"), at: o.clock(), sid: secret.ID()}
		cookie := secret.Token()
		o.sessions[cookie] = in
		http.SetCookie(w, &http.Cookie{Name: thereCookie, Value: cookie, Path: "/", Secure: true, HttpOnly: true})
		return in, signedIn
	case r.Method == http.MethodPost && do != "":
		return presence{}, do
	case known.who != "" && (!again || o.Silent):
		return known, signedIn
	}
	page(w, `<form method="post" action="`+html.EscapeString(action)+`">
<label for="account">Account</label><input id="account" name="account">
<button name="do" value="`+signedIn+`">Sign in</button><button name="do" value="access_denied">Cancel</button></form>`)
	return presence{}, shownPage
}

// leave forgets who signed in in a browser, and is who that was. mu is held.
func (o *Organisation) leave(cookie string) (presence, bool) {
	in, ok := o.sessions[cookie]
	delete(o.sessions, cookie)
	return in, ok
}

func cookieOf(r *http.Request) string {
	c, err := r.Cookie(thereCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

// carried is a page that a browser with script sends on by itself.
func carried(w http.ResponseWriter, to string, values url.Values) {
	form := `<form method="post" action="` + html.EscapeString(to) + `">`
	for name := range values {
		form += `<input type="hidden" name="` + name + `" value="` + html.EscapeString(values.Get(name)) + `">`
	}
	page(w, form+`<button>Continue</button></form>`)
}

func page(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<!doctype html><html lang=en><title>Sign in</title><body>%s</body></html>", body) // to memory
}
