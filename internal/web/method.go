package web

import (
	"net/http"
	"strings"
)

// MethodNotAllowed refuses a method and says which the address takes (RFC 9110 section 15.5.6).
func MethodNotAllowed(w http.ResponseWriter, allowed ...string) {
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
}
