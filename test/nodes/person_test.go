package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
)

// house is what `idp apply` declares, with so many accounts beside anna's.
func house(issuer string, accounts int) idptest.Demo {
	d := idptest.Demo{
		Issuer: issuer,
		Parties: []string{
			steady.text("post_logout_redirect_uris: [" + goodbye + "], id_token_alg: RS256"),
			rotating.text("id_token_alg: ES256, rotate_refresh_tokens: true"),
		},
		Accounts: []string{"email: anna@example.org"},
	}
	for i := range accounts {
		d.Accounts = append(d.Accounts, "email: "+email(i))
	}
	return d
}

func email(i int) string { return fmt.Sprintf("p%d@example.org", i) }

// goodbye is where the party steady wants people after they signed out.
const goodbye = "https://linde.example.net/bye"

// party is what a relying platform knows of itself.
type party struct{ id, secret, redirect string }

// text is the party in a setup file.
func (p party) text(more string) string {
	return fmt.Sprintf("client_id: %s, secret: %s, redirect_uris: [%s], %s", p.id, p.secret, p.redirect, more)
}

var (
	steady   = party{"steady", idptest.PartySecret, "https://linde.example.net/callback"}
	rotating = party{"rotating", "Yf5oXv2LwB0qGz8RkTn3CsJ6uPd1EaM9hWiV4xKbQ7t", "https://rotating.example.net/callback"}
)

const (
	verifier  = idptest.Verifier
	challenge = idptest.Challenge
)

// sessionCookie holds the session of people who use the browser.
const sessionCookie = "__Host-linde-session"

// patience is the longest anybody waits for an answer: no request may hang longer.
const patience = 10 * time.Second

// errLost says that a request may have reached a node, and its answer will never come, or tells nothing.
var errLost = errors.New("the answer was lost")

// door is a way to the provider: through the balancer, or to one node.
type door struct {
	issuer string
	client *http.Client
	busy   bool // 503 is as good as no answer: what was asked may have happened or not
}

// hungAfter is when whoever uses a busy door calls a request hung. Nodes answer within patience; the rest is for
// machines that are slow.
const hungAfter = patience + 5*time.Second

// whenBusy is the same way for people who know that the provider may have no database.
func (d door) whenBusy() door {
	client := *d.client
	client.Timeout = hungAfter
	return door{d.issuer, &client, true}
}

func newDoor(issuer, address string) door {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	return door{issuer: issuer, client: &http.Client{
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// answer is an answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request once.
func (d door) do(r *http.Request) (answer, error) {
	res, err := d.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	if why := res.Header.Get(lostHeader); why != "" {
		return answer{}, fmt.Errorf("%s %s: %w: %s", r.Method, r.URL.Path, errLost, why)
	}
	a := answer{res.StatusCode, res.Header, string(body)}
	if d.busy && a.status == http.StatusServiceUnavailable {
		if err := busy(a); err != nil {
			return answer{}, err
		}
		return answer{}, fmt.Errorf("%s %s: %w: 503", r.Method, r.URL.Path, errLost)
	}
	return a, nil
}

func (d door) get(path string, header http.Header) (answer, error) {
	r, err := http.NewRequest(http.MethodGet, d.issuer+path, nil)
	if err != nil {
		return answer{}, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	return d.do(r)
}

// post sends a form as a party.
func (d door) post(p party, path string, form url.Values) (answer, error) {
	r, err := http.NewRequest(http.MethodPost, d.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(p.id, p.secret)
	return d.do(r)
}

// tokens is what the token endpoint answers.
type tokens struct {
	answer
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
	Error   string `json:"error"`
}

func (d door) token(p party, form url.Values) (tokens, error) {
	a, err := d.post(p, "/token", form)
	if err != nil {
		return tokens{}, err
	}
	t := tokens{answer: a}
	if err := json.Unmarshal([]byte(a.body), &t); err != nil {
		return t, fmt.Errorf("token endpoint: %d %.200q: %w", a.status, a.body, err)
	}
	if t.status == http.StatusOK && (t.Access == "" || t.Refresh == "" || t.ID == "") {
		return t, fmt.Errorf("token endpoint: 200 without all tokens: %s", a.body)
	}
	return t, nil
}

func (d door) redeem(p party, code string) (tokens, error) {
	return d.token(p, url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.redirect}, "code_verifier": {verifier}})
}

func (d door) refresh(p party, token string) (tokens, error) {
	return d.token(p, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// userinfo asks whose an access token is; 0 is no answer.
func (d door) userinfo(access string) int {
	a, err := d.get("/userinfo", http.Header{"Authorization": {"Bearer " + access}})
	if err != nil {
		return 0
	}
	return a.status
}

// authorize is the address that a party sends people to.
func (p party) authorize(issuer string, extra url.Values) string {
	q := url.Values{
		"client_id": {p.id}, "redirect_uri": {p.redirect}, "response_type": {"code"}, "scope": {"openid email offline_access"},
		"state": {secret.ID()}, "nonce": {"n"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for name, values := range extra {
		q[name] = values
	}
	return issuer + "/authorize?" + q.Encode()
}

// person is somebody with a browser.
type person struct {
	door
	email   string
	words   string            // the password
	cookies map[string]string // kept by hand: Go's jar sends __Host- cookies over TLS only, browsers to localhost too
	page    *url.URL          // what is shown
	shown   answer
	back    url.Values // what the party got; nil while the person is not back there
	away    string     // where the person is when not with us
}

func newPerson(d door, email string) *person {
	return &person{door: d, email: email, words: idptest.Password, cookies: map[string]string{}}
}

// copied is another browser with the same cookies.
func (v *person) copied(d door) *person {
	other := newPerson(d, v.email)
	other.words = v.words
	for name, value := range v.cookies {
		other.cookies[name] = value
	}
	return other
}

// step sends one request of the browser, and keeps cookies.
func (v *person) step(method, address string, form url.Values) (answer, *url.URL, error) {
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, nil, err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", v.issuer)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for name, value := range v.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	a, err := v.do(r)
	if err != nil {
		return a, nil, err
	}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if v.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return a, r.URL, nil
}

// open goes to an address and follows redirects until a page is shown or the person leaves us. Any other status than
// 200 at the end is an error.
func (v *person) open(method, address string, form url.Values) error {
	v.back, v.away = nil, ""
	for range 10 {
		a, at, err := v.step(method, address, form)
		if err != nil {
			return err
		}
		v.page, v.shown = at, a
		location := a.header.Get("Location")
		if location == "" {
			if a.status != http.StatusOK {
				return fmt.Errorf("%s %s: %d", method, at.Path, a.status)
			}
			return nil
		}
		to, err := at.Parse(location)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(to.String(), v.issuer+"/") {
			v.back, v.away = to.Query(), to.String()
			return nil
		}
		method, address, form = http.MethodGet, to.String(), nil
	}
	return fmt.Errorf("too many redirects, the last to %s", address)
}

var (
	formAction  = regexp.MustCompile(`<form[^>]* action="([^"]*)"`)
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// submit fills the form of the page that is shown.
func (v *person) submit(form url.Values) error {
	action := formAction.FindStringSubmatch(v.shown.body)
	if action == nil {
		return fmt.Errorf("no form on %s (%d), away at %q", v.page, v.shown.status, v.away)
	}
	for _, m := range hiddenField.FindAllStringSubmatch(v.shown.body, -1) {
		form.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	to, err := v.page.Parse(html.UnescapeString(action[1]))
	if err != nil {
		return err
	}
	return v.open(http.MethodPost, to.String(), form)
}

// password types address and password.
func (v *person) password() error {
	form := url.Values{"password": {v.words}, "do": {"continue"}}
	if strings.Contains(v.shown.body, `name="email"`) {
		form.Set("email", v.email)
	}
	return v.submit(form)
}

// ask goes from a party to us; the code is "" when a page is shown.
func (v *person) ask(p party, extra url.Values) (code string, err error) {
	if err := v.open(http.MethodGet, p.authorize(v.issuer, extra), nil); err != nil {
		return "", err
	}
	return v.code()
}

// code is what the party got, if the person is back there.
func (v *person) code() (string, error) {
	if v.back != nil && v.back.Get("code") == "" {
		return "", fmt.Errorf("back without a code: %s", v.away)
	}
	return v.back.Get("code"), nil
}

// signIn goes from a party to us and back with a code, by the login page if it is shown.
func (v *person) signIn(p party, extra url.Values) (code string, err error) {
	code, err = v.ask(p, extra)
	if err != nil || code != "" {
		return code, err
	}
	if err := v.password(); err != nil {
		return "", err
	}
	if code, err = v.code(); err == nil && code == "" {
		err = fmt.Errorf("not signed in: %s (%d)", v.page, v.shown.status)
	}
	return code, err
}

// silently asks without any page: "code", or the error that the party gets.
func (v *person) silently(p party) (string, error) {
	if err := v.open(http.MethodGet, p.authorize(v.issuer, url.Values{"prompt": {"none"}}), nil); err != nil {
		return "", err
	}
	if v.back.Has("code") {
		return "code", nil
	}
	return v.back.Get("error"), nil
}
