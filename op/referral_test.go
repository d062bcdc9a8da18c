package op_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/grant"
	"github.com/minddistrict/idp/internal/idptest"
	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/setup"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/staff"
)

const (
	referralsURL = issuer + "/api/v1/referrals"
	referrerKey  = toRP + ", grant_types: [authorization_code, client_credentials], "
)

// referHouse has servers that may refer, one that may not, people of every role, and another platform.
var referHouse = []idptest.Demo{
	{
		Parties: []string{
			"client_id: web, " + referrerKey + "scopes: [openid, report.read, accounts:refer]",
			"client_id: jwt, " + referrerKey + "scopes: [openid, accounts:refer], access_token: jwt",
			"client_id: bare, " + referrerKey + "scopes: [openid, report.read]",
			"client_id: one, " + referrerKey + "scopes: [openid, accounts:refer], subject_type: pairwise, sector: one.test",
			"client_id: also-one, " + referrerKey + "scopes: [openid], subject_type: pairwise, sector: one.test",
			"client_id: two, " + referrerKey + "scopes: [openid], subject_type: pairwise, sector: two.test",
			"client_id: off, " + referrerKey + "scopes: [openid]",
			"client_id: third, name: Third, third_party: true, " + referrerKey + "scopes: [openid]",
		},
		Accounts: []string{
			"email: anna@example.org", "email: ria@example.org, role: relative", "email: uit@example.org, deactivated: true",
			"email: sam@example.org, role: professional", "email: eva@example.org, role: professional",
			"email: weg@example.org, role: professional, deactivated: true",
			"email: hulp@example.org, role: helpdesk", "email: baas@example.org, role: manager",
		},
		Invited: []string{"email: nieuw@example.org", "email: straks@example.org, role: professional"},
	},
	{
		Name: "wilg",
		Parties: []string{
			"client_id: web, " + referrerKey + "scopes: [openid, accounts:refer]",
			"client_id: wilg-web, " + referrerKey + "scopes: [openid]",
		},
		Accounts: []string{"email: anna@example.org", "email: sam@example.org, role: professional"},
	},
}

// referrer is a platform's server.
type referrer struct {
	caller
	ids map[string]string // of accounts, by address, with @wilg behind those of wilg
}

func newReferrer(t *testing.T) referrer {
	t.Helper()
	s := idptest.NewServer(t, idptest.SQLite(t))
	s.Declare(referHouse...)
	r := referrerAt(caller{t, s})
	r.become("off", func(p *grant.Party) { p.DisabledAt = s.Clock.Now() })
	return r
}

// referrerAt is that of a house where referHouse was applied.
func referrerAt(c caller) referrer {
	c.Helper()
	r := referrer{c, map[string]string{}}
	for _, of := range []struct {
		platform platform.ID
		names    []string
		suffix   string
	}{
		{"linde", []string{"anna", "ria", "uit", "nieuw", "sam", "eva", "weg", "straks", "hulp", "baas"}, ""},
		{"wilg", []string{"anna", "sam"}, "@wilg"},
	} {
		for _, name := range of.names {
			key, err := account.ParseEmail(name + "@example.org")
			if err != nil {
				c.Fatal(err)
			}
			a, err := c.DB.AccountByEmail(c.Context(), of.platform, key.Key)
			if err != nil {
				c.Fatal(err)
			}
			r.ids[name+of.suffix] = string(a.ID)
		}
	}
	return r
}

// own is an access token of a party itself.
func (r referrer) own(party, scope string) string {
	r.Helper()
	got := r.token(url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}, party)
	if got.Access == "" {
		r.Fatalf("%s gets no token for %q: %+v", party, scope, got)
	}
	return got.Access
}

// ask is a body that is right, with changes; a member that is "-" is left out.
func (r referrer) ask(changes ...string) string {
	body := map[string]string{"actor": r.ids["sam"], "subject": r.ids["anna"], "act": "reset_two_step", "reason": "lost-phone"}
	for i := 0; i < len(changes); i += 2 {
		if body[changes[i]] = changes[i+1]; changes[i+1] == "-" {
			delete(body, changes[i])
		}
	}
	text, err := json.Marshal(body)
	if err != nil {
		r.Fatal(err)
	}
	return string(text)
}

// answered is an answer of the API.
type answered struct {
	status    int
	challenge string
	header    http.Header
	text      string

	Title, Detail, Code, Reference string
	Status                         int
	URL                            string
	ExpiresIn                      int `json:"expires_in"`
}

func (r referrer) read(res *http.Response) answered {
	r.Helper()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	a := answered{
		status: res.StatusCode, challenge: strings.Join(res.Header.Values("WWW-Authenticate"), "\n"), header: res.Header, text: string(text),
	}
	if err := json.Unmarshal(text, &a); err != nil {
		r.Fatalf("%d %q: %v", res.StatusCode, text, err)
	}
	return a
}

func (r referrer) post(body string, header map[string]string) answered {
	r.Helper()
	with := map[string]string{"Content-Type": "application/json"}
	maps.Copy(with, header)
	return r.read(r.send(http.MethodPost, referralsURL, body, with))
}

func bearer(token string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + token}
}

// made is how many referrals there are.
func (r referrer) made() (n int) {
	r.Helper()
	row := r.DB.SQL().QueryRowContext(r.Context(), `SELECT COUNT(*) FROM tickets WHERE purpose = 'referral'`)
	if err := row.Scan(&n); err != nil {
		r.Fatal(err)
	}
	return n
}

// problem checks a refusal: its form, and that nothing came of it.
func (r referrer) problem(says string, got answered, status int, code string) {
	r.Helper()
	if got.status != status || got.Code != code || got.Status != status || got.Title != http.StatusText(status) {
		r.Errorf("%s: %d %s, want %d %q", says, got.status, got.text, status, code)
	}
	if got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Cache-Control") != "no-store" ||
		got.Reference == "" || got.URL != "" {
		r.Errorf("%s: %v %s", says, got.header, got.text)
	}
	if asks := status == 401 || status == 403 || code == "invalid_request"; asks != (got.challenge != "") {
		r.Errorf("%s: %d, challenge %q", says, status, got.challenge)
	}
	if n := r.made(); n != 0 {
		r.Fatalf("%s: %d referrals were made", says, n)
	}
}

// A server gets an address that works for its professional, whichever kind of token it has.
func TestReferralIsMade(t *testing.T) {
	r := newReferrer(t)
	// Anna and Ria have codes to lose.
	const app = ", totp_secret: " + idptest.TOTPSecret
	r.Declare(idptest.Demo{Accounts: []string{"email: anna@example.org" + app, "email: ria@example.org, role: relative" + app}})
	key := newProver(r.caller)
	bound := func(party string) map[string]string {
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {"accounts:refer"}}
		token := r.bound(form, party, key.proof("POST", tokenURL, "")).Access
		return map[string]string{"Authorization": "DPoP " + token, "DPoP": key.proof("POST", referralsURL, token)}
	}
	for says, row := range map[string]struct {
		header map[string]string
		body   string
		to     grant.PartyID
	}{
		"an opaque token":        {bearer(r.own("web", "accounts:refer")), r.ask(), "web"},
		"beside another scope":   {bearer(r.own("web", "report.read accounts:refer")), r.ask(), "web"},
		"a JWT":                  {bearer(r.own("jwt", "accounts:refer")), r.ask(), "jwt"},
		"an opaque bound token":  {bound("web"), r.ask(), "web"},
		"a bound JWT":            {bound("jwt"), r.ask(), "jwt"},
		"for another party":      {bearer(r.own("jwt", "accounts:refer")), r.ask("party", "web"), "web"},
		"for one without scope":  {bearer(r.own("jwt", "accounts:refer")), r.ask("party", "bare"), "bare"},
		"of a helper":            {bearer(r.own("web", "accounts:refer")), r.ask("actor", r.ids["hulp"]), "web"},
		"of a manager":           {bearer(r.own("web", "accounts:refer")), r.ask("actor", r.ids["baas"]), "web"},
		"to a relative":          {bearer(r.own("web", "accounts:refer")), r.ask("subject", r.ids["ria"]), "web"},
		"for a new phone":        {bearer(r.own("web", "accounts:refer")), r.ask("reason", "new-phone"), "web"},
		"for lost codes, spaced": {bearer(r.own("web", "accounts:refer")), " \n" + r.ask("reason", "lost-codes") + "\n ", "web"},
	} {
		r.Clock.Later(time.Millisecond) // so that its event is the newest
		got := r.post(row.body, row.header)
		token, ours := strings.CutPrefix(got.URL, issuer+"/staff/referral/")
		if got.status != http.StatusCreated || !ours || got.ExpiresIn != 300 || got.header.Get("Cache-Control") != "no-store" ||
			got.header.Get("Content-Type") != "application/json" || len(token) < 26 {
			t.Errorf("%s: %d %s %v", says, got.status, got.text, got.header)
			continue
		}
		var said map[string]string
		if err := json.Unmarshal([]byte(row.body), &said); err != nil {
			t.Fatal(err)
		}
		acts := staff.Acts{
			Store: r.DB, Sealer: r.Sealer, People: r.DB, Tickets: r.DB, Now: r.Clock.Now(),
			Actor: staff.Actor{Name: said["actor"], Platform: "linde", Account: account.ID(said["actor"])},
		}
		found, err := acts.Referral(t.Context(), "linde", token, staff.ReferredReset)
		if err != nil || found.Party != row.to || string(found.Reason) != said["reason"] || string(found.Subject.ID) != said["subject"] {
			t.Errorf("%s: %+v, %v", says, found, err)
		}
		events, err := r.DB.Events(t.Context(), "linde", 1)
		if err != nil || events[0].Kind != audit.ReferralMade || events[0].Actor != "system" || events[0].Account != account.ID(said["subject"]) ||
			!strings.Contains("web jwt", events[0].Party) || events[0].Reason != "for "+said["actor"] || events[0].StatedReason != said["reason"] || events[0].Address == "" {
			t.Errorf("%s: on record %+v, %v", says, events, err)
		}
	}
}

// Every token that is not one of the party itself, with the scope, now, as it must be shown: nothing is said of anybody.
func TestReferralWantsATokenOfTheServerItself(t *testing.T) {
	r := newReferrer(t)
	key, other := newProver(r.caller), newProver(r.caller)
	b := r.signIn(issuer)
	both := func(q url.Values) { q.Set("scope", "openid accounts:refer report.read") }
	person := r.token(codeForm(r.code(b, "web", both)), "web")
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"accounts:refer"}}
	bound := r.bound(form, "web", key.proof("POST", tokenURL, "")).Access
	foreign := r.read(r.send(http.MethodPost, "https://id.test/p/wilg/token", form.Encode(), basicOf("web", secretText)))
	var elsewhere tokens
	if err := json.Unmarshal([]byte(foreign.text), &elsewhere); err != nil || elsewhere.Access == "" {
		t.Fatalf("%+v, %v", elsewhere, err)
	}
	good := r.own("web", "accounts:refer")
	jwt := r.own("jwt", "accounts:refer")
	proof := func(p prover, method, target, token string) map[string]string {
		return map[string]string{"Authorization": "DPoP " + bound, "DPoP": p.proof(method, target, token)}
	}
	parts := strings.Split(jwt, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`)) + "." + parts[1] + "."
	for says, row := range map[string]struct {
		header map[string]string
		status int
		code   string
	}{
		"no token":                    {nil, 401, ""},
		"another scheme":              {map[string]string{"Authorization": "Negotiate " + good}, 401, ""},
		"the party's secret":          {basicOf("web", secretText), 401, ""},
		"nonsense":                    {bearer("x"), 401, "invalid_token"},
		"a made-up handle":            {bearer("idpat_" + secret.Token()), 401, "invalid_token"},
		"of another platform":         {bearer(elsewhere.Access), 401, "invalid_token"},
		"an ID token":                 {bearer(person.ID), 401, "invalid_token"},
		"a cut one":                   {bearer(good[:len(good)-2]), 401, "invalid_token"},
		"a JWT without signature":     {bearer(none), 401, "invalid_token"},
		"a JWT, spoiled":              {bearer(parts[0] + "." + parts[1] + "." + parts[2][:10] + "AAAA" + parts[2][14:]), 401, "invalid_token"},
		"of a person":                 {bearer(person.Access), 403, "insufficient_scope"},
		"of a party without scope":    {bearer(r.own("bare", "report.read")), 403, "insufficient_scope"},
		"that did not ask the scope":  {bearer(r.own("web", "report.read")), 403, "insufficient_scope"},
		"that asked for nothing":      {bearer(r.own("web", "")), 403, "insufficient_scope"},
		"a bearer token in DPoP":      {map[string]string{"Authorization": "DPoP " + good, "DPoP": key.proof("POST", referralsURL, good)}, 401, "invalid_token"},
		"a bound token in Bearer":     {bearer(bound), 401, "invalid_token"},
		"a bound token without proof": {map[string]string{"Authorization": "DPoP " + bound}, 401, "invalid_dpop_proof"},
		"a proof with another key":    {proof(other, "POST", referralsURL, bound), 401, "invalid_token"},
		"a proof for another method":  {proof(key, "GET", referralsURL, bound), 401, "invalid_dpop_proof"},
		"a proof for another address": {proof(key, "POST", tokenURL, bound), 401, "invalid_dpop_proof"},
		"a proof for another token":   {proof(key, "POST", referralsURL, good), 401, "invalid_dpop_proof"},
		"a proof for no token":        {proof(key, "POST", referralsURL, ""), 401, "invalid_dpop_proof"},
	} {
		got := r.post(r.ask(), row.header)
		r.problem(says, got, row.status, row.code)
		if row.code == "" == strings.Contains(got.challenge, "error=") || row.code != "" && !strings.Contains(got.challenge, `error="`+row.code+`"`) {
			t.Errorf("%s: challenge %q", says, got.challenge)
		}
		if row.status == 403 && !strings.Contains(got.challenge, `scope="accounts:refer"`) {
			t.Errorf("%s: challenge %q", says, got.challenge)
		}
		// Whatever else is wrong, and whoever is asked about, it is the same answer.
		worse := r.post(`{"actor": 1`, row.header)
		if used := row.header["DPoP"] != ""; !used && (worse.status != got.status || worse.Code != got.Code || worse.challenge != got.challenge) {
			t.Errorf("%s: %s, and of nonsense %s", says, got.text, worse.text)
		}
	}
	if strings.Contains(person.Error, "scope") || strings.Contains(r.introspect("web", person.Access)["scope"].(string), "accounts:refer") {
		t.Errorf("a person grants what is the party's own: %v", r.introspect("web", person.Access))
	}
	in := r.read(r.send(http.MethodPost, referralsURL+"?access_token="+url.QueryEscape(good), r.ask(), map[string]string{"Content-Type": "application/json"}))
	r.problem("in the address", in, 400, "invalid_request")
	r.problem("a query beside it", r.read(r.send(http.MethodPost, referralsURL+"?x=y", r.ask(), bearer(good))), 400, "invalid_request")
	r.problem("in the body", r.post(r.ask("access_token", good), nil), 401, "")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, referralsURL, strings.NewReader(r.ask()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Authorization": {"Bearer " + good, "Bearer " + jwt}, "Content-Type": {"application/json"}}
	res, err := r.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	r.problem("two of them", r.read(res), 400, "invalid_request")

	// A proof is used up by what it allowed, and what a token allowed ends with the registration, whenever it was given.
	once := proof(key, "POST", referralsURL, bound)
	r.problem("a first use, with nonsense", r.post(`{`, once), 400, "invalid_body")
	r.problem("a second use of its proof", r.post(r.ask(), once), 401, "invalid_dpop_proof")
	for says, row := range map[string]struct {
		change func(*grant.Party)
		status int
		code   string
	}{
		"the scope was taken":      {func(p *grant.Party) { p.Scopes = []string{"openid"} }, 403, "insufficient_scope"},
		"the grant type was taken": {func(p *grant.Party) { p.Grants = []string{"authorization_code"} }, 401, "invalid_token"},
		"it was disabled":          {func(p *grant.Party) { p.DisabledAt = r.Clock.Now() }, 401, "invalid_token"},
	} {
		var before grant.Party
		r.become("web", func(p *grant.Party) { before = *p; row.change(p) })
		r.problem(says, r.post(r.ask(), bearer(good)), row.status, row.code)
		r.become("web", func(p *grant.Party) { *p = before })
	}
	r.Clock.Later(16 * time.Minute)
	r.problem("it has expired", r.post(r.ask(), bearer(good)), 401, "invalid_token")
	r.problem("so has the JWT", r.post(r.ask(), bearer(jwt)), 401, "invalid_token")
}

// Bodies are strict: what is not understood whole is refused whole.
func TestReferralBodies(t *testing.T) {
	r := newReferrer(t)
	token := r.own("web", "accounts:refer")
	ask := r.ask()
	for says, row := range map[string]struct {
		body, kind string
		status     int
		code       string
	}{
		"nothing":                  {"", "application/json", 400, "invalid_body"},
		"no JSON":                  {"actor=x", "application/json", 400, "invalid_body"},
		"a form":                   {"actor=x&subject=y", "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		"no kind":                  {ask, "", 415, "unsupported_media_type"},
		"another kind":             {ask, "text/plain", 415, "unsupported_media_type"},
		"problem+json":             {ask, "application/problem+json", 415, "unsupported_media_type"},
		"another charset":          {ask, "application/json; charset=utf-16", 415, "unsupported_media_type"},
		"half of it":               {ask[:len(ask)-1], "application/json", 400, "invalid_body"},
		"something behind it":      {ask + ask, "application/json", 400, "invalid_body"},
		"a byte behind it":         {ask + "\x00", "application/json", 400, "invalid_body"},
		"a byte order mark":        {"\ufeff" + ask, "application/json", 400, "invalid_body"},
		"a list":                   {"[" + ask + "]", "application/json", 400, "invalid_body"},
		"a text":                   {`"x"`, "application/json", 400, "invalid_body"},
		"null":                     {"null", "application/json", 400, "invalid_body"},
		"not UTF-8":                {strings.Replace(ask, "lost-phone", "lost-phone\xff", 1), "application/json", 400, "invalid_body"},
		"a member twice":           {strings.Replace(ask, "{", `{"act":"reset_two_step",`, 1), "application/json", 400, "invalid_body"},
		"a member twice, escaped":  {strings.Replace(ask, "{", `{"\u0061ct":"reset_two_step",`, 1), "application/json", 400, "invalid_body"},
		"an unknown member":        {r.ask("return_to", "https://evil.test/"), "application/json", 400, "invalid_body"},
		"another case":             {strings.Replace(ask, `"actor"`, `"Actor"`, 1), "application/json", 400, "invalid_body"},
		"both cases":               {strings.Replace(ask, "{", `{"ACTOR":"x",`, 1), "application/json", 400, "invalid_body"},
		"a number":                 {strings.Replace(ask, `"lost-phone"`, "1", 1), "application/json", 400, "invalid_body"},
		"null for a member":        {strings.Replace(ask, `"lost-phone"`, "null", 1), "application/json", 400, "invalid_body"},
		"null for a party":         {strings.Replace(ask, "{", `{"party":null,`, 1), "application/json", 400, "invalid_body"},
		"a list for a member":      {strings.Replace(ask, `"lost-phone"`, `["lost-phone"]`, 1), "application/json", 400, "invalid_body"},
		"an object for a member":   {strings.Replace(ask, `"lost-phone"`, `{"a":"b"}`, 1), "application/json", 400, "invalid_body"},
		"deep":                     {strings.Repeat("[", 30000) + strings.Repeat("]", 30000), "application/json", 400, "invalid_body"},
		"too large":                {ask + strings.Repeat(" ", 64<<10), "application/json", 413, "body_too_large"},
		"no actor":                 {r.ask("actor", "-"), "application/json", 400, "invalid_body"},
		"no subject":               {r.ask("subject", "-"), "application/json", 400, "invalid_body"},
		"no act":                   {r.ask("act", "-"), "application/json", 400, "invalid_body"},
		"no reason":                {r.ask("reason", "-"), "application/json", 400, "invalid_body"},
		"another act":              {r.ask("act", "deactivate"), "application/json", 422, "invalid_value"},
		"an empty act":             {r.ask("act", ""), "application/json", 422, "invalid_value"},
		"the act in capitals":      {r.ask("act", "RESET_TWO_STEP"), "application/json", 422, "invalid_value"},
		"a reason of his own":      {r.ask("reason", "Anna lost it <b>again</b>"), "application/json", 422, "invalid_value"},
		"a reason with a null":     {r.ask("reason", "lost-phone\x00"), "application/json", 422, "invalid_value"},
		"an empty reason":          {r.ask("reason", ""), "application/json", 422, "invalid_value"},
		"an act of another person": {r.ask("act", "reset_two_step "), "application/json", 422, "invalid_value"},
	} {
		r.problem(says, r.post(row.body, map[string]string{"Authorization": "Bearer " + token, "Content-Type": row.kind}), row.status, row.code)
	}
	for _, kind := range []string{"application/json; charset=utf-8", "Application/JSON", `application/json;charset="UTF-8"`} {
		got := r.post(ask, map[string]string{"Authorization": "Bearer " + token, "Content-Type": kind})
		if got.status != http.StatusCreated {
			t.Errorf("%s: %d %s", kind, got.status, got.text)
		}
	}
}

// Whom a server names is of its platform and known to the party, or there is one answer for all; who may not is told apart,
// because the platform knows its people's roles.
func TestReferralIsOfPeopleThatThePlatformKnows(t *testing.T) {
	r := newReferrer(t)
	token, pair := r.own("web", "accounts:refer"), r.own("one", "accounts:refer")
	b := r.signIn(issuer) // anna
	subject := func(party string) string {
		_, claims := claimsOf(t, r.token(codeForm(r.code(b, party, func(q url.Values) { q.Set("scope", "openid") })), party).ID)
		return claims["sub"].(string)
	}
	one, two := subject("one"), subject("two")
	if also := subject("also-one"); also != one || one == two || one == r.ids["anna"] {
		t.Fatalf("subjects %s %s %s", one, also, two)
	}
	sam := r.subjectOf("one", "sam")
	for says, row := range map[string]struct {
		token  string
		body   string
		status int
		code   string
	}{
		"an unknown subject":                {token, r.ask("subject", secret.ID()), 404, "not_found"},
		"an unknown actor":                  {token, r.ask("actor", secret.ID()), 404, "not_found"},
		"an empty subject":                  {token, r.ask("subject", ""), 404, "not_found"},
		"an address":                        {token, r.ask("subject", "anna@example.org"), 404, "not_found"},
		"a null in it":                      {token, r.ask("subject", r.ids["anna"]+"\x00"), 404, "not_found"},
		"a space behind it":                 {token, r.ask("subject", r.ids["anna"]+" "), 404, "not_found"},
		"in capitals":                       {token, r.ask("subject", strings.ToUpper(r.ids["anna"])), 404, "not_found"},
		"a pattern":                         {token, r.ask("subject", "%"), 404, "not_found"},
		"a long one":                        {token, r.ask("subject", strings.Repeat("a", 60000)), 404, "not_found"},
		"a subject of another platform":     {token, r.ask("subject", r.ids["anna@wilg"]), 404, "not_found"},
		"an actor of another platform":      {token, r.ask("actor", r.ids["sam@wilg"]), 404, "not_found"},
		"both of another platform":          {token, r.ask("actor", r.ids["sam@wilg"], "subject", r.ids["anna@wilg"]), 404, "not_found"},
		"an unknown party":                  {token, r.ask("party", "nobody"), 404, "not_found"},
		"an empty party":                    {token, r.ask("party", ""), 404, "not_found"},
		"a party of another platform":       {token, r.ask("party", "wilg-web"), 404, "not_found"},
		"a disabled party":                  {token, r.ask("party", "off"), 404, "not_found"},
		"a third party":                     {token, r.ask("party", "third"), 404, "not_found"},
		"a pairwise subject as a public":    {token, r.ask("subject", one), 404, "not_found"},
		"a public subject as a pairwise":    {pair, r.ask("actor", sam, "subject", r.ids["anna"]), 404, "not_found"},
		"a public actor as a pairwise":      {pair, r.ask("actor", r.ids["sam"], "subject", one), 404, "not_found"},
		"a subject of another sector":       {pair, r.ask("actor", sam, "subject", two), 404, "not_found"},
		"… for a party of that sector":      {pair, r.ask("actor", sam, "subject", one, "party", "two"), 404, "not_found"},
		"a pairwise subject, public party":  {pair, r.ask("actor", sam, "subject", one, "party", "web"), 404, "not_found"},
		"one that nobody was given":         {pair, r.ask("actor", sam, "subject", r.unkept("one", "ria")), 404, "not_found"},
		"an actor who is a client":          {token, r.ask("actor", r.ids["ria"]), 422, "not_allowed"},
		"the person herself":                {token, r.ask("actor", r.ids["anna"]), 422, "not_allowed"},
		"an actor who is deactivated":       {token, r.ask("actor", r.ids["weg"]), 422, "not_allowed"},
		"an actor who is invited":           {token, r.ask("actor", r.ids["straks"]), 422, "not_allowed"},
		"a subject who is deactivated":      {token, r.ask("subject", r.ids["uit"]), 422, "not_allowed"},
		"a subject who is invited":          {token, r.ask("subject", r.ids["nieuw"]), 422, "not_allowed"},
		"a professional":                    {token, r.ask("subject", r.ids["eva"]), 422, "not_allowed"},
		"himself":                           {token, r.ask("subject", r.ids["sam"]), 422, "not_allowed"},
		"a helper":                          {token, r.ask("subject", r.ids["hulp"]), 422, "not_allowed"},
		"a manager helps a professional":    {token, r.ask("actor", r.ids["baas"], "subject", r.ids["eva"]), 422, "not_allowed"},
		"a manager":                         {token, r.ask("subject", r.ids["baas"]), 422, "not_allowed"},
		"a manager, to himself":             {token, r.ask("actor", r.ids["baas"], "subject", r.ids["baas"]), 422, "not_allowed"},
		"a pairwise professional, himself":  {pair, r.ask("actor", sam, "subject", sam), 422, "not_allowed"},
		"a pairwise client, as the helper":  {pair, r.ask("actor", one, "subject", sam), 422, "not_allowed"},
		"an act that there is not, to them": {token, r.ask("act", "erase", "subject", r.ids["baas"]), 422, "invalid_value"},
	} {
		got := r.post(row.body, bearer(row.token))
		r.problem(says, got, row.status, row.code)
		if row.status == 404 && got.Detail != "Party, actor or subject is not known here." {
			t.Errorf("%s: %s", says, got.text)
		}
	}
	refused := 0
	for _, e := range r.events(audit.ReferralRefused) {
		if e.Actor == "system" && e.Outcome == audit.Failure && (e.Party == "web" || e.Party == "one") &&
			slices.Contains([]string{"unknown", "not allowed"}, e.Reason) {
			refused++
		}
	}
	if refused != 4 { // once a minute for each source, party and reason
		t.Errorf("%d refusals on record", refused)
	}
	if got := r.post(r.ask("actor", sam, "subject", one), bearer(pair)); got.status != http.StatusCreated {
		t.Errorf("pairwise: %d %s", got.status, got.text)
	}
	if got := r.post(r.ask("actor", sam, "subject", one, "party", "also-one"), bearer(token)); got.status != http.StatusCreated {
		t.Errorf("pairwise, as another of its sector: %d %s", got.status, got.text)
	}
}

// subjectOf is the pairwise subject of an account, kept as if a party of the sector had been given it.
func (r referrer) subjectOf(party grant.PartyID, name string) string {
	r.Helper()
	sectors := map[platform.ID][]grant.Sector{"linde": {r.sector(party)}}
	if _, err := r.DB.SQL().ExecContext(r.Context(), `UPDATE accounts SET signed_in_at = 1 WHERE id = $1`, r.ids[name]); err != nil {
		r.Fatal(err)
	}
	if _, err := r.DB.FillSubjects(r.Context(), sectors, "", 100); err != nil {
		r.Fatal(err)
	}
	return r.unkept(party, name)
}

func (r referrer) unkept(party grant.PartyID, name string) string {
	return r.sector(party).Of(account.ID(r.ids[name])).Subject
}

func (r referrer) sector(party grant.PartyID) grant.Sector {
	r.Helper()
	platforms, err := r.DB.Platforms(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	salt := platforms[slices.IndexFunc(platforms, func(p platform.Platform) bool { return p.ID == "linde" })].Salt
	return grant.Sector{Host: string(party) + ".test", Salt: salt}
}

// A third party cannot be registered for it, and one that became one has nothing of it any more.
func TestReferralIsForThePlatformsOwn(t *testing.T) {
	for says, changed := range map[string]string{
		"a third party":      "client_id: third, name: Third, third_party: true, " + referrerKey,
		"without grant type": "client_id: web, grant_types: [authorization_code], ",
	} {
		s := idptest.NewServer(t, idptest.SQLite(t))
		f, lines, err := setup.Parse([]byte(idptest.Demo{Parties: []string{changed + "scopes: [openid, accounts:refer]"}}.File()))
		if err == nil {
			_, err = setup.Apply(t.Context(), s.Tools(), f, lines)
		}
		if err == nil || !strings.Contains(err.Error(), "scopes accounts:refer") {
			t.Errorf("%s: %v", says, err)
		}
	}
	r := newReferrer(t)
	before := r.own("web", "accounts:refer")
	r.become("web", func(p *grant.Party) { p.ThirdParty, p.Name = true, "Third" })
	r.problem("given before", r.post(r.ask(), bearer(before)), 403, "insufficient_scope")
	if got := r.token(url.Values{"grant_type": {"client_credentials"}, "scope": {"accounts:refer"}}, "web"); got.Error != "invalid_scope" {
		t.Errorf("a third party gets %+v", got)
	}
}

// become changes a party of linde past all checks.
func (r referrer) become(id grant.PartyID, change func(*grant.Party)) {
	r.Helper()
	err := r.DB.Revise(r.Context(), func(seen int64) error {
		parties, err := r.DB.Parties(r.Context())
		if err != nil {
			return err
		}
		i := slices.IndexFunc(parties, func(p grant.Party) bool { return p.ID == id && p.Platform == "linde" })
		change(&parties[i])
		return r.DB.SaveSettings(r.Context(), seen, parties[i:i+1], nil, nil)
	})
	if err == nil {
		err = r.Refresh(r.Context())
	}
	if err != nil {
		r.Fatal(err)
	}
}

// One party makes 600 requests in a minute, whatever they are answered; another is not stopped by it.
func TestReferralsOfAPartyAreBounded(t *testing.T) {
	r := newReferrer(t)
	token, other := r.own("web", "accounts:refer"), r.own("jwt", "accounts:refer")
	for i := range 600 {
		if got := r.post("{", bearer(token)); got.status != http.StatusBadRequest {
			t.Fatalf("request %d: %d %s", i+1, got.status, got.text)
		}
	}
	r.Clock.Later(20 * time.Second)
	got := r.post(r.ask(), bearer(token))
	r.problem("one too many", got, http.StatusTooManyRequests, "too_many_requests")
	if got.header.Get("Retry-After") != "40" {
		t.Errorf("again after %q", got.header.Get("Retry-After"))
	}
	r.problem("without token", r.post(r.ask(), nil), 401, "")
	if got := r.post(r.ask(), bearer(other)); got.status != http.StatusCreated {
		t.Errorf("another party: %d %s", got.status, got.text)
	}
	r.Clock.Later(40 * time.Second)
	if got := r.post(r.ask(), bearer(token)); got.status != http.StatusCreated {
		t.Errorf("a minute later: %d %s", got.status, got.text)
	}
}
