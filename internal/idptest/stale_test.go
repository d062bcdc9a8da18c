package idptest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/minddistrict/idp/internal/idptest"
)

// stale is one way of coming to where a fresh sign-in is wanted.
type stale struct {
	of     string // purpose
	name   string
	with   string // of the platform, beside the usual
	org    string // of the organisation, beside the usual
	who    string // account of who comes
	before string // lines with the organisation as it should be
	lines  string // with one that asks nobody again: the last leads to the organisation, once
}

// stales are all ways. Where passwords are closed, as here unless a row says more, nobody is asked whether to go to the
// organisation, so an answer that counts for nothing could lead there again and again.
var stales = []stale{
	{of: "sign-in", name: "prompt=login", lines: "visit linde prompt=login"},
	{of: "sign-in", name: "max_age", lines: "visit linde max_age=60"},
	{of: "sign-in", name: "two factors that count there", org: "counts=yes", lines: "visit linde acr_values=urn:minddistrict:acr:2fa"},
	{of: "sign-in", name: "a factor is set up for a party", lines: "visit linde acr_values=urn:minddistrict:acr:2fa"},
	{of: "sign-in", name: "a factor is required", before: "platform linde second-factor=required methods=totp login-form=false", lines: "visit linde"},
	{of: "sign-in", name: "the mobile app, prompt=login", lines: "visit linde/app prompt=login"},
	{of: "sign-in", name: "with a code", who: "totp", lines: "visit linde prompt=login"},
	{of: "return", name: "the idle hour", before: "later 61m", lines: "visit linde"},
	{of: "return", name: "the idle hour, by the mobile app", before: "later 61m", lines: "visit linde/app"},
	{of: "change-password", name: "a password is open", with: "login-form=true", before: "later 6m",
		lines: "open https://login.linde.test/settings ; press settings.password ; see confirm_password.title ; press login.sso"},
	{of: "two-step-page", name: "settings of two-step authentication", lines: "open https://login.linde.test/settings/two-step"},
	{of: "two-step", name: "turning it on", before: fresh + "later 6m", lines: "press setup.start"},
	{of: "two-step", name: "another app", who: "totp", before: fresh + "later 6m", lines: "press two_step.change"},
	{of: "new-codes", name: "new recovery codes", who: "totp", before: fresh + "later 6m", lines: "press two_step.codes_new"},
	{of: "two-step-off", name: "turning it off", who: "totp", before: fresh + "later 6m", lines: "press two_step.off"},
	{of: "show-qr", name: "a code for a phone", lines: "open https://login.linde.test/settings/app"},
	{of: "connect", name: "another organisation, as who one is here", before: "organisation wilgenhof roles=professional+manager place=none",
		lines: "open https://login.linde.test/settings/organisation ; press sso.connect"},
	{of: "connect", name: "another organisation, as who one is there",
		before: "organisation wilgenhof roles=professional+manager place=none ; open https://login.linde.test/settings/organisation ; press sso.connect ; signs-in anna ; turns wilgenhof silent",
		lines:  "signs-in anna.b auth_time=-8h"},
	{of: "links", name: "removing a connection", lines: "open https://login.linde.test/settings/organisation ; press sso.unlink"},
	{of: "welcome", name: "the welcome mail", before: "invite nina@example.org role=professional ; browser nina ; mail welcome nina@example.org ; follow ; press login.sso",
		lines: "signs-in nina auth_time=-8h"},
	{of: "after-reset", name: "the mail after a reset", who: "totp",
		before: "reset-2fa anna@example.org ; browser other ; visit linde ; signs-in anna ; at /check-mail ; later 10m ; mail after_reset anna@example.org ; turns lindehof silent", lines: "follow"},
	{of: "staff-pages", name: "pages of staff", who: "role=manager totp", before: "later 31m", lines: "open https://login.linde.test/staff/reference"},
	{of: "staff-act", name: "what staff do", who: "role=manager totp",
		before: "open https://login.linde.test/staff ; later 6m", lines: "open https://login.linde.test/staff/people.csv"},
}

// fresh comes to the settings of two-step authentication with a sign-in there that is new.
const fresh = "open https://login.linde.test/settings/two-step ; signs-in anna ; at /settings/two-step ; "

// never are the purposes for which nobody is sent to an organisation.
var never = map[string]string{
	"sign-up":        "who makes an account here chooses a password: an answer is refused, whatever its age",
	"reset-password": "the button of the mail is the proof, and leads to no organisation",
}

// TestAnOldSignInIsNeverFresh: an organisation that answers silently with the sign-in of eight hours ago leads, wherever a
// fresh one is wanted, to a page that says so: no second time to the organisation, after a reload neither, and never on.
func TestAnOldSignInIsNeverFresh(t *testing.T) {
	for _, row := range stales {
		t.Run(row.of+"/"+row.name, func(t *testing.T) {
			t.Parallel()
			press := ""
			if strings.Contains(row.with, "login-form=true") {
				press = "press login.sso\n"
			}
			code := ""
			if strings.Contains(row.who, "totp") {
				code = "fill code.label = totp ; press code.submit\n"
			}
			who := row.who
			if !strings.Contains(who, "role=") {
				who += " role=professional"
			}
			text := "platform linde second-factor=optional methods=totp login-form=false " + row.with + "\n" +
				"organisation lindehof roles=professional+manager jit=invited " + row.org + "\n" +
				"account anna@example.org " + who + "\nlinked anna@example.org lindehof anna\n" +
				"visit linde\n" + press + "signs-in anna auth_time=-8h\n" + code + "arrive linde\n" +
				row.before + "\nturns lindehof silent\n" + row.lines + "\n" +
				"sent 1 ; see sso.error_title ; see sso.error_old ; number\n" +
				"reload\nsent 0 ; see sso.error_old\n" +
				"press sso.retry\nsent 1 ; see sso.error_old\n"
			idptest.RunText(t, row.name, text, idptest.SQLite(t), "en")
		})
	}
}

// TestEveryPurposeIsAskedWithAnOldSignIn: a purpose that comes has a row, or a reason.
func TestEveryPurposeIsAskedWithAnOldSignIn(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "authn", "rules.go"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "rules.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	var purposes []string
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := v.Type.(*ast.Ident); ok && of.Name == "Purpose" {
			name, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			purposes = append(purposes, name)
		}
		return true
	})
	if len(purposes) < 16 {
		t.Fatalf("purposes %q", purposes)
	}
	for _, p := range purposes {
		if row := slices.ContainsFunc(stales, func(s stale) bool { return s.of == p }); row == (never[p] != "") {
			t.Errorf("purpose %s: a row, or a reason for none", p)
		}
	}
}
