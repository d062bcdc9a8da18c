package link

import (
	"net/http"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/ui"
)

// closed reports whether a link of a mail leads to a password, where none can be used. It is spent by nothing
// meanwhile. Whoever was invited, or was reset by staff, shows the account of an organisation instead, where one's
// sign-in is open.
func (v *Visit) closed() bool {
	purpose, journey := purposes[v.Ticket.Purpose]
	elsewhere := v.Facts.Connected && (purpose == authn.Welcome || purpose == authn.AfterReset)
	return journey && authn.PasswordClosed(v.Facts) && !elsewhere
}

// showClosed says so without a journey.
func (s *Server) showClosed(w http.ResponseWriter, r *http.Request, v *Visit) error {
	page := ui.ClosedPage{BackURL: v.Platform.HomeURL, Party: v.Platform.Name}
	look := v.Look(nil)
	look.Reference = s.refuse(r, v, "closed")
	return s.Engine.ShowPage(w, r, http.StatusOK, "closed", page, look)
}
