package hostile_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/minddistrict/idp/internal/idptest"
)

// dice draw a request.
type dice struct {
	*idptest.Dice
	party string // in whose name the request is made
	calm  bool   // nothing is broken on purpose: without such requests hostile ones would never meet anything good
}

func newDice(seed, number uint64) *dice { return &dice{Dice: idptest.NewDice(seed, number)} }

func pick[T any](d *dice, all ...T) T { return idptest.Pick(d.Dice, all...) }

// loot is what an attacker has: things that were good once, and some that still are. Each worker has its own, so that
// requests do not depend on how workers take turns.
type loot struct {
	issuer                                                     string
	email                                                      string
	cookies, journeys, pushed, codes, refreshes, accesses, ids []string
	requests, redeemed, signedIn, refusedByUs, refusedByGo     int
}

func keepLast(all []string, more string) []string {
	if more == "" || slices.Contains(all, more) {
		return all
	}
	if all = append(all, more); len(all) > 8 {
		return all[1:]
	}
	return all
}

// draft is a request before it is written down.
type draft struct {
	method, host, path string
	query, body        []pair // in order, so that repeats and their order can be drawn
	headers            []pair
	rawBody            string // instead of body
	length             int    // what Content-Length says; -1: the truth
}

type pair struct{ name, value string }

// marker shows in a page only if it was not escaped.
const marker = "<b7x>"

// hostileValues go wherever a value goes.
var hostileValues = []string{
	"", " ", "\x00", "a\x00b", "\xff\xfe", "\xc3\x28", "\xed\xa0\x80", "\xf4\x90\x80\x80", "%00", "%", "%zz", "%25%30%30", "\r\nX-Evil: 1", "\n", "\t", "\u202e", "\ufeff", "\u2028", "é", "e\u0301", "ﬀ", "İ", "ß", "\U0001F4A9",
	"0", "-1", "1e9", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "NaN", "null", "true", "[]", "{}", "[[[[", `{"a":`, `{"userinfo":{"sub":{"value":"\u0000"}}}`, `{"id_token":{"acr":{"values":["\ud800"]}}}`,
	"'", "''", "' OR 1=1 --", "'; DROP TABLE grants; --", `"`, "\\", "\\'", "$1", "?", ":x", "%s%n%d", "{{.}}", "${7*7}", "../../../etc/passwd", "..\\..\\", "//evil.test", `/\evil.test`, "https://evil.test/", "javascript:alert(1)",
	marker, `"><b7x>`, `'><b7x>`, "</script><b7x>", "openid openid openid", "a b c d e f g h i j k l m n o p q r s t u v w x y z", "A", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	"eyJhbGciOiJub25lIn0.e30.", "..", "....", "eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.e30.AAAA", "idpat_", "idpat_AAAA", "Bearer x", "Basic Og==", "nl", "nl-NL-x-private", "en;q=1.5", "*", "-", "i-klingon", "zh-Hant-TW-u-co-stroke", "x-x-x-x-x-x-x-x-x",
}

func (d *dice) hostile() string {
	switch d.N(12) {
	case 0:
		return strings.Repeat(pick(d, "a", ".", "a.", "%", "é", "\x00", "(", "-", " ", ";", "&=", "[", "\xff"), 1<<d.N(15))
	case 1:
		b := make([]byte, d.N(40))
		for i := range b {
			b[i] = byte(d.N(256))
		}
		return string(b)
	}
	return pick(d, hostileValues...)
}

// mutated is a good value with something wrong.
func (d *dice) mutated(good string) string {
	if good == "" {
		return d.hostile()
	}
	at := d.N(len(good) + 1)
	switch d.N(8) {
	case 0:
		return good[:at]
	case 1:
		return good[:at] + d.hostile() + good[at:]
	case 2:
		return good + good
	case 3:
		return strings.ToUpper(good)
	case 4:
		return url.QueryEscape(good)
	case 5:
		return good + pick(d, " ", "\n", "\x00", "=", ".", "/", "#", "?", "%20")
	case 6:
		b := []byte(good)
		b[min(at, len(b)-1)] ^= 1 << d.N(8)
		return string(b)
	}
	return pick(d, " ", "\t", "\ufeff", "//") + good
}

// any draws one of what the attacker has, or something like it.
func (d *dice) any(all []string, like string) string {
	if len(all) == 0 || !d.calm && d.In(6) {
		return like
	}
	return pick(d, all...)
}

// value draws a value for a parameter: mostly a good one.
func (d *dice) value(l *loot, name string) string {
	var good string
	switch name {
	case "client_id":
		good = d.party
	case "redirect_uri":
		good = pick(d, idptest.RedirectURI, idptest.RedirectURI, idptest.RedirectURI, idptest.RedirectURI, idptest.RedirectURI, "https://app.example/cb", "http://localhost:1/cb", "https://rp.test/bye")
		if d.party == "app" {
			good = pick(d, "net.example.app:/callback", "http://localhost:9999/cb", "http://localhost:1/cb")
		}
	case "response_type":
		good = pick(d, "code", "code", "code", "code", "token", "id_token", "code id_token", "none")
	case "response_mode":
		good = pick(d, "query", "form_post", "form_post", "fragment", "jwt")
	case "scope":
		good = pick(d, "openid", "openid profile email offline_access", "openid address phone", "email", "jobs.read", "offline_access")
	case "state", "nonce":
		good = "s" + fmt.Sprint(d.N(1000))
	case "code_challenge":
		good = idptest.Challenge
	case "code_challenge_method":
		good = pick(d, "S256", "S256", "S256", "plain")
	case "code_verifier":
		good = idptest.Verifier
	case "dpop_jkt":
		good = idptest.Challenge // as long as a thumbprint
	case "pushed": // what its route means by request_uri
		good = d.any(l.pushed, "urn:ietf:params:oauth:request_uri:"+strings.Repeat("a", 26))
	case "prompt":
		good = pick(d, "none", "none", "login", "consent", "select_account", "login consent", "none login")
	case "max_age":
		good = pick(d, "0", "1", "300", "86400", "99999999999")
	case "display":
		good = pick(d, "page", "popup", "wap")
	case "ui_locales", "claims_locales", "lang":
		good = pick(d, "nl", "en", "nl en", "fr", "en-GB")
	case "id_token_hint":
		good = d.any(l.ids, "x.y.z")
	case "login_hint", "email":
		good = pick(d, l.email, l.email, "nobody@example.org", "anna@example.org")
	case "acr_values":
		good = pick(d, "urn:minddistrict:acr:2fa", "urn:minddistrict:acr:pwd", "https://refeds.org/profile/mfa")
	case "claims":
		good = pick(d, `{"userinfo":{"name":null}}`, `{"id_token":{"email":{"essential":true},"acr":{"values":["x"]}}}`, `{"id_token":{"sub":{"value":"x"}}}`)
	case "grant_type":
		good = pick(d, "authorization_code", "authorization_code", "authorization_code", "refresh_token", "client_credentials", pick(d, idptest.GrantTypesNotServed...))
	case "refresh": // what its route means by grant_type
		good = "refresh_token"
	case "code":
		good = d.any(l.codes, idptest.Verifier)
	case "refresh_token":
		good = d.any(l.refreshes, idptest.Verifier)
	case "token", "access_token":
		good = d.any(pick(d, l.accesses, l.refreshes, l.ids, l.codes), "idpat_AAAA")
	case "client_secret":
		good = idptest.PartySecret
	case "request", "journey":
		good = d.any(l.journeys, strings.Repeat("a", 26))
	case "post_logout_redirect_uri":
		good = pick(d, "https://rp.test/bye", "https://rp.test/cb", "https://evil.test/")
	case "password":
		good = pick(d, idptest.Password, "helaas")
	case "do":
		good = pick(d, "continue", "continue", "cancel", "other", "stay", "logout")
	case "denied":
		good = "1"
	default:
		return d.hostile()
	}
	switch {
	case d.calm:
	case d.In(12):
		return d.hostile()
	case d.In(12):
		return d.mutated(good)
	}
	return good
}

// route is one address, with the parameters that belong there.
type route struct {
	weight int
	path   string
	method []string
	names  []string // usually there
	more   []string // sometimes there
}

var machine = []string{"POST"}

var grammar = []route{
	{14, "/authorize", []string{"GET", "GET", "GET", "POST"}, []string{"client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}, []string{"response_mode", "prompt", "max_age", "display", "ui_locales", "claims_locales", "id_token_hint", "login_hint", "acr_values", "claims", "x"}},
	{3, "/authorize", []string{"GET"}, nil, []string{"request", "request_uri", "registration", "client_id", "redirect_uri", "error", "error_description", "lang"}},
	{4, "/authorize", []string{"GET", "GET", "POST"}, []string{"client_id", "request_uri=pushed"}, []string{"state", "redirect_uri", "request", "prompt", "x"}},
	{7, "/par", machine, []string{"redirect_uri", "response_type", "scope", "state", "nonce", "code_challenge", "code_challenge_method"}, []string{"client_id", "client_secret", "response_mode", "prompt", "max_age", "id_token_hint", "login_hint", "acr_values", "claims", "dpop_jkt", "request", "request_uri", "x"}},
	{5, "/authorize/continue", []string{"GET"}, []string{"request"}, []string{"denied", "x"}},
	{6, "/authorize/callback", []string{"GET"}, []string{"request"}, []string{"denied", "outcome", "x"}},
	{10, "/token", machine, []string{"grant_type", "code", "redirect_uri", "code_verifier"}, []string{"client_id", "client_secret", "scope", "resource", "audience", "x"}},
	{6, "/token", machine, []string{"grant_type=refresh", "refresh_token"}, []string{"scope", "client_id", "client_secret", "client_assertion", "client_assertion_type"}},
	{6, "/userinfo", []string{"GET", "POST"}, nil, []string{"access_token"}},
	{5, "/revoke", machine, []string{"token"}, []string{"token_type_hint", "client_id", "client_secret"}},
	{5, "/introspect", machine, []string{"token"}, []string{"token_type_hint", "client_id", "client_secret"}},
	{4, "/logout", []string{"GET", "POST"}, nil, []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "do", "ui_locales", "logout_hint"}},
	{2, "/logged-out", []string{"GET"}, nil, []string{"client_id", "lang"}},
	{1, "/keys", []string{"GET", "HEAD"}, nil, []string{"x"}},
	{1, "/.well-known/openid-configuration", []string{"GET", "HEAD"}, nil, []string{"x"}},
	{1, "/.well-known/oauth-authorization-server", []string{"GET", "HEAD"}, nil, nil},
	{1, "/", []string{"GET", "HEAD"}, nil, []string{"lang"}},
	{3, "/login/{journey}", []string{"GET"}, nil, []string{"lang"}},
	{7, "/login/{journey}/{step}", []string{"GET"}, nil, []string{"lang", "x"}},
	{10, "/login/{journey}/{step}", machine, []string{"do"}, []string{"email", "password", "as", "x"}},
	{2, "/login/{journey}/stop", []string{"GET"}, nil, nil},
	{2, "/assets/{asset}", []string{"GET", "HEAD"}, nil, nil},
	{2, "/{unknown}", []string{"GET", "POST"}, nil, []string{"x"}},
}

var weights = func() (sum int) {
	for _, r := range grammar {
		sum += r.weight
	}
	return sum
}()

var allMethods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "PRI", "X"}

// draft draws a request.
func (d *dice) draft(l *loot) draft {
	at := d.N(weights)
	r := grammar[0]
	for _, r = range grammar {
		if at -= r.weight; at < 0 {
			break
		}
	}
	d.calm = d.In(3)
	d.party = pick(d, "web", "web", "web", "web", "spa", "app", "jwt", "jwt", "lax", "other", "guest", "jobs", "nobody")
	issuer, _ := url.Parse(l.issuer) // a constant
	q := draft{method: pick(d, r.method...), host: issuer.Host, length: -1}
	q.path = issuer.Path + strings.NewReplacer(
		"{journey}", d.value(l, "journey"), "{step}", pick(d, "password", "password", "password", "password", "switch", "consent", d.hostile()),
		"{asset}", pick(d, "app.css", "logo.png", "brand-1b6a7a.css", "brand-"+d.hostile()+".css", d.hostile()),
		"{unknown}", pick(d, "device_authorization", "register", "admin", "saml/acs", "metrics", d.hostile()),
	).Replace(r.path)

	var params []pair
	for _, name := range r.names {
		name, of, given := strings.Cut(name, "=")
		if !given {
			of = name
		}
		if d.calm || !d.In(25) {
			params = append(params, pair{name, d.value(l, of)})
		}
	}
	for _, name := range r.more {
		if name == "email" || name == "password" || d.In(4) {
			params = append(params, pair{name, d.value(l, name)})
		}
	}
	if d.party == "spa" || d.party == "app" { // they name themselves in the form
		if r.path == "/token" || r.path == "/par" {
			params = append(params, pair{"client_id", d.value(l, "client_id")})
		}
	}
	if d.calm {
		params = slices.DeleteFunc(params, func(p pair) bool {
			return p.name == "x" || r.path == "/par" && strings.HasPrefix(p.name, "request") || strings.HasPrefix(p.name, "client_") && (r.path == "/token" || r.path == "/par") && d.party != "spa" && d.party != "app"
		})
	} else {
		d.spoil(l, &params)
	}
	inQuery := q.method != "POST"
	if !d.calm && d.In(30) {
		inQuery = !inQuery
	}
	if inQuery {
		q.query = params
	} else {
		q.body = params
	}
	if !d.calm && d.In(40) && len(params) > 0 {
		q.query, q.body = params[:len(params)/2], params[len(params)/2:]
	}
	d.headers(l, &q, r.path)
	if !d.calm {
		d.bend(&q)
	}
	return q
}

// spoil changes the list of parameters as a whole.
func (d *dice) spoil(l *loot, params *[]pair) {
	all := *params
	switch d.N(16) {
	case 0: // repeat one, with the same value or another
		if len(all) > 0 {
			p := pick(d, all...)
			*params = append(all, pair{p.name, pick(d, p.value, d.value(l, p.name), d.hostile())})
		}
	case 1: // a name of somebody else's
		*params = append(all, pair{d.hostile(), d.hostile()})
	case 2: // a name that is nearly right
		if len(all) > 0 {
			i := d.N(len(all))
			all[i].name = d.mutated(all[i].name)
		}
	case 3: // another order
		slices.Reverse(all)
	case 4: // many
		if d.In(8) {
			for i := range 1 + d.N(12_000) {
				*params = append(*params, pair{"p" + fmt.Sprint(i), ""})
			}
		}
	}
}

// headers are those of a browser or a party, mostly.
func (d *dice) headers(l *loot, q *draft, path string) {
	add := func(name, value string) { q.headers = append(q.headers, pair{name, value}) }
	proof := "Basic " + base64.StdEncoding.EncodeToString([]byte(d.party+":"+idptest.PartySecret))
	switch {
	case path == "/token", path == "/revoke", path == "/introspect", path == "/par":
		switch d.N(8) {
		case 0:
			if !d.calm {
				proof = "Basic " + base64.StdEncoding.EncodeToString([]byte(d.mutated(d.party+":"+idptest.PartySecret)))
			}
		case 1:
			if !d.calm {
				proof = d.mutated(proof)
			}
		}
		if d.party != "spa" && d.party != "app" && (d.calm || !d.In(8)) {
			add("Authorization", proof)
		}
	case path == "/userinfo":
		token := d.any(l.accesses, d.any(l.ids, "x"))
		if d.calm {
			add("Authorization", "Bearer "+token)
		} else {
			add("Authorization", pick(d, "Bearer "+token, "bearer "+token, d.mutated("Bearer "+token), "DPoP "+token))
		}
	default:
		if len(l.cookies) > 0 && (d.calm || !d.In(8)) {
			add("Cookie", pick(d, l.cookies...))
		}
		if !d.calm && d.In(15) {
			add("Cookie", d.mutated(d.any(l.cookies, "a=b")))
		}
		origin := strings.TrimSuffix(l.issuer, "/p/wilg")
		switch {
		case q.method != "POST", !d.calm && d.In(6):
		case d.calm:
			add("Origin", origin)
			add("Sec-Fetch-Site", "same-origin")
		default:
			add("Origin", pick(d, origin, origin, origin, origin, "https://evil.test", "null", d.mutated(origin)))
			add("Sec-Fetch-Site", pick(d, "same-origin", "same-origin", "same-origin", "cross-site", "same-site", "none", "x"))
		}
	}
	if slices.Contains([]string{"/token", "/par", "/userinfo"}, path) && !d.calm && d.In(6) {
		add("DPoP", pick(d, d.any(l.ids, "x.y.z"), d.mutated(d.any(l.ids, "x.y.z")), d.hostile()))
	}
	const usual = "application/x-www-form-urlencoded"
	switch {
	case q.body == nil:
	case d.calm:
		add("Content-Type", usual)
	case !d.In(25):
		add("Content-Type", pick(d, usual, usual, usual, usual, usual, usual, "application/x-www-form-urlencoded;charset=utf-16", "application/json", "multipart/form-data; boundary=x", d.hostile()))
	}
	if d.calm {
		return
	}
	for range d.N(3) {
		name := pick(d, "Accept-Language", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "If-None-Match", "Range", "Accept", "Referer", "Content-Encoding", "Expect", "Access-Control-Request-Method", "X-HTTP-Method-Override", "Connection", "Upgrade", "Transfer-Encoding", "Host")
		add(name, pick(d, d.hostile(), d.hostile(), "bytes=0-1,3-4", "nl, en;q=0.5", "203.0.113.9", `"x", *`, "100-continue", "chunked", "gzip"))
	}
}

// bend breaks the request itself: method, host, path, body, length.
func (d *dice) bend(q *draft) {
	switch d.N(40) {
	case 0, 1:
		q.method = pick(d, allMethods...)
	case 2:
		q.host = pick(d, q.host+":443", q.host+":80", strings.ToUpper(q.host), q.host+".", "evil.test", "", d.hostile(), "rp.test", "login.linde.test", "id.test", "[::1]", q.host+"@evil.test")
	case 3, 4, 5:
		at := d.N(len(q.path) + 1)
		q.path = q.path[:at] + pick(d, "//", ";x", "/.", "/..", "/../", "%2f", "%2e%2e", "%00", "\\", "%5c", "é", "%ff", "?", "#", "%zz", "/./", "//evil.test/", "%0d%0a", d.hostile()) + q.path[at:]
	case 6:
		q.rawBody = d.hostile() + pick(d, "", "&", "&client_id=web", "=;=", "--x\r\nContent-Disposition: form-data; name=\"client_id\"\r\n\r\nweb\r\n--x--")
	case 7:
		q.length = d.N(100)
	case 8:
		q.path = pick(d, "*", "http://"+q.host+q.path, "https://evil.test"+q.path, "//"+q.host+q.path, "/p/wilg/p/wilg"+q.path, q.path+"/", "/p/linde"+q.path, "/.well-known/oauth-authorization-server/p/wilg")
	}
}

// text writes the request down as it would go over the wire.
func (q *draft) text() string {
	var b strings.Builder
	target := strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '_' // a line has three words; what breaks that never reaches us
		}
		return r
	}, q.path)
	if len(q.query) > 0 {
		target += "?" + form(q.query)
	}
	body := q.rawBody
	if body == "" {
		body = form(q.body)
	}
	length := len(body)
	if q.length >= 0 {
		length = q.length
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.method, target, line(q.host))
	for _, h := range q.headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h.name, line(h.value))
	}
	if body != "" || q.length >= 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", length)
	}
	return b.String() + "\r\n" + body
}

// line keeps a value within its line; that a header cannot be split is net/http's promise and not ours.
func line(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }

// form encodes parameters in the order given; names and values that begin with % or & stay raw, to be malformed.
func form(params []pair) string {
	all := make([]string, len(params))
	for i, p := range params {
		all[i] = escape(p.name) + "=" + escape(p.value)
	}
	return strings.Join(all, "&")
}

func escape(s string) string {
	if strings.HasPrefix(s, "%") || strings.HasPrefix(s, "&") || strings.HasPrefix(s, ";") {
		return strings.NewReplacer(" ", "+", "\r", "%0d", "\n", "%0a", "\x00", "%00", "#", "%23").Replace(s)
	}
	return url.QueryEscape(s)
}
