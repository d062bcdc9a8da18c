package web

import (
	"net/http"
	"strings"
)

// Activity reports whether a request is something that a person does: one goes to a page in a window of its own, or is
// on a page of ours already. What a page of another site asks for behind somebody's back (a picture, a frame, a
// script's request) is not, although a sibling host's carries our cookies (SameSite looks at sites, not at hosts): a
// session would never idle while such a page is open. Neither is what a browser fetches before anybody wants it.
//
// Browsers say so themselves (Fetch Metadata Request Headers, W3C). One too old for that still announces that it goes
// to a page (Upgrade Insecure Requests, W3C, section 3.2.1), which no page can have it say; that the page may be in a
// frame it does not tell.
func Activity(r *http.Request) bool {
	for _, name := range []string{"Sec-Purpose", "Purpose", "X-Moz"} {
		if strings.Contains(strings.ToLower(r.Header.Get(name)), "prefetch") {
			return false
		}
	}
	site, mode, dest := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	switch {
	case site == "same-origin":
		return true
	case site == "" && mode == "" && dest == "":
		return r.Header.Get("Upgrade-Insecure-Requests") == "1"
	}
	return mode == "navigate" && dest == "document"
}
