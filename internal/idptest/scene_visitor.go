package idptest

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/minddistrict/idp/platform"
)

// Visitor is a browser that does one request at a time, so that a test can stop anywhere.
type Visitor struct {
	*Scene
	Jar map[string]string
}

// With is the same browser in front of another node, or at another issuer.
func (v *Visitor) With(s *Scene) *Visitor { return &Visitor{s, v.Jar} }

func (v *Visitor) Cookies() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(v.Jar)) {
		all = append(all, name+"="+v.Jar[name])
	}
	return strings.Join(all, "; ")
}

// Visit sends a request with the cookies of the browser and keeps those that come back.
func (v *Visitor) Visit(method, address string, form url.Values) Answer {
	v.Helper()
	header := http.Header{}
	if c := v.Cookies(); c != "" {
		header.Set("Cookie", c)
	}
	if method == http.MethodPost {
		header.Set("Origin", string(platform.Issuer(v.Issuer).Origin()))
		header.Set("Sec-Fetch-Site", "same-origin")
	}
	a := v.Send(method, address, form.Encode(), header)
	for _, c := range a.Cookies {
		if c.MaxAge < 0 {
			delete(v.Jar, c.Name)
		} else {
			v.Jar[c.Name] = c.Value
		}
	}
	return a
}

func (v *Visitor) Open(address string) Answer {
	v.Helper()
	return v.Visit(http.MethodGet, address, nil)
}

// Begin starts a login and returns the identifier of its request and journey.
func (v *Visitor) Begin(party string, change func(url.Values)) string {
	v.Helper()
	a := v.Open(v.AuthorizeURL(party, change))
	id, ok := strings.CutPrefix(a.To.String(), v.Issuer+"/login/")
	if !ok {
		v.Fatalf("authorize leads to %q (%d), want a login", a.To, a.Status)
	}
	id, _, _ = strings.Cut(id, "/") // the page may be named
	return id
}

// Prove sends the password for a journey; the answer leads to the callback.
func (v *Visitor) Prove(id, email string) Answer {
	v.Helper()
	return v.Visit(http.MethodPost, v.Issuer+"/login/"+id+"/password", url.Values{"email": {email}, "password": {Password}, "do": {"continue"}})
}

// SignIn signs somebody in for a party and returns the code.
func (v *Visitor) SignIn(party, email string) string {
	v.Helper()
	a := v.Prove(v.Begin(party, nil), email)
	if a.To.Path == platform.Issuer(v.Issuer).Path()+"/authorize/callback" {
		a = v.Open(a.To.String())
	}
	if a.Param("code") == "" {
		v.Fatalf("signing in ends at %q (%d)", a.To, a.Status)
	}
	return a.Param("code")
}

// GoOn presses the button of the page that an app gets before it is answered; the answer is the callback's.
func (v *Visitor) GoOn(id string) Answer {
	v.Helper()
	id, _, _ = strings.Cut(id, "/")
	page := v.Issuer + "/login/" + id + "/go-on"
	as := namedOnPage.FindStringSubmatch(v.Open(page).Body)
	if as == nil {
		v.Fatal("the page names nobody")
	}
	a := v.Visit(http.MethodPost, page, url.Values{"as": {html.UnescapeString(as[1])}, "do": {"continue"}})
	return v.Open(a.To.String())
}

// namedOnPage is the field with whom a page names.
var namedOnPage = regexp.MustCompile(`name="as" value="([^"]*)"`)

// Code is a fresh code for somebody who is signed in.
func (v *Visitor) Code(party string, change func(url.Values)) string {
	v.Helper()
	a := v.Open(v.AuthorizeURL(party, change))
	if id, page := strings.CutPrefix(a.To.String(), v.Issuer+"/login/"); page && party == "app" {
		a = v.GoOn(id)
	}
	if a.Param("code") == "" {
		v.Fatalf("no code at %q (%d)", a.To, a.Status)
	}
	return a.Param("code")
}

// SignedIn tells who is signed in, by a silent request: the subject, or "".
func (v *Visitor) SignedIn() string {
	v.Helper()
	a := v.Open(v.AuthorizeURL("web", Set("prompt", "none")))
	if a.Param("code") == "" {
		return ""
	}
	_, claims := Parts(v.TB, v.Redeem("web", a.Param("code")).ID)
	return claims["sub"].(string)
}

// Given signs Anna in and redeems her code.
func (v *Visitor) Given(party string) Tokens {
	v.Helper()
	t := v.Redeem(party, v.SignIn(party, "anna@example.org"))
	if t.Status != http.StatusOK || t.Access == "" || t.ID == "" || t.Refresh == "" {
		v.Fatalf("tokens: %d %s", t.Status, t.Body)
	}
	return t
}
