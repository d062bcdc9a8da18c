package link

import (
	"net/http"

	"github.com/minddistrict/idp/authn"
	"github.com/minddistrict/idp/ui"
)

// closed tells whether a link of a mail leads to a password, where none can be used. It is spent by nothing meanwhile. That of
// an invitation leads to the sign-in of an organisation as well, where one is open.
func (v *Visit) closed() bool {
	_, journey := purposes[v.Ticket.Purpose]
	invited := v.Ticket.Purpose == authn.TicketWelcome && v.Facts.Connected
	return journey && authn.PasswordClosed(v.Facts) && !invited
}

// showClosed says so without a journey.
func (s *Server) showClosed(w http.ResponseWriter, r *http.Request, v *Visit) error {
	page := ui.ClosedPage{BackURL: v.Platform.HomeURL, Party: v.Platform.Name}
	look := v.Look(nil)
	look.Reference = s.refuse(r, v, "closed")
	return s.Engine.ShowPage(w, r, http.StatusOK, "closed", page, look)
}
