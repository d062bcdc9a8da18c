package web

import "net/http"

// AnswerHead answers HEAD for a page whose GET does something, such as giving a code or ending a session: nothing is
// done. Link checkers and mail scanners ask so. What a GET would answer can only be known by doing it, so the answer is
// the least that is true: there is a page (RFC 9110 section 9.3.2 asks for no more than that).
func AnswerHead(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusOK)
}
