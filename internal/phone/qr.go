package phone

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// ErrNotOurs says that a code is none of those with which somebody signs in here.
var ErrNotOurs = errors.New("this code is not for signing in to this app")

var reference = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// ParseQR takes the text of a QR code apart: {issuer}/app#{reference}. The issuer must be one of those that the app was
// configured for, byte for byte: a code is never a way of learning where to go.
func ParseQR(text string, issuers []string) (issuer, ref string, err error) {
	before, ref, found := strings.Cut(text, "#")
	issuer, ours := strings.CutSuffix(before, "/app")
	if !found || !ours || !slices.Contains(issuers, issuer) || !reference.MatchString(ref) {
		return "", "", ErrNotOurs
	}
	return issuer, ref, nil
}
