package account

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/minddistrict/idp/internal/fault"
)

// domains maps and checks the part after the @ as a browser does (UTS 46, RFC 5891), and its length as DNS does.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

// foreignASCII are the characters that NFC turns into ASCII ones (K, ` and ;) although they are not.
const foreignASCII = "\u212a\u1fef\u037e"

// maxEmail is the longest address SMTP can carry (RFC 5321 section 4.5.3.1.3, less the angle brackets).
const maxEmail = 254

// Email is an address: as typed, and the key it is unique by on its platform.
type Email struct {
	Address string // what mails are sent to and pages show
	Key     string // what is looked up and compared
}

func (e Email) String() string { return e.Address }

// ParseEmail reads an address that a person typed. Blanks around it are dropped.
//
// The key folds only what mail systems fold everywhere: ASCII capitals, and the domain by IDNA. Messages that merely
// look alike (dotless i, full-width forms) stay different, so that nobody reaches another account with them
// (CVE-2019-19844); letters that are the same in two Unicode spellings are brought to NFC and are one, except the Kelvin
// sign and its like, which are refused.
func ParseEmail(s string) (Email, error) {
	refuse := fmt.Errorf("%w: e-mail address", fault.Invalid)
	if strings.ContainsAny(s, foreignASCII) {
		return Email{}, refuse
	}
	s = norm.NFC.String(strings.TrimSpace(s))
	if len(s) > maxEmail || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || strings.ContainsRune(`<>()[],;:\"`, r)
	}) {
		return Email{}, refuse
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(local) > 64 || strings.Contains(domain, "@") || !strings.Contains(domain, ".") {
		return Email{}, refuse
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || strings.HasSuffix(ascii, ".") {
		return Email{}, refuse
	}
	if _, err := mail.ParseAddress(s); err != nil {
		return Email{}, refuse
	}
	return Email{Address: s, Key: lowerASCII(local) + "@" + lowerASCII(ascii)}, nil
}

// Masked shows whose address it is without showing the address: s•••@voorbeeld.nl.
func (e Email) Masked() string {
	local, domain, _ := strings.Cut(e.Address, "@")
	first := []rune(local)[:1]
	return string(first) + "•••@" + domain
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
