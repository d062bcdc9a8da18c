package idptest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/minddistrict/idp/account"
	"github.com/minddistrict/idp/audit"
	"github.com/minddistrict/idp/internal/fault"
	"github.com/minddistrict/idp/notify"
	"github.com/minddistrict/idp/platform"
	"github.com/minddistrict/idp/storage"
	"github.com/minddistrict/idp/test/browser"
)

// Password is what every account of a script has.
const Password = "zeven paarse regenjassen drogen!"

// NewPassword is a second good one, for whoever changes it.
const NewPassword = "drie stille fietsers onder water?"

// secretOf makes a party secret that is long enough.
func secretOf(id string) string { return "secret-of-" + id + "-which-is-long-enough-for-a-test" }

// RunScript runs one journey script on a database in a language, and returns the pages that it came by.
//
// A script is a visit, a verb a line (or several with " ; "), about people; # starts a comment. It names text keys, not
// sentences, so that it runs in every language. The verbs are the rows of verbs, and of the vocabularies of factors;
// docs/journeys.md is made of them.
func RunScript(t *testing.T, path string, db *storage.DB, lang string) []Shown {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := newScript(t, db, lang)
	s.play(path, string(text))
	return slices.Collect(maps.Keys(s.looked.pages))
}

// RunText is RunScript for a script that no file holds. It returns how the person arrived last, and the clock then.
func RunText(t *testing.T, name, text string, db *storage.DB, lang string) (Arrival, time.Time) {
	t.Helper()
	s := newScript(t, db, lang)
	s.play(name, text)
	if s.party == nil {
		return Arrival{}, s.server.Clock.Now()
	}
	return s.party.Last, s.server.Clock.Now()
}

// newScript has a server on a database and one browser.
func newScript(t *testing.T, db *storage.DB, lang string) *script {
	t.Helper()
	s := &script{
		t: t, server: NewServer(t, db), lang: lang, heads: map[string]string{}, parties: map[string]*Party{}, browsers: map[string]*Browser{},
		tabs: map[string]*Browser{}, secret: TOTPSecret,
	}
	s.looked.pages = map[Shown]bool{}
	s.openBrowser("first")
	return s
}

// play runs the lines of a script.
func (s *script) play(name, text string) {
	s.t.Helper()
	number := 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ := strings.Cut(line, "#")
		for step := range strings.SplitSeq(line, " ; ") {
			if step = strings.TrimSpace(step); step == "" {
				continue
			}
			if err := s.run(step); err != nil {
				s.t.Fatalf("%s:%d: %s: %v", name, number, step, err)
			}
		}
	}
}

// script is one run.
type script struct {
	t        *testing.T
	server   *Server
	lang     string
	heads    map[string]string // what a platform is declared with, by name
	parties  map[string]*Party
	browsers map[string]*Browser
	tabs     map[string]*Browser
	b        *Browser
	party    *Party // of the last arrival or visit
	kept     kept
	previous map[string]any // claims of the arrival before
	texts    []notify.Text  // text messages that were taken
	looked   struct {
		mails, texts int            // that were there at the last look
		pages        map[Shown]bool // that the browser was on until now
	}
	letter notify.Mail // the mail that was taken
	codes  []string    // recovery codes that were kept
	number string      // for the helpdesk, that was kept
	secret string      // of the person's authenticator app
}

func (s *script) run(step string) error {
	name, rest, _ := strings.Cut(step, " ")
	rest = strings.TrimSpace(rest)
	if name == refusedVerb.name { // of the others, so not in their table
		if err := s.run(rest); !errors.Is(err, fault.Refused) {
			return fmt.Errorf("got %v, want %q", err, fault.Refused)
		}
		return nil
	}
	v, ok := verbNamed(name)
	if !ok {
		return fmt.Errorf("no such verb; near it are\n%s", nearest(name))
	}
	if err := v.run(s, rest); err != nil {
		return err
	}
	if err := s.carryOn(); err != nil {
		return err
	}
	if err := s.note(); err != nil {
		return err
	}
	return s.onRecord()
}

// verbs are those of visits, in the order in which somebody who writes a script looks for them.
var verbs = []verb{
	{"platform", "NAME [key=value …]", "declares a platform (idle=1h signup=true privacy=URL second-factor=required asked-of=staff " +
		"from=TIME offer=720h remember=12h choices=12h+72h methods=totp+sms minimum=ACR app-code=true " +
		"app-password=false login-form=false mobile-app=false login=KIND|only role=KIND+KIND: these " +
		"parties are registered for the claim role; told=yes: all but intranet hear of sessions that " +
		"end; told=idle: agenda hears of idle ones too) with its parties web and agenda, app, its own " +
		"mobile one, desk, another native one, and anders, which is not its own, and intranet: like " +
		"agenda a party where logins begin, so that neither is taken for the one of journeys by link, " +
		"unless login names one, or leaves intranet out; linde has a host of its own and a tool, a " +
		"program that waits on a port of the computer, others a path", (*script).platform},
	{"account", "ADDRESS [key=value …]", "declares an account (on=wilg role=manager locale=en totp sms=+31612345678) with the password of all scripts, or password=none", (*script).account},
	{"visit", "NAME[/PARTY] [key=value …]", "a relying platform sends the person to us; values go into the request", (*script).visit},
	{"browser", "NAME", "another browser", func(s *script, name string) error { s.openBrowser(name); return nil }},
	{"tab", "NAME", "another tab of this browser", (*script).tab},
	{"open", "ADDRESS", "opens an address", func(s *script, address string) error { return s.b.Open(address) }},
	{"bookmark", "", "keeps this address for reopen", func(s *script, _ string) error { s.kept = kept{address: s.b.URL.String()}; return nil }},
	{"reopen", "", "opens the address that was kept", (*script).reopen},
	{"fill", "KEY = VALUE", "types into the field with this label; the values password, new (another good one) and wrong are known, and those of factors: totp, totp-1, totp+25s, sms, sms-1, sms+1, recovery1 to recovery6, number, mailed, mailed+1", (*script).fill},
	{"holds", "NAME = VALUE", "the field with this name in the form holds the value", (*script).holds},
	{"file", "KEY = LINE | LINE …", "chooses a file with these lines in the field with this label", (*script).file},
	{"press", "KEY", "presses a button or link", (*script).press},
	{"choose", "TEXT", "presses the first button or link that has the text among others, such as an address in a list", func(s *script, text string) error { // whatever else it says
		return s.b.PressLike(regexp.MustCompile(`(^|\s)` + regexp.QuoteMeta(text) + `(\s|$)`))
	}},
	{"again", "KEY", "presses a button, and then once more on the same page", func(s *script, key string) error { return s.submit(key, (*Browser).Twice) }},
	{"double", "KEY", "presses a button twice before an answer comes", func(s *script, key string) error { return s.submit(key, (*Browser).Double) }},
	{"lost", "KEY", "presses a button, and no answer comes", func(s *script, key string) error { return s.submit(key, (*Browser).Lost) }},
	{"tick", "KEY", "ticks a box, or chooses one of several", (*script).tick},
	{"untick", "KEY", "takes the tick out of a box", (*script).untick},
	{"nobox", "KEY", "there is no box with this label", (*script).nobox},
	{"ticked", "KEY", "the box is ticked", (*script).ticked},
	{"copy", "NAME", "another browser has the cookies of this one from now on", (*script).copyTo},
	{"see", "KEY", "the text is on the page", func(s *script, key string) error { return s.see(key, true) }},
	{"miss", "KEY", "the text is not on the page", func(s *script, key string) error { return s.see(key, false) }},
	{"at", "STEP", "the address ends in this step", (*script).at},
	{"retrace", "PART", "opens again the address with PART in it through which this page was reached", func(s *script, part string) error { return s.b.Retrace(part) }},
	{"reload", "", "loads the page again", func(s *script, _ string) error { return s.b.Reload() }},
	{"back", "", "goes back, as the button of a browser does", func(s *script, _ string) error { return s.b.Back() }},
	{"later", "DURATION", "moves the clock", (*script).later},
	{"upkeep", "", "removes what is kept no longer", (*script).upkeep},
	{"arrive", "NAME[/PARTY] [error CODE|home]", "the person arrives at a relying platform: signed in, with an error, or at its home", (*script).arrive},
	{"token", "CLAIM == VALUE …", "what the last ID token says; none: the claim is not there; amr is a set; same, other and newer compare with the one before", (*script).token},
	{"phone", "WHAT …", "does something on the phone in hand: pin, chooses, loses, forgets, restarts, restored, starts, late, of; with the QR code on the page: looks, scan, typed, number, polls, stops, replaces", (*script).phone},
	{"userinfo", "ok|refused|CLAIM == VALUE|none", "what userinfo answers", (*script).userinfo},
	{"refresh", "ok|CODE", "what the token endpoint answers to the refresh token", (*script).refresh},
	{"delete", "NAME/PARTY", "the operator deletes a party", (*script).deleteParty},
	{"revoke", "", "the party revokes what it was given", func(s *script, _ string) error { return s.party.Revoke() }},
	{"logout", "NAME [hint]", "a relying platform sends the person to sign out", (*script).logout},
	{"told", "NAME[/PARTY]", "idle sessions are looked for, and letters go: the party is told that the session of its last arrival ended", (*script).told},
	{"untold", "NAME[/PARTY]", "the same, and it is told of nothing", (*script).untold},
	{"invite", "ADDRESS", "adds an account and sends the welcome mail", (*script).invite},
	{"resend", "ADDRESS", "sends the welcome mail again", (*script).resend},
	{"mail", "KIND ADDRESS [new]", "letters go, and the newest mail of that kind to that address is taken; new: it was not there at the last look", (*script).mail},
	{"nomail", "ADDRESS", "letters go; no mail to that address came since the last look", (*script).noMail},
	{"reads", "[not] KEY", "the mail that was taken says the text, or does not", (*script).reads},
	{"emergency", "ADDRESS …", "names these managers of linde, who keep their password where login-form=false", (*script).emergency},
	{"set-email", "OLD NEW", "gives somebody a new address on linde that is to be confirmed", (*script).setEmail},
	{"reset-2fa", "ADDRESS", "staff of linde reset two-step authentication", (*script).resetTwoStep},
	{"helper", "WHO VERB ADDRESS [WHAT]", "somebody of staff of linde resets, asks-reset, asks-address, asks-role, gives-role, agrees, withdraws", (*script).helper},
	{"refers", "WHO ADDRESS [WHY]", "the server of linde refers a professional to a person (platform linde refers=yes); follow and scan are for its answer", (*script).refers},
	{"waits", "ADDRESS acts=N", "so many acts wait for an account", (*script).waits},
	{"due", "", "what has waited long enough is done", (*script).due},
	{"number", "", "keeps the number for the helpdesk that the page shows: number in fill", (*script).keepNumber},
	{"follow", "", "opens the link of the mail that was taken", (*script).follow},
	{"scan", "", "opens that link as a scanner of mails does, twice, without cookies", (*script).scan},
	{"role", "ADDRESS ROLE", "the account at linde has that role now", (*script).role},
	{"logged", "TEXT", "a warning in the log says so", (*script).logged},
	{"deactivate", "ADDRESS", "an account is deactivated", func(s *script, who string) error { return s.setState(who, account.Deactivated) }},
	{"reactivate", "ADDRESS", "an account is active again", func(s *script, who string) error { return s.setState(who, account.Active) }},
	{"waited", "DURATION …", "how long answers were held back since the last look", (*script).waitedFor},
	{"status", "N", "the status of the page", (*script).status},
	{"speaks", "nl|en|own", "the language of the page, own being that of the run", (*script).speaks},
	{"language", "NAME", "chooses another language on the page", (*script).language},
	{"cookies", "off|on", "the browser keeps no cookies, or keeps them", func(s *script, onOff string) error { s.b.NoJar = onOff == "off"; return nil }},
}

// press presses the button or link with a text, and no more than it.
func (s *script) press(key string) error {
	return s.b.PressLike(regexp.MustCompile("^" + s.pattern(key) + "$"))
}

func (s *script) openBrowser(name string) {
	if s.browsers[name] == nil {
		s.browsers[name] = NewBrowser(s.server, s.lang)
	}
	s.b = s.browsers[name]
	s.tabs = map[string]*Browser{}
}

func (s *script) tab(name string) error {
	if s.tabs[name] == nil {
		s.tabs[name] = s.b.Tab()
	}
	s.b = s.tabs[name]
	return nil
}

// toolAddress is where a program on the person's own computer waits for its answer.
const toolAddress = "127.0.0.1:4711"

// issuerOf gives linde a host of its own and every other platform a path, so that scripts cover both.
func issuerOf(name string) string {
	if name == "linde" {
		return "https://login.linde.test"
	}
	return "https://id.test/p/" + name
}

func (s *script) platform(rest string) error {
	name, options := fields(rest)
	issuer := issuerOf(name)
	policy := []string{}
	for option, key := range map[string]string{
		"idle": "idle_after", "signup": "self_sign_up", "app-code": "app_code", "app-password": "app_password", "login-form": "login_form",
	} {
		if value, ok := options[option]; ok {
			policy = append(policy, key+": "+value)
		}
	}
	policy = append(policy, codePolicy(options)...)
	s.heads[name] = fmt.Sprintf("platforms:\n  - name: %[1]s\n    issuer: %[2]s\n    organisation: GGZ %[1]s\n    home_url: https://%[1]s.test/home\n    locale: %[3]s\n    help: {email: help@%[1]s.test, phone: 010 123 45 67}\n    privacy_url: %[4]q\n    policy: {%[5]s}\n",
		name, issuer, s.lang, options["privacy"], strings.Join(policy, ", "))
	login := options["login"]
	if login != "" && login != "only" {
		s.heads[name] += fmt.Sprintf("    login_party: %s-%s\n", name, login)
	}
	file := &strings.Builder{}
	file.WriteString(s.heads[name])
	file.WriteString("    parties:\n")
	for _, kind := range []string{"web", "agenda", "anders", "app", "desk", "intranet"} {
		if kind == "intranet" && login == "only" {
			continue
		}
		id := name + "-" + kind
		secret, proof := secretOf(id), "secret: "+secretOf(id)
		switch kind {
		case "app":
			secret, proof = "", "type: native\n        mobile_app: "+cmp.Or(options["mobile-app"], "true")
		case "desk":
			secret, proof = "", "type: native"
		}
		if kind == "web" && options["refers"] != "" {
			proof += referring
		}
		fmt.Fprintf(file, "      - client_id: %s\n        %s\n        redirect_uris: [https://%s.%s.test/callback]\n        post_logout_redirect_uris: [https://%s.%s.test/bye]\n",
			id, proof, kind, name, kind, name)
		if options["told"] != "" && kind != "intranet" {
			fmt.Fprintf(file, "        backchannel_logout_uri: https://%s.%s.test/logged-out\n", kind, name)
			if options["told"] == "idle" && kind == "agenda" {
				fmt.Fprintf(file, "        logout_on_idle: true\n")
			}
		}
		if slices.Contains(strings.Fields(options["role"]), kind) {
			fmt.Fprintf(file, "        scopes: [openid, profile, email, phone, address, role, offline_access]\n")
		}
		if kind == "agenda" {
			fmt.Fprintf(file, "        id_token_alg: ES256\n        initiate_login_uri: https://%s.%s.test/login\n        rotate_refresh_tokens: true\n", kind, name)
		}
		if kind == "intranet" {
			fmt.Fprintf(file, "        initiate_login_uri: https://%s.%s.test/login\n", kind, name)
		}
		if kind == "anders" {
			fmt.Fprintf(file, "        name: Dagboek van Anders\n        third_party: true\n        subject_type: pairwise\n")
		}
		if s.parties[name+"/"+kind] == nil { // a platform that is declared again keeps what its parties hold
			s.parties[name+"/"+kind] = NewParty(s.server, kind+"."+name+".test", issuer, id, secret)
		}
		s.parties[name+"/"+kind].Mobile = kind == "app" && cmp.Or(options["mobile-app"], "true") == "true"
	}
	if name == "linde" { // one program at a time listens on a port
		s.parties["linde/tool"] = NewTool(s.server, toolAddress, issuer, "linde-tool")
		fmt.Fprintf(file, "      - { client_id: linde-tool, type: native, name: Hulpje, redirect_uris: [http://127.0.0.1/callback] }\n")
	}
	s.server.Site(name+".test", s.parties[name+"/web"])
	s.server.Apply(file.String())
	return nil
}

func (s *script) account(rest string) error {
	address, options := fields(rest)
	on := options["on"]
	if on == "" {
		on = "linde"
	}
	role := options["role"]
	if role == "" {
		role = "client"
	}
	secret := "\n        password: \"" + Password + "\""
	if options["password"] == "none" {
		secret = "\n        email_verified: false"
	}
	secret += enrolled(options)
	head, ok := s.heads[on]
	if !ok {
		return fmt.Errorf("no platform %s", on)
	}
	s.server.Apply(fmt.Sprintf("%s    accounts:\n      - email: %s\n        role: %s\n        locale: %q\n        name: {given: Anna, family: Bakker}%s\n",
		head, address, role, options["locale"], secret))
	return nil
}

func (s *script) partyOf(name string) (*Party, error) {
	if !strings.Contains(name, "/") {
		name += "/web"
	}
	p, ok := s.parties[name]
	if !ok {
		return nil, fmt.Errorf("no party %s", name)
	}
	return p, nil
}

func (s *script) visit(rest string) error {
	name, options := fields(rest)
	party, err := s.partyOf(name)
	if err != nil {
		return err
	}
	extra := url.Values{}
	for k, v := range options {
		if v == "last" && k == "id_token_hint" {
			v, _ = party.Last.Token.Extra("id_token").(string)
		}
		extra.Set(k, v)
	}
	s.previous = party.Last.Claims
	party.Last = Arrival{}
	s.party = party
	party.TakePhone(s.b.Jar)
	return s.b.Open(party.Start(extra))
}

func (s *script) fill(rest string) error {
	key, value, ok := strings.Cut(rest, " = ")
	if !ok {
		return fmt.Errorf("fill KEY = VALUE")
	}
	value, err := s.meant(value)
	if err != nil {
		return err
	}
	return s.b.Fill(s.text(key), strings.Trim(value, `"`))
}

// submit sends the form of a button in another way than by pressing it.
func (s *script) submit(key string, how func(*Browser, url.Values, string) error) error {
	button := s.b.ButtonLike(regexp.MustCompile("^" + s.pattern(key) + "$"))
	if button == nil {
		return fmt.Errorf("no button %q", s.text(key))
	}
	form, action, err := s.b.Form(button)
	if err != nil {
		return err
	}
	return how(s.b, form, action)
}

// text is a text in the language of the page: of its lang attribute, so that a page in the wrong language is noticed by
// what the script sees on it.
func (s *script) text(key string) string {
	return s.known(key, s.server.UI.Text(s.lang, key))
}

// known fills the placeholders that are the same on every page. Texts of sign-ins elsewhere name who is there.
func (s *script) known(key, text string) string {
	if s.party == nil || !strings.Contains(text, "{") || strings.HasPrefix(key, "sso.") || key == "login.sso" {
		return text
	}
	for id := range s.parties {
		name, _, _ := strings.Cut(id, "/")
		if issuerOf(name) == s.party.Issuer {
			text = strings.NewReplacer("{party}", partyTitle(s.party.Host, name), "{platform}", "GGZ "+name, "{organisation}", "GGZ "+name, "{host}", name+".test/home").Replace(text)
		}
	}
	return text
}

// partyTitle is what people call a party of a script's platform.
func partyTitle(host, platform string) string {
	if host == toolAddress {
		return "Hulpje"
	}
	if strings.HasPrefix(host, "anders.") {
		return "Dagboek van Anders"
	}
	return "GGZ " + platform
}

// file chooses a file in the field with a label.
func (s *script) file(rest string) error {
	key, lines, _ := strings.Cut(rest, " = ")
	return s.b.Fill(s.text(strings.TrimSpace(key)), strings.ReplaceAll(lines, " | ", "\r\n"))
}

// pattern is a text in which placeholders that differ by page stand for anything, in its form for one or for several. Its
// spaces are plain ones, as in what Visible returns.
func (s *script) pattern(key string) string {
	form := func(text string) string {
		text = strings.ReplaceAll(text, "\u00a0", " ")
		return placeholder.ReplaceAllString(regexp.QuoteMeta(text), ".+")
	}
	several, one := form(s.text(key)), form(s.known(key, s.server.UI.Text(s.lang, key, "", 1)))
	if one == several {
		return several
	}
	return "(?:" + one + "|" + several + ")"
}

var placeholder = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

func (s *script) see(key string, want bool) error {
	seen := regexp.MustCompile(s.pattern(key)).MatchString(Visible(s.b.Doc))
	if seen != want {
		return fmt.Errorf("seen: %t, want %t: %q on %s (%d):\n%s", seen, want, s.text(key), s.b.URL, s.b.Status, Visible(s.b.Doc))
	}
	return nil
}

func (s *script) at(place string) error {
	if !strings.HasSuffix(s.b.URL.Path, place) {
		return fmt.Errorf("at %s", s.b.URL)
	}
	return nil
}

func (s *script) later(text string) error {
	d, err := time.ParseDuration(text)
	s.server.Clock.Later(d)
	return err
}

// upkeep removes what is kept no longer.
func (s *script) upkeep(string) error {
	_, err := s.server.DB.CleanUp(s.t.Context(), s.server.Clock.Now(), 1000)
	return err
}

func (s *script) setState(who string, state account.State) error {
	address, options := fields(who)
	on := options["on"]
	if on == "" {
		on = "linde"
	}
	ctx := s.t.Context()
	a, err := s.server.DB.AccountByEmail(ctx, platform.ID(on), address)
	if err != nil {
		return err
	}
	return s.server.DB.SetState(ctx, a.Platform, a.ID, state, audit.Event{
		At: s.server.Clock.Now(), Platform: a.Platform, Kind: audit.AccountDeactivated, Actor: "cli test", Account: a.ID, Outcome: audit.Success,
	}, s.server.Clock.Now())
}

// waitedFor compares how long answers were held back since the last look, in order, without those that were not.
func (s *script) waitedFor(want string) error {
	var got []string
	for _, d := range s.server.Clock.Waited() {
		if d > 0 {
			got = append(got, d.String())
		}
	}
	if strings.Join(got, " ") != want {
		return fmt.Errorf("waited %v", got)
	}
	return nil
}

func (s *script) status(want string) error {
	if strconv.Itoa(s.b.Status) != want {
		return fmt.Errorf("status %d", s.b.Status)
	}
	return nil
}

func (s *script) speaks(want string) error {
	if want == "own" {
		want = s.lang
	}
	for n := range s.b.Doc.Descendants() {
		if n.Data == "html" && browser.Attr(n, "lang") == want && s.b.Header.Get("Content-Language") == want {
			return nil
		}
	}
	return fmt.Errorf("the page is not in %s, Content-Language is %q", want, s.b.Header.Get("Content-Language"))
}
