package login

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/minddistrict/idp/internal/secret"
	"github.com/minddistrict/idp/internal/web"
	"github.com/minddistrict/idp/platform"
)

// A browser is known for an account that signed in with it before, or whose owner pressed the button of a mail in it or
// made a new password there: wrong passwords of it are counted apart, so that nobody stops the owner of an account. It
// is no proof, and no step is left out for it.
//
// Its cookie holds a random identifier of the browser and, the newest first, a mark for each of the last accounts: an
// HMAC of platform, address and browser. It tells nobody whose marks these are, nobody can make one, and one that is
// carried to another browser's identifier or another platform is none. Nothing is stored. Under a new first master key
// every browser is unknown until its next sign-in.
const (
	knownAccounts = 5                    // a household has them all, a computer of a ward the last ones
	knownFor      = 400 * 24 * time.Hour // since the last sign-in; browsers keep no cookie longer (RFC 6265bis section 5.5)
	markSize      = 16                   // bytes
)

// KnownBrowser is the identifier of this browser if it is known for the account with this address, and empty
// otherwise. It costs the same for an address without an account.
func (v *Visit) KnownBrowser(sealer Sealer, email string) string {
	id, marks := readKnownBrowsers(v.Request, v.Platform.ID)
	known, mark := false, markOf(sealer, v.Platform.ID, email, id)
	for _, m := range marks {
		known = secret.Equal([]byte(m), []byte(mark)) || known
	}
	if !known {
		return ""
	}
	return id
}

// MarkKnownBrowser makes this browser known for the account with this address, once the change of this visit is saved,
// and returns its identifier. Only what proves to be the owner may do that: a sign-in, the button of a mail, a new
// password.
func (v *Visit) MarkKnownBrowser(sealer Sealer, email string) string {
	id, marks := v.knownBrowser.id, v.knownBrowser.marks
	if id == "" {
		if id, marks = readKnownBrowsers(v.Request, v.Platform.ID); id == "" {
			id = secret.ID()
		}
	}
	mark := markOf(sealer, v.Platform.ID, email, id)
	marks = append([]string{mark}, slices.DeleteFunc(marks, func(m string) bool { return m == mark })...)
	v.knownBrowser.id, v.knownBrowser.marks = id, marks[:min(len(marks), knownAccounts)]
	return id
}

// knownBrowser is what the cookie holds, and used what that of keepUsed did.
type knownBrowser struct {
	id    string
	marks []string
	used  string
}

// WriteKnownBrowser writes what KnownBrowser and MarkKnownBrowser decided.
func (v *Visit) WriteKnownBrowser(w http.ResponseWriter) {
	if v.knownBrowser.id != "" {
		web.KeepCookie(w, v.Platform.ID, web.KnownCookie, v.knownBrowser.id+"."+strings.Join(v.knownBrowser.marks, "."), knownFor)
	}
}

// readKnownBrowsers reads the cookie. Whatever has not its form is none.
func readKnownBrowsers(r *http.Request, p platform.ID) (id string, marks []string) {
	parts := strings.Split(web.Cookie(r, p, web.KnownCookie), ".")
	if !secret.IsID(parts[0]) || len(parts) > 1+knownAccounts || slices.ContainsFunc(parts[1:], notMark) {
		return "", nil
	}
	return parts[0], parts[1:]
}

func notMark(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err != nil || len(b) != markSize
}

func markOf(sealer Sealer, p platform.ID, email, browser string) string {
	mac := sealer.MAC("known browser", string(p)+"\x00"+email+"\x00"+browser)
	return base64.RawURLEncoding.EncodeToString(mac[:markSize])
}
