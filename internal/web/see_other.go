package web

import "net/http"

// SeeOther answers a form, or a page that is elsewhere, with 303 (RFC 9110 section 15.4.4). It never fails: handlers end
// with it.
func SeeOther(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
