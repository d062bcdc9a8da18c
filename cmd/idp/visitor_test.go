package main_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// client follows no redirects, keeps no connections and no cookies, and does not wait for ever.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	Timeout:       15 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// do sends a request. A server that is not there is status 0.
func do(t *testing.T, r *http.Request) (int, http.Header, string) {
	t.Helper()
	res, err := client.Do(r)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, err.Error()
	}
	return res.StatusCode, res.Header, string(body)
}

func request(t *testing.T, method, address string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func get(t *testing.T, address string) (int, http.Header, string) {
	t.Helper()
	return do(t, request(t, http.MethodGet, address, nil))
}

// visitor is somebody with a browser in front of the platform linde, and the platform behind them.
type visitor struct {
	t       *testing.T
	issuer  string
	cookies map[string]string // kept by hand: a cookie jar sends __Host- cookies over TLS only, browsers to localhost too
	page    string            // address of the page that is shown
	body    string
	status  int
	header  http.Header
	back    url.Values // what the platform got, once back there
	access  string
	refresh string
}

const verifier = "a-code-verifier-of-at-least-43-characters-in-tests"

func (i *install) visitor() *visitor {
	return &visitor{t: i.t, issuer: i.issuer, cookies: map[string]string{}}
}

// authorize is the address that the platform sends people to.
func (i *install) authorize(party, prompt string) string {
	sum := sha256.Sum256([]byte(verifier))
	return i.issuer + "/authorize?" + url.Values{
		"client_id": {party}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"s"},
		"prompt": {prompt}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode()
}

// open goes to an address and follows redirects, until a page is shown or the platform is reached.
func (v *visitor) open(method, address string, form url.Values) {
	v.t.Helper()
	for range 10 {
		r := request(v.t, method, address, form)
		for name, value := range v.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		v.page = address
		v.status, v.header, v.body = do(v.t, r)
		for _, c := range (&http.Response{Header: v.header}).Cookies() {
			if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
				delete(v.cookies, c.Name)
			}
		}
		next := v.header.Get("Location")
		if next == "" {
			return
		}
		to, err := r.URL.Parse(next)
		if err != nil {
			v.t.Fatal(err)
		}
		if strings.HasPrefix(to.String(), redirectURI) {
			v.back = to.Query()
			return
		}
		method, address, form = http.MethodGet, to.String(), nil
	}
	v.t.Fatalf("too many redirects, the last from %s", v.page)
}

var (
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// submit fills the form of the page that is shown.
func (v *visitor) submit(form url.Values) {
	v.t.Helper()
	action := formAction.FindStringSubmatch(v.body)
	if action == nil {
		v.t.Fatalf("no form on %s (%d):\n%s", v.page, v.status, v.body)
	}
	for _, m := range hiddenField.FindAllStringSubmatch(v.body, -1) {
		form.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	to, err := url.Parse(v.page)
	if err == nil {
		to, err = to.Parse(html.UnescapeString(action[1]))
	}
	if err != nil {
		v.t.Fatal(err)
	}
	v.open(http.MethodPost, to.String(), form)
}

// signIn signs Anna in, from the platform and back to it with tokens.
func (v *visitor) signIn(i *install) {
	v.t.Helper()
	v.open(http.MethodGet, i.authorize("linde-web", ""), nil)
	v.submit(url.Values{"email": {"anna@example.org"}, "password": {annasWords}, "do": {"continue"}})
	code := v.back.Get("code")
	if code == "" {
		v.t.Fatalf("not signed in: %s (%d), back with %v:\n%s", v.page, v.status, v.back, v.body)
	}
	status, _, body := v.token(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}})
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal([]byte(body), &tokens); err != nil || tokens.Access == "" || tokens.Refresh == "" {
		v.t.Fatalf("no tokens: %d %s", status, body)
	}
	v.access, v.refresh = tokens.Access, tokens.Refresh
}

// token calls the token endpoint as linde-web.
func (v *visitor) token(form url.Values) (int, http.Header, string) {
	v.t.Helper()
	r := request(v.t, http.MethodPost, v.issuer+"/token", form)
	r.SetBasicAuth("linde-web", clientSecret)
	return do(v.t, r)
}

func (v *visitor) refreshed() (int, http.Header, string) {
	v.t.Helper()
	return v.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {v.refresh}})
}

// userinfo asks who the access token is of.
func (v *visitor) userinfo() (int, string) {
	v.t.Helper()
	r := request(v.t, http.MethodGet, v.issuer+"/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+v.access)
	status, _, body := do(v.t, r)
	return status, body
}

// silently asks for a new code without any page, as a platform does to see who is signed in.
func (v *visitor) silently(i *install) string {
	v.t.Helper()
	v.back = nil
	v.open(http.MethodGet, i.authorize("linde-web", "none"), nil)
	return fmt.Sprint(v.back.Get("error"), v.back.Has("code"))
}
