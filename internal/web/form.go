package web

import (
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/minddistrict/idp/internal/fault"
)

// ErrNotUTF8 says that a form is written in other characters than ours: its bytes could mean something else to us than
// to whoever typed them. All our pages are UTF-8, and so are forms of the protocol (RFC 6749 appendix B).
var ErrNotUTF8 = fmt.Errorf("form is not UTF-8: %w", fault.Invalid)

// ParseForm reads the form of a request as http.Request.ParseForm does, and refuses one that says it is not UTF-8, or
// is not. What is no form of this kind, such as a multipart one, is none. A form that says nothing is UTF-8 (URL
// Standard section 5.1).
func ParseForm(r *http.Request) error {
	if kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == formType {
		if charset, said := parameters["charset"]; said && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
			return ErrNotUTF8
		}
	}
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("form: %w: %w", fault.Invalid, err)
	}
	for name, values := range r.PostForm {
		for _, text := range append(values, name) {
			if !utf8.ValidString(text) {
				return ErrNotUTF8
			}
		}
	}
	return nil
}

const formType = "application/x-www-form-urlencoded"
