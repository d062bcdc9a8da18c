package demo

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/oauth2"
)

func site(t *testing.T) *Site {
	t.Helper()
	_, s, err := House("http://localhost:8080", "http://localhost:8081", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every password, secret and code of house.yaml is on the start page, beside a button that copies it.
func TestStartPageShowsTheAccounts(t *testing.T) {
	s := site(t)
	body := get(t, s, "/").Body.String()
	for _, a := range s.Accounts {
		for _, want := range append([]string{a.Name, a.Email, a.Password}, a.RecoveryCodes...) {
			want = strings.ReplaceAll(want, "'", "&#39;")
			if !strings.Contains(body, want) {
				t.Errorf("the start page lacks %q", want)
			}
			if want != "" && want != a.Name && !strings.Contains(body, `data-copy="`+want+`"`) {
				t.Errorf("%q cannot be copied", want)
			}
		}
	}
	for _, p := range s.order {
		if !strings.Contains(body, `href="/`+p.Name+`/"`) || !strings.Contains(body, p.Issuer+"<") {
			t.Errorf("the start page lacks %s", p.Title)
		}
	}
}

// People who help others are there with what they can do today; helpdesk and managers have a second step, and a link to
// the pages on which they help.
func TestStartPageSaysWhatStaffCanDo(t *testing.T) {
	s := site(t)
	body := get(t, s, "/").Body.String()
	found := map[string]bool{}
	for _, a := range s.Accounts {
		if a.May == "" || !strings.Contains(body, `<span class="role">`+a.Role+": "+a.May+"</span>") {
			t.Errorf("the start page does not say what %s can do", a.Email)
		}
		switch a.Role {
		case "professional", "helpdesk", "manager":
			found[a.Role] = true
		}
		helps := a.Role == "helpdesk" || a.Role == "manager"
		if helps && a.Phone == "" {
			t.Errorf("%s has no second step", a.Email)
		}
		if helps != (a.Pages == "http://localhost:8080/staff") || helps && !strings.Contains(body, `href="`+a.Pages+`"`) {
			t.Errorf("%s helps at %q", a.Email, a.Pages)
		}
	}
	if len(found) != 3 {
		t.Errorf("of staff there are %v", found)
	}
}

// What a phone scans is the secret of house.yaml, and the code beside it is the one that the phone shows.
func TestTheAppOnTheStartPageIsTheAccounts(t *testing.T) {
	s := site(t)
	at := time.Date(2026, 11, 29, 12, 0, 21, 0, time.UTC)
	s.Now = func() time.Time { return at }
	apps, err := s.authenticators()
	if err != nil || len(apps) != 1 {
		t.Fatalf("%d apps, %v", len(apps), err)
	}
	eva := apps[0]
	key, err := otp.NewKeyFromURL(keyURI(eva.Account))
	if err != nil || key.Secret() != eva.Account.TOTPSecret || key.AccountName() != "eva@example.org" ||
		key.Issuer() != "Demo" {
		t.Errorf("%s: %v", key, err)
	}
	want, err := totp.GenerateCode(key.Secret(), at)
	if err != nil || eva.Code != want || eva.Left != 9 {
		t.Errorf("code %s for %d s, want %s for 9 s (%v)", eva.Code, eva.Left, want, err)
	}
	body := get(t, s, "/").Body.String()
	if !strings.Contains(body, eva.QR.Path) || !strings.Contains(body, ">"+want[:3]+" "+want[3:]+"<") {
		t.Error("the start page lacks the QR code or the code")
	}
	at = at.Add(9 * time.Second)
	next, err := totp.GenerateCode(key.Secret(), at)
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "/dev/code/eva@example.org").Body.String(); got != next+" 30" || next == want {
		t.Errorf("nine seconds later: %q, want %q", got, next+" 30")
	}
	for _, nobody := range []string{"anna@example.org", "x"} {
		if code := get(t, s, "/dev/code/"+nobody).Code; code != http.StatusNotFound {
			t.Errorf("the code of %s: %d", nobody, code)
		}
	}
}

// Pages load what the site serves and nothing else: no style or script in them, no other origin.
func TestPagesKeepToThemselves(t *testing.T) {
	s := site(t)
	for _, page := range []string{"/", "/linde/", "/wilg/", "/dagboek/", "/dev/outbox"} {
		w := get(t, s, page)
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Security-Policy"),
			"default-src 'none'; style-src 'self'") {
			t.Errorf("%s: %d, %q", page, w.Code, w.Header().Get("Content-Security-Policy"))
		}
		if found := regexp.MustCompile(`<style|style="|<script>| on[a-z]+="`).FindString(w.Body.String()); found != "" {
			t.Errorf("%s has %s", page, found)
		}
		for _, m := range regexp.MustCompile(`<(?:link|script|img|iframe)[^>]* (?:href|src)="([^"]*)"`).FindAllStringSubmatch(w.Body.String(), -1) {
			file := get(t, s, m[1])
			if file.Code != http.StatusOK || file.Header().Get("Content-Type") == "" {
				t.Errorf("%s loads %s: %d, %q", page, m[1], file.Code, file.Header().Get("Content-Type"))
			}
		}
	}
	for _, name := range []string{"nobody.svg", "linde", "..", "demo.go"} {
		if code := get(t, s, "/dev/assets/"+name).Code; code == http.StatusOK {
			t.Errorf("/dev/assets/%s: %d", name, code)
		}
	}
}

// Only the sites that are named here exist, and a site whose provider is away still shows its page.
func TestSitesWithoutTheirProvider(t *testing.T) {
	s := site(t)
	s.platforms["linde"] = Platform{Name: "linde", Title: "GGZ De Linde", Issuer: "http://localhost:1", Colour: "#1b6a7a"}
	if body := get(t, s, "/linde/").Body.String(); !strings.Contains(body, "is it running?") ||
		!strings.Contains(body, `id="login"`) {
		t.Errorf("without a provider:\n%s", body)
	}
	if code := get(t, s, "/nobody/").Code; code != http.StatusNotFound {
		t.Errorf("an unknown site: %d", code)
	}
}

// What buttons ask goes to the provider, and nothing else does.
func TestLoginPassesWhatIsAsked(t *testing.T) {
	s := site(t)
	w := get(t, s, "/linde/login?prompt=login&max_age=60&acr_values=a+b&ui_locales=nl&login_hint=anna%40example.org&redirect_uri=https%3A%2F%2Fevil.test&scope=all")
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"prompt": "login", "max_age": "60", "acr_values": "a b", "ui_locales": "nl", "login_hint": "anna@example.org",
		"redirect_uri": "http://localhost:8081/linde/callback", "scope": "openid profile email offline_access",
		"code_challenge_method": "S256",
	} {
		if got := to.Query().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

func TestTokensAreRead(t *testing.T) {
	// {"alg":"none"} . {"sub":"s","amr":["pwd","otp","mfa"],"acr":"urn:minddistrict:acr:2fa","auth_time":1000,"exp":1600}
	const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzIiwiYW1yIjpbInB3ZCIsIm90cCIsIm1mYSJdLCJhY3IiOiJ1cm46bWluZGRpc3RyaWN0OmFjcjoyZmEiLCJhdXRoX3RpbWUiOjEwMDAsImV4cCI6MTYwMH0.c2ln"
	if got := read("id", "ID token", jwt); got.Header != "{\n  \"alg\": \"none\"\n}" ||
		!strings.Contains(got.Claims, "\"auth_time\": 1000") {
		t.Errorf("%+v", got)
	}
	for _, opaque := range []string{"", "idpat_abc", "a.b.c", "..", "bm8.bm8.bm8"} {
		if got := read("at", "Access token", opaque); got.Header != "" || got.Claims != "" ||
			!strings.HasPrefix(got.Kind, "Opaque") {
			t.Errorf("%q: %+v", opaque, got)
		}
	}
	now := time.Unix(1300, 0)
	var said []string
	for _, l := range lines(jwt, &oauth2.Token{Expiry: time.Unix(2200, 0)}, Platform{}, now) {
		said = append(said, l.Claim+" "+l.Value+": "+l.Meaning)
	}
	all := strings.Join(said, "\n")
	for _, want := range []string{
		"amr pwd otp mfa: What was shown: a password; a one-time code of an app, or a recovery code; more than one kind of proof.",
		"acr urn:minddistrict:acr:2fa: Two kinds of proof.",
		"auth_time 00:16:40 UTC: When something was shown last, 5 minutes ago.",
		"exp 00:26:40 UTC: Until when the ID token may be believed as news, in 5 minutes.", "expires_in 00:36:40 UTC",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}

func TestTimesInWords(t *testing.T) {
	now := time.Unix(100_000, 0)
	for d, want := range map[time.Duration]string{
		0: "just now", -4 * time.Second: "just now", 4 * time.Second: "just now", -5 * time.Second: "5 seconds ago",
		119 * time.Second: "in 119 seconds",
		-2 * time.Minute:  "2 minutes ago", 119 * time.Minute: "in 119 minutes", -2 * time.Hour: "2 hours ago",
	} {
		if got := ago(now, now.Add(d).Unix()); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
