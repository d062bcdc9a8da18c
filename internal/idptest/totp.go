package idptest

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/minddistrict/idp/test/browser"
	"github.com/pquerna/otp/totp"
)

// TOTPSecret is what the authenticator app of every account of a script has, until it is set up on a page.
const TOTPSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

// totpVocabulary is what scripts say of authenticator apps.
var totpVocabulary = vocabulary{
	word: (*script).appCode,
	account: func(options map[string]string) string {
		if _, app := options["totp"]; !app {
			return ""
		}
		return "totp_secret: " + TOTPSecret
	},
}

var appCode = regexp.MustCompile(`^totp([+-]\d+)?(s)?$`)

// appCode is what the person's app shows: totp, of so many steps later or earlier (totp-1), or on a phone whose clock
// is off by so many seconds (totp+25s).
func (s *script) appCode(value string) (string, bool, error) {
	m := appCode.FindStringSubmatch(value)
	if m == nil {
		return "", false, nil
	}
	for n := range s.b.Doc.Descendants() {
		if browser.Attr(n, "id") == "key" { // the page of the set-up shows it
			s.secret = strings.Join(strings.Fields(browser.Text(n)), "")
		}
	}
	off, _ := strconv.Atoi(m[1]) // digits, or nothing
	unit := 30 * time.Second
	if m[2] != "" {
		unit = time.Second
	}
	code, err := totp.GenerateCode(s.secret, s.server.Clock.Now().Add(time.Duration(off)*unit))
	return code, true, err
}
