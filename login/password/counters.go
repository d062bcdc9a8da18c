package password

import (
	"encoding/hex"
	"strings"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/login"
	"github.com/minddistrict/idp/platform"
)

// guess names the counters of a password that is tried for an address, in whatever spelling it was typed: of this
// browser alone if it is a known one, of all others together otherwise.
func (o Options) guess(v *login.Visit, email string) authn.Guess {
	return authn.Guess{
		Counter: counter(o.Sealer, "attempts", v.Platform.ID, email, v.KnownBrowser(o.Sealer, email)),
		Owner:   authn.PasswordOwner(o.Sealer, v.Platform.ID, email),
		Source:  "source " + counter(o.Sealer, "source", v.Platform.ID, v.Caller.Source()), // locked last: see storage
	}
}

// own makes this browser known for an address, and names the counter that it has from then on.
func (o Options) own(v *login.Visit, email string) string {
	return counter(o.Sealer, "attempts", v.Platform.ID, email, v.MarkKnownBrowser(o.Sealer, email))
}

// counter is the name of a counter. It is an HMAC: a stolen database does not tell which addresses somebody tried.
func counter(sealer Sealer, what string, p platform.ID, of ...string) string {
	return hex.EncodeToString(sealer.MAC("password "+what, strings.Join(append([]string{string(p)}, of...), "\x00")))
}
