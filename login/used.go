package login

import (
	"net/http"

	"github.com/minddistrict/idp/internal/web"
)

// keepUsed keeps in the browser by which connection somebody signed in with it: the button comes first the next time.
// It says nothing of who that was, and is nothing that counts: anybody may have written it.
func (v *Visit) keepUsed(w http.ResponseWriter) {
	for _, p := range v.Journey.Proofs {
		if p.Upstream != nil {
			web.KeepCookie(w, v.Platform.ID, web.UsedCookie, p.Upstream.Connection, knownFor)
		}
	}
}

// Used is the connection by which somebody signed in last with this browser; empty, or none that there is: unknown.
func (v *Visit) Used() string { return v.knownBrowser.used }
